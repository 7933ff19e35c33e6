"""Going on with a study: nothing asked again, what is added trained alone, one coordinator, a store that is whole."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError, RunError
from lrdecay.runs.store.lease import lease
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import ConflictError
from lrdecay.verbs.keeping import lease_of
from lrdecay.verbs.studies import check_study, find_study, studies

ASKED = {"seeds": 2, "fixed_peak": True, "arguments": {"steps": 40, "sigma": 1.0}, "workers": 1}
STEPS = ["constant(0.1)", 'step(0.1, factor=0.5, every="50%")']


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory):
    """A small finished study."""
    return lrdecay.compare("quadratic", STEPS, **ASKED, out=tmp_path_factory.mktemp("studies") / "r")


def test_a_study_is_resumed_by_its_folder_without_its_arguments_and_trains_nothing(compared) -> None:
    again = lrdecay.resume(compared.folder, workers=1)

    assert (again.id, again.study.steps_trained) == (compared.id, 0)
    assert again.to_json()["rows"] == compared.to_json()["rows"]


def test_what_is_added_is_trained_alone_and_is_a_study_beside_the_first(compared, tmp_path, monkeypatch) -> None:
    where = f"dir:{tmp_path / 'kept'}"
    first = lrdecay.compare("quadratic", STEPS[:1], **ASKED, out=tmp_path / "r", store=where)
    monkeypatch.chdir(tmp_path)
    more = lrdecay.resume(first.id, STEPS[1:], seeds=3, store=where, workers=1)

    assert first.study.steps_trained == 2 * 40
    assert more.study.steps_trained == 40 + 3 * 20 + 2 * 20  # a third seed, its fork, and the trunks of two once more
    assert more.folder == tmp_path / "r"
    assert [row["id"] for row in studies(where)] == [first.id, more.id]
    assert find_study(tmp_path / "r").record.id == more.id
    assert check_study(tmp_path / "r") == []
    scores = {row.spec: row.values[:2] for row in more.study.main.rows}
    assert scores == {row.spec: row.values for row in compared.study.main.rows}


def test_a_second_coordinator_is_refused_in_one_line(compared) -> None:
    rule = rf"`study {compared.id}` must have one coordinator at a time, got one: process \d+"
    with open_store(compared.folder) as store, lease(store, lease_of(compared.id), "study"):
        with pytest.raises(ConflictError, match=rule):
            lrdecay.resume(compared.folder, workers=1)
        assert studies(compared.folder)[0]["state"] == "finished"


def test_what_cannot_be_resumed_is_refused(compared, tmp_path, capsys) -> None:
    with pytest.raises(InputError, match="`--seeds` must be at least those of the study to be resumed, 2, got 1"):
        lrdecay.resume(compared.folder, seeds=1)
    with pytest.raises(InputError, match=r"a folder without a study\.json"):
        lrdecay.resume(tmp_path)
    with pytest.raises(InputError, match="got 'typo', where there is none"):
        lrdecay.resume(compared.id, store="typo")
    assert not Path("typo").exists()
    assert run(["compare", "--resume", str(compared.folder), "--steps", "50"]) == 2
    assert "`--steps` must not be given with --resume, got 50" in capsys.readouterr().err


def test_a_task_that_has_changed_is_not_resumed(tmp_path) -> None:
    source = "import lrdecay.tasks.quadratic as q\ndef tiny(seed):\n    return q.quadratic(seed, steps=20)\n"
    (tmp_path / "mine.py").write_text(source)
    lrdecay.compare(f"{tmp_path / 'mine.py'}:tiny", STEPS[:1], fixed_peak=True, seeds=1, workers=1, out=tmp_path / "r")
    (tmp_path / "mine.py").write_text(source + "# changed\n")
    with pytest.raises(InputError, match="as it was, got other files or arguments"):
        lrdecay.resume(tmp_path / "r")


def test_studies_are_listed_and_checked_on_the_command_line(compared, capsys) -> None:
    assert run(["studies", "--store", str(compared.folder), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["studies"]
    assert (row["id"], row["state"], row["task"], row["runs"]) == (compared.id, "finished", "quadratic", 4)
    assert run(["studies", "check", str(compared.folder)]) == 0
    assert capsys.readouterr().out == "nothing is wrong\n"


def test_what_is_wrong_with_a_study_is_listed_and_exits_1(tmp_path, capsys) -> None:
    made = lrdecay.compare("quadratic", STEPS[:1], **ASKED, out=tmp_path / "r", store=f"dir:{tmp_path / 's'}")
    (tmp_path / "r" / "snapshots" / "old").mkdir(parents=True)
    next((tmp_path / "s").glob("results/*/*")).unlink()
    assert run(["studies", "check", made.id, "--store", f"dir:{tmp_path / 's'}"]) == 1
    said = capsys.readouterr().out
    assert "has ended and lacks the run" in said
    assert "is a snapshot that nothing starts from" in said


def test_an_open_peak_is_not_sought_again(tmp_path) -> None:
    asked = {"seeds": 1, "pilots": 1, "arguments": {"steps": 30}, "workers": 1}
    first = lrdecay.compare("quadratic", ["linear(peak)"], **asked, out=tmp_path / "r")
    again = lrdecay.resume(tmp_path / "r", workers=1)
    assert again.study.steps_trained == 0
    assert again.study.steps_naive == first.study.steps_naive
    with open_store(tmp_path / "r") as store:
        assert {m.role for m in store.members(first.id)} == {"pilot", "score", "range test"}


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("kind", ["sqlite", "directory"])
def test_a_full_disk_is_one_line_and_the_study_goes_on_once_there_is_room(small_disk: Path, kind: str) -> None:
    out = small_disk / "r"
    asked = ASKED | {"arguments": {"steps": 800}, "out": out, "store": None if kind == "sqlite" else f"dir:{out / 's'}"}
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    with pytest.raises(RunError, match=r"(?i)make room") as caught:
        lrdecay.compare("quadratic", STEPS, **asked)
    assert "\n" not in str(caught.value)
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)

    compared = (
        lrdecay.resume(out, workers=1)
        if (out / "study.json").exists()
        else lrdecay.compare("quadratic", STEPS, **asked)
    )
    assert len(compared.study.main.rows) == 2
    assert check_study(out) == []


def test_lrdecay_resume_goes_on_with_a_study_as_compare_does(compared, capsys) -> None:
    assert run(["resume", str(compared.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == compared.to_json()["rows"]


def test_a_study_measured_more_often_has_the_same_scores_and_stays_so_when_it_is_resumed(compared, tmp_path) -> None:
    often = lrdecay.compare("quadratic", STEPS, **ASKED, evaluations=20, out=tmp_path / "r")
    more = lrdecay.resume(often.folder, seeds=3, workers=1)

    assert often.id not in (compared.id, more.id)
    rows = {row.spec: row for row in compared.study.main.rows}
    for row in more.study.main.rows:
        assert row.values[:2] == rows[row.spec].values
        assert [len(r.trace.measured("heldout_loss")[0]) for r in row.results] == [20] * 3
    assert [len(r.trace.measured("heldout_loss")[0]) for r in rows[row.spec].results] == [10] * 2


def test_ten_measurements_are_what_is_asked_for_without_a_number(compared, tmp_path) -> None:
    ten = lrdecay.compare("quadratic", STEPS, **ASKED, evaluations=10, out=compared.folder)

    assert (ten.id, ten.study.steps_trained) == (compared.id, 0)
