"""A study's tree, trained: every run as if it had been trained alone, nothing twice, nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.script_result import CannotForkError
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.executor import Executor, check_room
from lrdecay.sweep.pool import LocalPool

TASKS = """
import torch
from torch import nn
from lrdecay.adapters.torch import TorchTask

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1.0),
    "momentum": lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, nesterov=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1.0, weight_decay=0.1),
}

def task(seed, optimizer="sgd"):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 3))
    x = torch.randn(90, 6)
    y = (x @ torch.randn(6, 3)).argmax(1)
    return TorchTask(model=model, optimizer=OPTIMIZERS[optimizer](model.parameters()), loss=nn.functional.cross_entropy,
                     train=(x[:60], y[:60]), heldout=(x[60:], y[60:]), batch_size=7, steps=130)
"""
SCRIPT = """
import os, random, sys
import numpy as np
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=40), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "constant(0.1)")
w, v = np.random.standard_normal(5), np.zeros(5)
def save(path, t):
    os.mkdir(path)
    for i in range(5):
        np.save(f"{path}/{i}.npy", np.array([w[i], v[i], t]))
def load(path):
    for i in range(5):
        w[i], v[i], t = np.load(f"{path}/{i}.npy")
    return int(t)
LOOP
    v[:] = 0.9 * v + w + 0.1 * np.random.standard_normal(5) + 0.01 * random.random()
    run.log(loss=float(w @ w))
    w[:] = w - rates[t] * v
    if t % 7 == 6:
        run.log(norm=float(abs(w).sum()))
run.log(norm=float(abs(w).sum()))
"""
STEPS = ["constant(0.05)", "multi_step(0.05, factor=0.1, at=[60, 100])", "multi_step(0.05, factor=0.5, at=[60, 100])"]
MORE = [*STEPS, "multi_step(0.05, factor=0.5, at=[60, 110])", "multi_step(0.02, factor=0.5, at=[75])"]


def specs_of(source, schedules=MORE, seeds=(0, 1), steps=130, **more) -> list[RunSpec]:
    found = []
    for seed in seeds:
        for text in schedules:
            spec = parse(text)
            horizon = Horizon(steps=steps, **more)
            found.append(RunSpec(source, seed, text, horizon, spec.bind(horizon).values(), None, None))
    return found


def quadratic(**arguments) -> TaskSource:
    return TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", arguments, "quadratic"))


def script(folder: Path, loop="for t in run.steps(save=save, load=load):", metric="norm:min") -> ScriptSource:
    (folder / "train.py").write_text(SCRIPT.replace("LOOP", loop))
    return ScriptSource(f"'{sys.executable}' '{folder / 'train.py'}'", metric)


def executor_in(folder: Path, pool: LocalPool, **more) -> Executor:
    return Executor(pool, open_store(f"dir:{folder / 'store'}"), folder / "snapshots", **more)


def tree_of(folder: Path, specs, workers=2, **more) -> tuple[list[RunResult], Executor]:
    with LocalPool(workers) as pool:
        executor = executor_in(folder, pool, **more)
        found = dict(executor.run(executor.prepare(specs)))
    assert sorted(found) == list(range(len(specs)))
    assert not (folder / "snapshots").exists()
    return [found[i] for i in range(len(specs))], executor


def apart(specs) -> list[RunResult]:
    with LocalPool(2) as pool:
        found = dict(pool.run(specs))
    return [found[i] for i in range(len(specs))]


def assert_same_bits(a: RunResult, b: RunResult) -> None:
    assert (a.identity, a.seed, a.schedule, a.metric, a.goal) == (b.identity, b.seed, b.schedule, b.metric, b.goal)
    assert (a.diverged, a.digest, a.notes, a.failure) == (b.diverged, b.digest, b.notes, b.failure)
    assert np.array(a.score).tobytes() == np.array(b.score).tobytes()
    assert list(a.metrics.items()) == list(b.metrics.items())
    assert list(a.trace.metrics) == list(b.trace.metrics)
    for name in ("step", "epoch", "rate", "loss"):
        assert getattr(a.trace, name).tobytes() == getattr(b.trace, name).tobytes(), name
    for name, column in a.trace.metrics.items():
        assert column.tobytes() == b.trace.metrics[name].tobytes(), name


def test_every_run_of_a_tree_is_the_run_trained_alone_to_the_last_bit(tmp_path) -> None:
    """With SGD, momentum and AdamW, dropout and batch norm."""
    (tmp_path / "tasks.py").write_text(TASKS)
    specs = []
    for optimizer in ("sgd", "momentum", "adamw"):
        source = TaskSource(TaskReference(f"{tmp_path / 'tasks.py'}:task", {"optimizer": optimizer}, "task"))
        specs += specs_of(source, samples_per_epoch=60, batch_size=7)
    with LocalPool(2) as pool:
        executor = executor_in(tmp_path, pool)
        results, alone = dict(executor.run(executor.prepare(specs))), dict(pool.run(specs))

    assert executor.steps_trained == 3 * 2 * (130 + 70 + 70 + 30 + 130) < sum(s.steps for s in specs)
    assert len({r.digest for r in results.values()}) == len(specs)
    for i in range(len(specs)):
        assert_same_bits(results[i], alone[i])


def test_runs_of_different_lengths_share_and_each_is_evaluated_where_it_asks(tmp_path) -> None:
    source = quadratic()
    specs = [s for n in (40, 77, 130) for s in specs_of(source, ["constant(0.1)"], seeds=(0,), steps=n)]
    specs += specs_of(source, ["multi_step(0.1, factor=0.5, at=[70])"], seeds=(0,), steps=77)
    results, executor = tree_of(tmp_path / "r", specs)

    assert executor.steps_trained == 130 + 7
    for result, alone in zip(results, apart(specs), strict=True):
        assert_same_bits(result, alone)


def test_a_script_is_forked_by_its_own_checkpoints_and_gives_the_same_bits(tmp_path) -> None:
    specs = specs_of(
        script(tmp_path),
        ["constant(0.05)", "multi_step(0.05, factor=0.1, at=[20, 30])", "multi_step(0.05, factor=0.1, at=[20, 35])"],
        seeds=(0,),
        steps=40,
    )
    results, executor = tree_of(tmp_path / "r", specs)

    assert executor.steps_trained == 40 + 20 + 10
    assert executor.peak_snapshots == 2
    for result, alone in zip(results, apart(specs), strict=True):
        assert_same_bits(result, alone)


@pytest.mark.parametrize("missing", ["save", "load"])
def test_a_script_that_cannot_save_and_load_is_told_before_it_is_trained(tmp_path, missing) -> None:
    loop = f"for t in run.steps({'save=save' if missing == 'load' else 'load=load'}):"
    specs = specs_of(script(tmp_path, loop), ["constant(0.05)", "multi_step(0.05, factor=0.1, at=[20])"], (0,), 40)
    with pytest.raises(CannotForkError, match=f"must save and load to be forked, got 'no {missing}'"):
        tree_of(tmp_path / "r", specs)


def test_a_script_that_loads_another_step_is_refused(tmp_path) -> None:
    source = script(tmp_path)
    (tmp_path / "train.py").write_text(
        (tmp_path / "train.py").read_text().replace("return int(t)", "return int(t) - 1")
    )
    specs = specs_of(source, ["constant(0.05)", "multi_step(0.05, factor=0.1, at=[20])"], (0,), 40)
    with pytest.raises(InputError, match="must go on from step 20, got a load of step 19"):
        tree_of(tmp_path / "r", specs)


def test_divergence_in_a_trunk_ends_every_run_through_it_and_in_a_branch_only_its_own(tmp_path) -> None:
    trunk = ["piecewise([0.1, 1e300, 0.1], at=[30, 90])", "piecewise([0.1, 1e300, 0.2], at=[30, 90])"]
    branch = ["piecewise([0.1, 1e300, 0.3], at=[60, 80])", "piecewise([0.1, 1e300, 0.4], at=[60, 80])", "constant(0.1)"]
    specs = specs_of(quadratic(), [*trunk, *branch], seeds=(0,))
    results, executor = tree_of(tmp_path / "r", specs)

    assert [r.diverged is not None for r in results] == [True, True, True, True, False]
    assert executor.steps_trained < 130 + 60
    for result, alone in zip(results, apart(specs), strict=True):
        assert_same_bits(result, alone)
    again, executor = tree_of(tmp_path / "r", specs)
    assert executor.steps_trained == 0
    for result, first in zip(again, results, strict=True):
        assert_same_bits(result, first)


def test_what_is_in_the_store_is_not_trained_again_and_something_new_costs_only_what_is_new(tmp_path) -> None:
    first, _ = tree_of(tmp_path, specs_of(quadratic(), STEPS))
    again, executor = tree_of(tmp_path, specs_of(quadratic(), STEPS))
    assert (executor.steps_trained, executor.steps_retrained) == (0, 0)
    for a, b in zip(again, first, strict=True):
        assert_same_bits(a, b)

    more, executor = tree_of(tmp_path, specs_of(quadratic(), MORE))
    # up to 100 once more for a snapshot, of which 60 .. 99 was no node before; then what is new
    assert (executor.steps_retrained, executor.steps_trained) == (2 * 60, 2 * (100 + 30 + 130))
    for a, b in zip(more, apart(specs_of(quadratic(), MORE)), strict=True):
        assert_same_bits(a, b)


def test_where_little_room_is_left_the_tree_is_taken_in_order(tmp_path) -> None:
    specs = specs_of(quadratic(), seeds=(0, 1, 2))
    free, _ = tree_of(tmp_path / "free", specs)
    with LocalPool(2) as pool:
        tree = executor_in(tmp_path / "t", pool).prepare(specs).tree
    trees = check_room(tree, tree.peak_snapshots)
    tight, executor = tree_of(tmp_path / "tight", specs, trees=trees)

    assert trees == 1
    assert executor.peak_snapshots <= tree.peak_snapshots
    assert check_room(tree, tree.snapshots) is None
    for a, b in zip(tight, free, strict=True):
        assert_same_bits(a, b)
    with pytest.raises(InputError, match=r"`--max-disk` must hold 2 snapshots at once, got room for 1\. --no-share"):
        check_room(tree, 1)


def break_snapshots(folder: Path) -> int:
    states = list((folder / "snapshots").glob("*/state"))
    for state in states:
        state.write_bytes(state.read_bytes()[:-1] + b"x")
    return len(states)


def test_a_broken_snapshot_is_an_error_and_the_next_start_trains_its_trunk_again(tmp_path) -> None:
    specs = specs_of(quadratic(), STEPS, seeds=(0,))
    with LocalPool(1) as pool:
        executor = executor_in(tmp_path, pool)
        results = executor.run(executor.prepare(specs))
        next(results)
        assert break_snapshots(tmp_path) == 1
        with pytest.raises(RunError, match="checksum"):
            list(results)
    shutil.rmtree(tmp_path / "snapshots")
    whole, executor = tree_of(tmp_path, specs)

    assert executor.steps_retrained > 0
    for a, b in zip(whole, apart(specs), strict=True):
        assert_same_bits(a, b)


def kept_in(store: Path) -> list[Path]:
    return sorted(store.glob("nodes/*/*"))


def test_a_study_killed_at_any_moment_trains_no_finished_node_again_and_leaves_no_snapshot(tmp_path) -> None:
    code = textwrap.dedent(
        f"""
        import sys
        sys.path[:0] = [{str(Path(__file__).parent)!r}]
        from pathlib import Path
        from test_executor import LocalPool, MORE, executor_in, quadratic, specs_of
        if __name__ == "__main__":
            with LocalPool(2) as pool:
                executor = executor_in(Path("r"), pool)
                for _ in executor.run(executor.prepare(specs_of(quadratic(dimension=50), MORE, (0, 1), 2600))):
                    pass
        """
    )
    (tmp_path / "study.py").write_text(code)
    store = tmp_path / "r" / "store"
    for least in (1, 5):
        child = subprocess.Popen([sys.executable, "study.py"], cwd=tmp_path, start_new_session=True)
        while len(kept_in(store)) < least:
            time.sleep(0.02)
            assert child.poll() is None
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    (tmp_path / "r" / "snapshots" / "orphan").mkdir(exist_ok=True, parents=True)
    before = kept_in(store)
    made = {path: path.stat().st_mtime_ns for path in before}
    specs = specs_of(quadratic(dimension=50), MORE, (0, 1), 2600)
    results, executor = tree_of(tmp_path / "r", specs)

    assert len(kept_in(store)) > len(before)
    assert made == {path: path.stat().st_mtime_ns for path in before}
    assert open_store(f"dir:{store}").check() == []
    assert executor.steps_retrained == 0
    for a, b in zip(results, apart(specs), strict=True):
        assert_same_bits(a, b)
