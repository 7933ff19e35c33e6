"""The Ray executor on a real Ray of two workers: the local pool's bits, also where a worker is killed at its work."""

from __future__ import annotations

import json
import os
import runpy
import time
from pathlib import Path

import pytest
import ray
from tests.buckets import bucket_server, objects

from lrdecay.errors import InputError, MissingExtraError, RunError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.snapshot_bucket import Bucket
from lrdecay.runs.snapshot_folder import LocalFolder
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.executor import Executor
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.ray_pool import RayPool
from lrdecay.verbs.compare import compare

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray's own, of what it starts

STEPS = 40
TASKS = """
import os, signal
from pathlib import Path
import torch
from torch import nn
from lrdecay.adapters.torch import TorchTask

MARK = Path(__file__).with_name("kill")
made = 0

def loss(output, target):
    global made
    made += 1
    if made == 25 and MARK.exists():  # in the middle of a node
        MARK.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return nn.functional.cross_entropy(output, target)

def task(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 3))
    x = torch.randn(90, 6)
    y = (x @ torch.randn(6, 3)).argmax(1)
    return TorchTask(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=1.0), loss=loss,
                     train=(x[:60], y[:60]), heldout=(x[60:], y[60:]), batch_size=7, steps=40)
"""
SCHEDULES = ["constant(0.05)", "multi_step(0.05, factor=0.1, at=[20])", "multi_step(0.05, factor=0.5, at=[20])"]


class Seen:
    def __init__(self):
        self.updates = 0

    def begin(self, what, updates):
        pass

    def made(self, updates):
        self.updates += updates


@pytest.fixture(scope="module", autouse=True)
def a_ray():
    """One for the whole module, which calls nobody, and a bucket that its workers find."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_metrics_collection": "0", "OMP_NUM_THREADS": "1"}
    with bucket_server("mine"), pytest.MonkeyPatch.context() as patch:
        for name, value in quiet.items():
            patch.setenv(name, value)
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            object_store_memory=80 * 2**20,
        )
        yield
        ray.shutdown()


def specs_of(source: TaskSource) -> list[RunSpec]:
    horizon = Horizon(steps=STEPS)
    return [
        RunSpec(source, seed, text, horizon, parse(text).bind(horizon).values(), None, None)
        for seed in (0, 1)
        for text in SCHEDULES
    ]


def source_in(folder: Path) -> TaskSource:
    (folder / "tasks.py").write_text(TASKS)
    return TaskSource(TaskReference(f"{folder / 'tasks.py'}:task", {}, "task"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Each run made alone by the local pool."""
    with LocalPool(1) as pool:
        return dict(pool.run(specs_of(source_in(tmp_path_factory.mktemp("alone")))))


@pytest.mark.parametrize("place", ["a folder", "a bucket"])
def test_a_tree_under_ray_is_the_runs_made_apart_to_the_last_bit_though_a_worker_is_killed(tmp_path, place, alone):
    kept = LocalFolder(tmp_path / "snapshots") if place == "a folder" else Bucket("s3://mine/killed")
    specs = specs_of(source_in(tmp_path))
    (tmp_path / "kill").touch()
    watch = Seen()
    with RayPool(watch=watch) as pool:
        assert pool.workers == 2
        executor = Executor(pool, open_store(tmp_path / "study"), kept)
        shared = dict(executor.run(executor.prepare(specs)))

    assert not (tmp_path / "kill").exists()  # it was killed
    assert executor.steps_trained == watch.updates == 2 * (20 + 3 * 20)
    assert executor.peak_snapshots > 0
    assert not (tmp_path / "snapshots").exists()
    assert objects("mine") == []
    for i in range(len(specs)):
        assert shared[i].digest == alone[i].digest
        assert shared[i].digest is not None
        assert shared[i].score == alone[i].score
        assert shared[i].trace.loss.tobytes() == alone[i].trace.loss.tobytes()
        assert shared[i].metrics == alone[i].metrics


def test_compare_says_the_same_under_ray_with_a_bucket_as_here_with_a_folder(tmp_path):
    def asked(engine, snapshots):
        return compare(
            "quadratic",
            ["wsd(0.05, warmup=5, cooldown=10)", "wsd(0.05, warmup=5, cooldown=20)"],
            steps=60,
            seeds=2,
            fixed_peak=True,
            engine=engine,
            snapshots=snapshots,
            forecast=engine == "ray",  # the order of training changes nothing
            out=tmp_path / engine,
        )

    here, there = asked("local", tmp_path / "kept"), asked("ray", "s3://mine/studies")

    assert there.study.steps_trained == here.study.steps_trained < here.study.steps_naive
    pairs = list(zip(here.study.main.rows, there.study.main.rows, strict=True))
    assert len(pairs) == 2
    for a, b in pairs:
        assert [r.trace.loss.tobytes() for r in a.results] == [r.trace.loss.tobytes() for r in b.results]
        assert [(r.score, r.digest) for r in a.results] == [(r.score, r.digest) for r in b.results]
    assert not any((tmp_path / "kept").iterdir())
    assert objects("mine") == []
    assert json.loads((tmp_path / "ray" / "snapshots.json").read_text())["place"].startswith("s3://mine/studies/ray-")


def test_errors_of_ours_travel_as_themselves_and_others_with_the_workers_traceback():
    wrong = TaskSource(TaskReference("lrdecay.tasks.quadratic:no_such"))
    with RayPool() as pool:
        with pytest.raises(InputError, match="no_such"):
            list(pool.run(specs_of(wrong)[:1]))
        with pytest.raises(ValueError, match="invalid literal") as caught:
            pool.call(int, "x")
        assert "In a worker process" in caught.value.__notes__[0]
        assert pool.call(abs, -3) == 3


def test_a_worker_works_where_the_study_does_with_one_thread(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with RayPool() as pool:
        assert Path(pool.call(os.getcwd)) == tmp_path
        assert pool.call(os.getenv, "OMP_NUM_THREADS") == "1"


def test_a_call_that_kills_its_worker_each_time_is_said_in_one_line(tmp_path):
    (tmp_path / "dies.py").write_text(
        f"import os\nopen({str(tmp_path / 'tries')!r}, 'a').write('x')\nos.kill(os.getpid(), 9)\n"
    )
    with RayPool() as pool, pytest.raises(RunError, match=r"A call under Ray died.*run the same command") as caught:
        pool.call(runpy.run_path, str(tmp_path / "dies.py"))

    assert "\n" not in str(caught.value)
    assert (tmp_path / "tries").read_text() == "xxxx"  # once, and three times more


def test_calls_left_in_a_hurry_clean_up(tmp_path):
    (tmp_path / "sleepy.py").write_text(
        "import time, pathlib\n"
        "here = pathlib.Path(__file__)\n"
        "here.with_suffix('.began').touch()\n"
        "try:\n    for _ in range(600): time.sleep(0.1)\n"
        "finally: here.with_suffix('.ended').touch()\n"
    )

    def give(worker):
        if worker == 0:
            return 0, (str(tmp_path / "sleepy.py"),)
        until = time.monotonic() + 30
        while not (tmp_path / "sleepy.began").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), RayPool() as pool:
        list(pool.feed(runpy.run_path, give))

    assert (tmp_path / "sleepy.ended").exists()


def test_a_folder_that_every_machine_sees_is_accepted_and_nothing_is_left_in_it(tmp_path):
    with RayPool() as pool:
        pool.check_reach(LocalFolder(tmp_path / "shared" / "study"))

    assert list((tmp_path / "shared").iterdir()) == []


def test_what_cannot_be_is_refused_in_one_line(tmp_path):
    asked = {"task": "quadratic", "schedules": ["linear(0.1)"], "out": tmp_path}
    with pytest.raises(MissingExtraError, match=r"must have a package for gs://.*Run: pip install gcsfs$"):
        compare(**asked, engine="ray", snapshots="gs://bucket/study")
    with pytest.raises(InputError, match="bucket does not exist"):
        compare(**asked, engine="ray", snapshots="s3://bucket/study")
    with pytest.raises(InputError, match=r"must be on a path that every machine sees, and .* does not"):
        compare(**asked, engine="ray", snapshots="memory://of/this/process")
    with pytest.raises(InputError, match="--engine` must be one of local, ray"):
        compare(**asked, engine="dask")
    with pytest.raises(InputError, match="--address ADDR` must be given only with --engine ray"):
        compare(**asked, address="auto")
    with pytest.raises(InputError, match="must be left out"):
        compare(**asked, engine="ray", address="auto")
