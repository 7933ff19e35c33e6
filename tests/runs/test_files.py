"""A kill at any moment leaves the old file or the new one, and a journal whose whole lines can be read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lrdecay.errors import RunError
from lrdecay.runs.files import append_line, read_lines, write_atomically, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_is_written_whole_with_its_folders_and_line_ends_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "t.txt"
    write_text(path, "µ\r\nx\n")
    assert path.read_bytes() == "µ\r\nx\n".encode()
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(path.parent) == ["t.txt"]


def write_and_break_off(path: Path, failure: type[BaseException]) -> None:
    with write_atomically(path) as f:
        f.write("new, but on")
        f.flush()
        raise failure


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_write_that_is_broken_off_leaves_the_old_file_and_no_other(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    path = tmp_path / "t.txt"
    write_text(path, "old")
    with pytest.raises(failure):
        write_and_break_off(path, failure)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["t.txt"]
    with pytest.raises(failure):
        write_and_break_off(tmp_path / "other.txt", failure)
    assert names(tmp_path) == ["t.txt"]


def test_until_the_end_of_the_write_others_see_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    write_text(path, "old")
    with write_atomically(path) as f:
        f.write("new")
        f.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_process_killed_while_writing_leaves_the_old_file_and_every_whole_line(tmp_path: Path) -> None:
    write_text(tmp_path / "t.txt", "old")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from lrdecay.runs.files import append_line, write_atomically\n"
        "folder = Path(sys.argv[1])\n"
        "append_line(folder / 'j.jsonl', {'a': 1})\n"
        "with (folder / 'j.jsonl').open('ab') as j, write_atomically(folder / 't.txt') as f:\n"
        "    f.write('new'); f.flush()\n"
        '    j.write(b\'{"a": 2, "b\'); j.flush()\n'
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert (tmp_path / "t.txt").read_text() == "old"
    assert read_lines(tmp_path / "j.jsonl") == [{"a": 1}]
    append_line(tmp_path / "j.jsonl", {"a": 3})
    assert read_lines(tmp_path / "j.jsonl") == [{"a": 1}, {"a": 3}]


def test_a_journal_holds_what_was_appended_in_order_in_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "j.jsonl"
    records = [{"a": 0.1, "text": "two\nlines µ"}, {}, {"b": [1, None, {"c": "nan"}]}]
    assert read_lines(path) == []
    for record in records:
        append_line(path, record)
    assert read_lines(path) == records
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("cut", range(1, len(b'{"a": "x", "b": 12}')))
def test_a_last_line_cut_anywhere_does_not_count_and_does_not_spoil_the_next(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    append_line(path, {"a": 1})
    with path.open("ab") as f:
        f.write(b'{"a": "x", "b": 12}'[:cut])
    assert read_lines(path) == [{"a": 1}]
    append_line(path, {"a": 2})
    append_line(path, {"a": 3})
    assert read_lines(path) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"a": 1}')
    assert read_lines(path) == [{"a": 1}]
    append_line(path, {"a": 2})
    assert read_lines(path) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "foreign", ["hello\n", "12\n", "[1]\n", '"text"\n', "null\n", '{\n  "a": 1\n}\n', "\x00\x00\n", "a,b\n1,2"]
)
def test_a_file_that_somebody_else_wrote_is_refused_with_the_number_of_the_line(tmp_path: Path, foreign: str) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text('{"a": 1}\n' + foreign)
    with pytest.raises(RunError, match=r"must be a journal of JSON lines, got something else in line [23]") as caught:
        read_lines(path)
    assert "\n" not in str(caught.value)


def test_a_number_that_json_does_not_know_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    append_line(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_line(path, {"a": float("nan")})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"a": 1}]
