"""A live run that is steered from another process: it does what it is told, once, and a replay of its journal is it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.feedback.edits import edited, edits_of
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import ConflictError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "runs" / "live" / "steered.py"
PLACE = "runs.db"


class Running:
    """The script in a process of its own, in the current folder."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_live(self) -> Running:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if Path(PLACE).exists():
                try:
                    if lrdecay.live("small", store=PLACE)[0].state == "running":
                        return self
                except InputError:
                    pass
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(self.process.communicate()[1])

    def ended(self, weights: str = "weights.json") -> dict[str, Any]:
        _, said = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, said
        return json.loads(Path(weights).read_text())


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("LRDECAY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def running() -> Iterator[Running]:
    one = Running("weights.json", "--store", PLACE, "--steps", "100000", "--pace", "0.002").until_live()
    yield one
    one.process.kill()
    one.process.communicate()


def test_set_drop_and_undo_from_another_process_and_the_replay_is_the_run_bit_for_bit():
    one = Running("weights.json", "--store", PLACE, "--steps", "600", "--pace", "0.005").until_live()
    told = lrdecay.steer("small", set=0.01, ramp=20, store=PLACE)
    dropped = lrdecay.steer("small", drop=True, ramp=0, store=PLACE)
    undone = lrdecay.steer("small", undo=True, store=PLACE)
    steered = one.ended()

    assert steered["journal"] == [dict(s.edit) for s in (told, dropped, undone)]
    assert [(edit["kind"], edit["sequence"]) for edit in steered["journal"]] == [
        ("scale", 1),
        ("scale", 2),
        ("undo", 3),
    ]
    table = lrdecay.parse("warmup(10) + cosine(0.05)").bind(lrdecay.Horizon(steps=600)).values()
    driven = edited(table, edits_of(steered["journal"])).tolist()
    assert steered["rates"] == [[rate, rate / 2] for rate in driven]  # the groups keep their ratio
    assert driven[dropped.edit["step"]] < 0.2 * driven[dropped.edit["step"] - 1]
    assert dropped.after.multiplier < 0.2 * dropped.before.multiplier
    assert (dropped.sequence, dropped.asked, dropped.after.last) == (2, "drop ramp=0", 2)
    assert told.after.curve[-1] == (599, edited(table, edits_of(steered["journal"][:1]))[599])
    assert lrdecay.live(store=PLACE)[0].state == "finished"
    with pytest.raises(InputError, match="must come before the end of the run, got one that finished at step 600"):
        lrdecay.steer("small", drop=True, store=PLACE)

    Path("journal.json").write_text(json.dumps({"journal": steered["journal"]}))
    replayed = Running("again.json", "--unsteered", "--steps", "600", "--journal", "journal.json").ended("again.json")
    assert replayed["weights"] == steered["weights"]
    assert replayed["rates"] == steered["rates"]


BAD = [
    (["--set", "-1"], ["steer(set, rate=...)", "positive", "-1"]),
    (["--set", "0"], ["positive"]),
    (["--scale", "nan"], ["steer(scale, factor=...)", "positive", "nan"]),
    (["--scale", "inf"], ["positive"]),
    (["--cooldown", "ten"], ["ten"]),
    (["--cooldown", "10%", "--shape", "round"], ["must be one of", "round"]),
    (["--cooldown", "10%", "--floor", "-1"], ["floor"]),
    (["--cooldown", "10%", "--floor", "5"], ["floor", "at most the rate"]),
    (["--shape", "linear", "--drop"], ["steer(drop, shape=...)"]),
    (["--drop", "--hold"], ["must be told one thing", "drop and hold"]),
    (["--ramp", "5"], ["must be told one thing", "nothing"]),
    (["--drop", "--wait", "-1"], ["wait"]),
    (["--undo"], ["must have something to undo"]),
]


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What the command line says: on standard output, or in one line of a refusal."""
    assert run(["steer", *arguments, "--store", PLACE]) == code
    out, err = capsys.readouterr()
    if code == 0:
        assert err == ""
        return out
    assert out == ""
    assert err.startswith("lrdecay: ")
    assert err.count("\n") == 1, err
    return err


def test_the_command_line_tells_a_live_run_and_says_before_and_after(
    running: Running, capsys: pytest.CaptureFixture[str]
):
    assert "small  running   step " in said(capsys)
    for arguments, words in BAD:
        told = said(capsys, "small", *arguments, code=2)
        assert all(word in told for word in words), (arguments, told)
    assert "Did you mean `small`?" in said(capsys, "smal", "--drop", code=2)
    assert "Did you mean `small`?" in said(capsys, "smal", code=2)
    assert "must name a run" in said(capsys, "--drop", code=2)

    out = said(capsys, "small", "--scale", "0.5", "--ramp", "0")
    last = lrdecay.live("small", store=PLACE)[0].last
    assert f"command {last}, scale factor=0.5 ramp=0: applied at step " in out
    assert "before: rate 0.0" in out
    assert "after:  rate 0.0" in out
    assert ", 0.5 of the schedule's 0.0" in out
    assert "learning rate ahead" in out
    assert "scale factor=0.5 ramp=0, from step " in said(capsys, "small")

    steered = json.loads(said(capsys, "small", "--cooldown", "10%", "--shape", "1-sqrt", "--json"))
    assert steered["edit"]["over"] == 10_000
    assert steered["edit"]["shape"] == "1-sqrt"
    assert steered["after"]["curve"][-1] == [99_999, 0.0]
    assert [one["name"] for one in json.loads(said(capsys, "--json"))["runs"]] == ["small"]

    with pytest.raises(ConflictError, match=r"somebody else first: .* said 'scale factor=0.5 ramp=0'"):
        lrdecay.steer("small", drop=True, store=PLACE, expected_last=last - 1)
    late = said(capsys, "small", "--hold", "--expected-last", str(last), code=1)
    assert "somebody else first" in late
    assert "'cooldown over=10% shape=1-sqrt'" in late
    assert len(lrdecay.live("small", store=PLACE)[0].journal) == 2

    running.process.send_signal(signal.SIGSTOP)
    assert run(["steer", "small", "--hold", "--wait", "0.1", "--store", PLACE]) == 1
    assert "sent, and not answered in 0.1 s. It stands" in capsys.readouterr().out
    running.process.kill()
    running.process.wait()
    dead = said(capsys, "small", "--drop", code=2)
    assert "must name a run that is alive" in dead
    assert "has gone. Resume it" in dead
    assert ", not answered" in said(capsys, "small")


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "must be a store of lrdecay" in said(capsys, "x", "--drop", code=2)
    assert "must be a store of lrdecay" in said(capsys, code=2)
    assert list(tmp_path.iterdir()) == []
    with open_store(PLACE):
        assert said(capsys) == "no runs here\n"
        assert "None was ever started here" in said(capsys, "x", "--drop", code=2)
