"""Workers: one thread each, never outliving their parent, progress reported, deaths said."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import time
from pickle import PicklingError

import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.pool import LocalPool


class Seen:
    """A watch that keeps what it was told."""

    def __init__(self):
        self.updates = 0

    def begin(self, what, updates):
        self.expected = updates

    def made(self, updates):
        self.updates += updates


def quadratic_run(seed=0, steps=60):
    source = TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {}, "quadratic"))
    horizon = Horizon(steps=steps)
    rates = parse("linear(0.05)").bind(horizon).values()
    return RunSpec(source, seed, "linear(0.05)", horizon, rates, "loss", "min")


def test_runs_come_back_with_their_index_and_their_updates_are_reported():
    watch = Seen()
    specs = [quadratic_run(seed) for seed in range(3)]
    with LocalPool(2, watch) as pool:
        results = dict(pool.run(specs))

    assert sorted(results) == [0, 1, 2]
    assert [results[i].seed for i in range(3)] == [0, 1, 2]
    assert [results[i].identity for i in range(3)] == [s.identity() for s in specs]
    assert watch.updates == 180


def test_the_same_run_in_two_pools_gives_the_same_bits():
    traces = []
    for workers in (1, 2):
        with LocalPool(workers) as pool:
            traces.append(dict(pool.run([quadratic_run()]))[0].trace.loss.tobytes())

    assert traces[0] == traces[1]


def test_a_worker_has_one_thread_and_the_parent_keeps_its_environment(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with LocalPool(1) as pool:
        assert pool.call(os.getenv, "OMP_NUM_THREADS") == "1"

    assert "OMP_NUM_THREADS" not in os.environ


def test_a_number_of_threads_the_user_has_set_stands(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with LocalPool(1) as pool:
        assert pool.call(os.getenv, "OMP_NUM_THREADS") == "3"


def test_an_error_of_a_run_reaches_the_caller_as_it_is():
    spec = quadratic_run()
    wrong = RunSpec(
        TaskSource(TaskReference("lrdecay.tasks.quadratic:no_such")), 0, "", spec.horizon, spec.rates, "loss", "min"
    )
    with pytest.raises(InputError, match="no_such"), LocalPool(1) as pool:
        list(pool.run([wrong]))


def test_a_killed_worker_is_said_and_does_not_hang():
    with pytest.raises(RunError, match="worker process died"), LocalPool(1) as pool:
        pool.call(os.kill, pool.call(os.getpid), signal.SIGKILL)


def test_no_worker_outlives_a_killed_parent():
    code = (
        "import os, time\n"
        "from lrdecay.sweep.pool import LocalPool\n"
        "if __name__ == '__main__':\n"
        "    pool = LocalPool(1)\n"
        "    pool.__enter__()\n"
        "    print(pool.call(os.getpid), flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")


def test_the_number_of_workers_must_be_positive():
    with pytest.raises(InputError, match="--workers"):
        LocalPool(0)


def test_a_file_without_a_main_guard_is_told_to_add_one(tmp_path):
    (tmp_path / "study.py").write_text("import lrdecay\nlrdecay.train('quadratic', 'linear(0.1)', steps=5)\n")
    done = subprocess.run([sys.executable, "study.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert '`if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


SLEEPY = """
import sys, time
from pathlib import Path
from lrdecay.sweep.pool import LocalPool

def sleep(name):
    Path(name + ".began").touch()
    try:
        time.sleep(600)
    finally:
        Path(name + ".ended").touch()

if __name__ == "__main__":
    with LocalPool(2) as pool:
        list(pool.each(sleep, [(f"call{i}",) for i in range(6)]))
"""


def test_an_interrupted_pool_ends_at_once_and_the_calls_it_was_making_clean_up(tmp_path):
    (tmp_path / "sleepy.py").write_text(SLEEPY)
    program = subprocess.Popen([sys.executable, "sleepy.py"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while len(list(tmp_path.glob("*.began"))) < 2:
        time.sleep(0.05)
        assert program.poll() is None
    program.send_signal(signal.SIGINT)
    program.wait(timeout=60)

    assert (
        {p.stem for p in tmp_path.glob("*.began")} == {p.stem for p in tmp_path.glob("*.ended")} == {"call0", "call1"}
    )


def test_an_error_of_the_users_code_comes_with_the_workers_traceback():
    with LocalPool(1) as pool, pytest.raises(ValueError, match="invalid literal") as caught:
        pool.call(int, "x")

    assert "in serve" in caught.value.__notes__[0]


@pytest.mark.parametrize("line", ["raise Alien('cannot be sent')", "x = Alien('cannot be sent')"])
def test_what_cannot_be_sent_back_is_an_error_and_the_pool_goes_on(tmp_path, line):
    (tmp_path / "alien.py").write_text(f"class Alien(Exception): pass\n{line}\n")
    with LocalPool(1) as pool:
        with pytest.raises((RunError, PicklingError)):
            pool.call(runpy.run_path, str(tmp_path / "alien.py"))
        assert pool.call(os.getpid) > 0


def test_results_nobody_waited_for_are_not_given_to_the_next_caller():
    with LocalPool(2) as pool:
        first = pool.each(abs, [(-i,) for i in range(5)])
        next(first)
        first.close()
        assert sorted(pool.each(abs, [(-10,), (-11,), (-12,)])) == [(0, 10), (1, 11), (2, 12)]
