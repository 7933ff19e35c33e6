"""A sharing study whose coordinator is killed with -9 at random moments, and what must hold when it has ended.

A parent that has imported everything forks each coordinator, and that forks its workers, so that the time goes to
training and killing. Half of the kills take the workers too; else they find out by themselves that they are alone,
while the next coordinator has begun. A log says which node is given out and which one is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.opening import open_store
from lrdecay.verbs.studies import check_study

STUDY = """
import multiprocessing
import os
import sys
import lrdecay
import lrdecay.report.html
import lrdecay.runs.store.directory
import lrdecay.runs.store.sql
import lrdecay.sweep.pool
import lrdecay.tasks.quadratic
from lrdecay.sweep.executor import Executor

forking = multiprocessing.get_context("fork")
multiprocessing.get_context = lambda kind: forking
give, keep = Executor._job, Executor._keep

def said(*words):
    os.write(log, (" ".join(words) + "\\n").encode())

def _job(self, work, i, *, saves):
    said("given", work.keys[i])
    return give(self, work, i, saves=saves)

def _keep(self, work, i, done):
    keep(self, work, i, done)
    said("kept", work.keys[i])

Executor._job, Executor._keep = _job, _keep
SCHEDULES = [
    'multi_step(0.2, factor=0.1, at=["50%", "70%"])', 'multi_step(0.2, factor=0.1, at=["50%", "90%"])',
    'wsd(0.2, warmup=50, cooldown={"10%", "20%"})',
]
for line in sys.stdin:
    folder, kind = line.split()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.makedirs(folder, exist_ok=True)
        log = os.open(folder + "/log.txt", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        store = None if kind == "sqlite" else "dir:" + folder + "/files"
        lrdecay.compare("quadratic", SCHEDULES, seeds=2, pilots=1, workers=2, out=folder, store=store,
                        arguments={"sigma": 1.0, "dimension": 20, "steps": 1000})
        os._exit(0)
    print("child", child, flush=True)
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


class Parent:
    """The process that forks coordinators."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.process = subprocess.Popen(
            [sys.executable, "-c", STUDY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def start(self, folder: Path) -> int:
        self.process.stdin.write(f"{folder} {self.kind}\n")
        return int(self._said("child"))

    def ended(self) -> int:
        return int(self._said("ended"))

    def _said(self, what: str) -> str:
        word, value = self.process.stdout.readline().split()
        assert word == what
        return value


@contextlib.contextmanager
def parent_of(kind: str) -> Iterator[Parent]:
    parent = Parent(kind)
    try:
        yield parent
    finally:
        parent.process.kill()
        parent.process.communicate()


def results_in(folder: Path, kind: str) -> dict[str, RunResult]:
    with open_store(folder if kind == "sqlite" else f"dir:{folder / 'files'}") as store:
        (study,) = store.studies()
        assert study.state == "finished"
        found = {m.identity: store.result(m.identity) for m in store.members(study.id)}
        assert store.check() == []
    assert check_study(folder) == []
    return found


def bits(result: RunResult) -> tuple[object, ...]:
    trace = result.trace
    columns = {"step": trace.step, "epoch": trace.epoch, "rate": trace.rate, "loss": trace.loss, **trace.metrics}
    same = (result.identity, result.seed, result.metric, result.score, result.digest, dict(result.metrics))
    return *same, {name: column.tobytes() for name, column in columns.items()}


def assert_nothing_was_made_twice(log: Path) -> int:
    kept: set[str] = set()
    for line in log.read_text().splitlines():
        word, key = line.split()
        assert key not in kept, f"{key} was {word} after it was kept"
        if word == "kept":
            kept.add(key)
    return len(kept)


def kill_often(kind: str, folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill a study over and over; when it ends in spite of that, look at it and begin another."""
    moments, counts = random.Random(seed), {"kills": 0, "studies": 0, "nodes": 0, "given": 0}
    with parent_of(kind) as parent:
        began = time.monotonic()
        parent.start(folder / "alone")
        assert parent.ended() == 0
        whole = time.monotonic() - began
        alone = {identity: bits(r) for identity, r in results_in(folder / "alone", kind).items()}
        rows = json.loads((folder / "alone" / "result.json").read_text())["rows"]
        while counts["kills"] < kills:
            mine = folder / f"study{counts['studies']}"
            while True:
                child = parent.start(mine)
                time.sleep(moments.uniform(0, whole / 2) if counts["kills"] < kills else 0)
                if counts["kills"] < kills:
                    with contextlib.suppress(ProcessLookupError):
                        (os.kill if moments.random() < 0.5 else os.killpg)(child, signal.SIGKILL)
                status = parent.ended()
                if status == 0:
                    break
                assert os.WTERMSIG(status) == signal.SIGKILL, status
                counts["kills"] += 1
            assert {identity: bits(r) for identity, r in results_in(mine, kind).items()} == alone
            assert json.loads((mine / "result.json").read_text())["rows"] == rows
            assert not (mine / "snapshots").exists()
            counts["nodes"] += assert_nothing_was_made_twice(mine / "log.txt")
            counts["given"] += (mine / "log.txt").read_text().count("given")
            counts["studies"] += 1
    return counts
