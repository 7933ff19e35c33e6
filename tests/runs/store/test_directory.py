"""What is particular to files: whose folder it is, what killed writers leave, damage, and filesystems that cannot."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.runs.store.directory_files import Files
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import ConflictError, Member, Store, StudyRecord
from lrdecay.runs.store.records import seal_record
from lrdecay.runs.trace import Trace

TRACE = Trace(np.arange(3), np.zeros(3), np.ones(3), np.arange(3.0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    opened = open_store(f"dir:{root}")
    opened.put_node("k1", {"n": 1}, TRACE)
    return opened


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_node_is_a_text_that_people_can_read(store: Store, root: Path) -> None:
    checksum, record, *rows = (root / "nodes" / "k1" / "k1").read_text().splitlines()
    assert len(checksum) == 64
    assert record == '{"n": 1}'
    assert rows == TRACE.csv_text().splitlines()


def test_a_folder_that_was_moved_is_the_same_store(store: Store, root: Path) -> None:
    moved = root.rename(root.with_name("moved"))
    again = open_store(f"dir:{moved}")
    assert again.node("k1") is not None
    assert again.check() == []


def test_somebody_elses_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(
        InputError, match=r"must be a store of lrdecay or an empty folder, got a folder with thesis.tex"
    ):
        open_store(f"dir:{tmp_path}")
    with pytest.raises(InputError, match="got a file"):
        open_store(f"dir:{tmp_path / 'thesis.tex'}")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_store_that_another_process_makes_meanwhile_is_not_somebody_elses(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Files.names

    def late(files: Files, folder: Path) -> list[str]:
        monkeypatch.undo()
        open_store(f"dir:{root}").publish("a", "start", {})
        return names(files, folder)

    monkeypatch.setattr(Files, "names", late)
    assert open_store(f"dir:{root}").runs() == ["a"]


def test_a_store_of_a_newer_version_is_refused_in_a_line(store: Store, root: Path) -> None:
    sealed = seal_record({"lrdecay store": 2})
    (root / "store.json").write_text(f"{sealed.sha256}\n{sealed.record}\n")
    with pytest.raises(InputError, match=r"must be of version 1 or older, got 2. A newer lrdecay wrote it"):
        open_store(f"dir:{root}")


@pytest.mark.parametrize("folder", [".", "tmp", "runs/a/events"])
def test_what_a_killed_writer_left_is_named_and_goes_when_opened_again(store: Store, root: Path, folder: str) -> None:
    store.publish("a", "start", {})
    left = root / folder / f".{socket.gethostname()}.{dead_process()}.1-0.tmp"
    left.write_text("half")
    assert store.check() == [f"{left.relative_to(root)} was left half-written; it goes when opened again"]
    assert open_store(f"dir:{root}").check() == []
    assert not left.exists()


@pytest.mark.parametrize(
    ("writer", "age", "goes"), [("other.1", 60, False), ("other.1", 7200, True), ("me", 60, False)]
)
def test_a_file_that_somebody_may_still_be_writing_stays(
    store: Store, root: Path, writer: str, age: float, goes: bool
) -> None:
    name = f"{socket.gethostname()}.{os.getpid()}" if writer == "me" else writer
    half = root / "tmp" / f".{name}.1-0.tmp"
    half.write_text("half")
    then = half.stat().st_mtime - age
    os.utime(half, (then, then))
    open_store(f"dir:{root}")
    assert half.exists() != goes


def test_a_damaged_node_is_named_never_returned_and_replaced_when_put_again(store: Store, root: Path) -> None:
    path = root / "nodes" / "k1" / "k1"
    whole = path.read_bytes()
    for broken in (b"", whole[:-1], whole[:70], whole.replace(b"2.0", b"2.5"), b"\xff" * 100, whole + b"\n"):
        path.write_bytes(broken)
        with pytest.raises(RunError, match="`node k1` must have the checksum it was kept with"):
            store.node("k1")
        (wrong,) = store.check()
        assert wrong.startswith("`node k1` must have the checksum")
    store.put_node("k1", {"n": 3}, TRACE)
    assert (store.node("k1") or ({},))[0] == {"n": 3}
    assert store.check() == []


def test_everything_that_is_not_as_it_was_put_is_named(store: Store, root: Path) -> None:
    study = StudyRecord({"q": 1}, "c")
    store.put_study(study)
    store.add_members(study.id, [Member("r", "n", "s", 0, None, "score")])
    store.add_provenance(study.id, {"command": "c"})
    for _ in range(3):
        store.command("a", {}, by="me")
    store.acknowledge("a", 2, {})
    store.set_status("a", "now", {})
    assert store.check() == []
    (root / "runs/a/commands/000000002.json").unlink()
    (root / "notes.txt").write_text("mine")
    for file in (root / "studies").rglob("*.json"):
        file.write_text("{}")
    (root / "runs/a/status/now.json").write_text("")
    wrong = store.check()
    assert len(wrong) == 7
    for words in ("notes.txt is no file", "commands of a must be numbered 1 to 3, got [1, 3]", "outcome 2 of a has no"):
        assert sum(words in line for line in wrong) == 1, words
    assert sum("must have the checksum" in line for line in wrong) == 4


def test_a_status_that_a_power_cut_emptied_is_named_and_set_again(store: Store, root: Path) -> None:
    store.set_status("a", "now", {"step": 1})
    (root / "runs/a/status/now.json").write_bytes(b"")
    with pytest.raises(RunError, match="status now of a"):
        store.status("a", "now")
    assert store.set_status("a", "now", {"step": 2}) == 1
    assert store.check() == []


def test_a_damaged_command_stops_its_reader_instead_of_being_passed_over(store: Store, root: Path) -> None:
    for n in (1, 2):
        store.command("a", {"n": n}, by="me")
    (root / "runs/a/commands/000000001.json").write_text("x")
    with pytest.raises(RunError, match="commands 1 of a"):
        store.commands("a")
    assert [c.record for c in store.commands("a", after=1)] == [{"n": 2}]


def test_an_answer_that_the_network_lost_is_not_taken_for_somebody_elses_success(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS repeats a request whose answer was lost, and then says that the link is there already."""
    link = os.link

    def lossy(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", lossy)
    assert store.command("a", {}, by="me", expected_last=0) == 1
    monkeypatch.undo()
    with pytest.raises(ConflictError):
        store.command("a", {}, by="me", expected_last=0)
    assert store.check() == []


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EXDEV])
def test_a_filesystem_without_hard_links_is_refused_when_the_store_is_made(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(InputError, match="must be on a filesystem with hard links") as caught:
        open_store(f"dir:{root}")
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert open_store(f"dir:{root}").check() == []


def test_a_filesystem_that_cannot_flush_a_folder_is_good_enough(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def of_files(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", of_files)
    store = open_store(f"dir:{root}")
    assert store.publish("a", "start", {}) == 1
    assert store.check() == []


def test_what_is_kept_was_flushed_to_disk_with_its_folder_before_it_is_said(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda d: (flushed.append(str(Path(f"/proc/self/fd/{d}").readlink())), fsync(d)))
    store.command("a", {}, by="me")
    folder = root / "runs/a/commands"
    written = [name for name in flushed if name.endswith(".tmp")]
    assert len(written) == 1
    assert flushed[-1] == str(folder)
    assert {str(root), str(root / "runs"), str(root / "runs/a")} <= set(flushed)  # the new folders' own names
