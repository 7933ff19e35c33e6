"""Where a study keeps its snapshots: a bucket gives what a folder gives, and what a kill left is found and removed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.buckets import bucket_server, objects
from tests.sweep.test_executor import assert_same_bits, script, specs_of

import lrdecay
from lrdecay.errors import InputError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.snapshot_bucket import Bucket
from lrdecay.runs.snapshot_folder import LocalFolder
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import Snapshot
from lrdecay.sweep.executor import Executor
from lrdecay.sweep.pool import LocalPool
from lrdecay.verbs.snapshots import snapshot_folder
from lrdecay.verbs.studies import check_study

SCHEDULES = ["constant(0.05)", "multi_step(0.05, factor=0.1, at=[20, 30])", "multi_step(0.05, factor=0.1, at=[20, 35])"]
KILLED = """
import lrdecay
if __name__ == "__main__":
    lrdecay.compare("tasks.py:slow", SCHEDULES, fixed_peak=True, seeds=1, workers=1, out="r", snapshots=PLACE)
"""
SLOW = """
import time
from pathlib import Path
from lrdecay.tasks.quadratic import quadratic

class slow:
    def __init__(self, seed):
        self._task = quadratic(seed, steps=40)

    def __getattr__(self, name):
        return getattr(self._task, name)

    @property
    def step(self):
        return self._task.step

    def advance(self, values, **more):
        if self._task.step >= 20 and Path("slow").exists():
            time.sleep(60)
        return self._task.advance(values, **more)
"""


@pytest.fixture(scope="module", autouse=True)
def server():
    with bucket_server("mine"):
        yield


def test_a_script_whose_checkpoint_is_a_folder_is_forked_through_a_bucket_bit_for_bit(tmp_path) -> None:
    specs = specs_of(script(tmp_path), SCHEDULES, seeds=(0,), steps=40)
    with LocalPool(2) as pool:
        executor = Executor(pool, open_store(f"dir:{tmp_path / 'store'}"), Bucket("s3://mine/kept"))
        shared, alone = dict(executor.run(executor.prepare(specs))), dict(pool.run(specs))

    assert executor.steps_trained == 40 + 20 + 10
    assert executor.peak_snapshots == 2
    assert objects("mine") == []
    for i in range(len(specs)):
        assert_same_bits(shared[i], alone[i])


def killed(folder: Path, place: str) -> None:
    """A study killed with -9 once its trunk's snapshot is kept."""
    (folder / "tasks.py").write_text(SLOW)
    (folder / "slow").touch()
    (folder / "study.py").write_text(KILLED.replace("SCHEDULES", repr(SCHEDULES)).replace("PLACE", repr(place)))
    child = subprocess.Popen([sys.executable, "study.py"], cwd=folder, start_new_session=True)
    until = time.monotonic() + 60
    while not any(path.endswith("/state") for path in objects("mine")):
        time.sleep(0.05)
        assert child.poll() is None
        assert time.monotonic() < until
    time.sleep(0.3)  # its node is in the store
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    (folder / "slow").unlink()


def test_what_a_killed_study_left_in_a_bucket_is_used_and_removed_without_being_told_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    killed(tmp_path, "s3://mine/kept")
    assert len(objects("mine")) == 1
    resumed = lrdecay.resume("r", workers=1)

    assert resumed.study.steps_trained == 20 + 20 + 10  # the trunk's 20 updates are there
    assert objects("mine") == []
    assert check_study("r") == []
    with LocalPool(1) as pool:
        specs = specs_of(TaskSource(TaskReference("tasks.py:slow")), SCHEDULES, seeds=(0,), steps=40)
        alone = {result.schedule: result for _, result in pool.run(specs)}
    (results,) = zip(*(row.results for row in resumed.study.main.rows), strict=True)
    for a, b in ((result, alone[result.schedule]) for result in results):
        assert (a.score, a.digest, a.metrics) == (b.score, b.digest, b.metrics)
        assert a.trace.loss.tobytes() == b.trace.loss.tobytes()
    assert len(results) == len(alone) == 3


def test_what_was_left_elsewhere_is_removed_and_a_place_that_is_gone_can_be_forgotten(tmp_path) -> None:
    note, study = tmp_path / "a b" / "snapshots.json", tmp_path / "a b"
    (study / "snapshots" / "orphan").mkdir(parents=True)
    with LocalPool(1) as pool:
        found = snapshot_folder(pool, study, "s3://mine/kept/")
        assert not (study / "snapshots").exists()
        assert re.fullmatch(r"s3://mine/kept/a_b-[0-9a-f]{12}", found.where)
        assert snapshot_folder(pool, study) == snapshot_folder(pool, study, "s3://mine/kept/") == found
        found.write("orphan", Snapshot({}, {}))
        moved = snapshot_folder(pool, study, tmp_path / "moved")
        assert objects("mine") == []
        assert moved.where.startswith(str(tmp_path / "moved" / "a_b-"))
        assert snapshot_folder(pool, study, f"file://{tmp_path / 'moved'}") == moved

        note.write_text(json.dumps({"given": "s3://gone", "place": "s3://gone/kept"}))
        rule = (
            r"bucket does not exist.* kept its snapshots there: .*snapshots\.json says so\. Remove it to forget it\.$"
        )
        for given in (None, "s3://mine/kept"):
            with pytest.raises(InputError, match=rule):
                snapshot_folder(pool, study, given)
        note.write_text("{}")
        with pytest.raises(InputError, match="must say where the study's snapshots are"):
            snapshot_folder(pool, study)
        note.unlink()
        assert snapshot_folder(pool, study) == LocalFolder(study / "snapshots")


def test_an_address_that_is_a_path_by_mistake_is_refused(tmp_path) -> None:
    asked = {"task": "quadratic", "schedules": ["linear(0.1)"], "out": tmp_path / "r"}
    with pytest.raises(InputError, match="must be text where it is an address, got 's3:/mine/x'"):
        lrdecay.compare(**asked, snapshots=Path("s3://mine/x"))
    with pytest.raises(InputError, match="must be a place that other processes see, got 'memory://x/r-"):
        lrdecay.compare(**asked, snapshots="memory://x")
    assert not (tmp_path / "r").exists()
