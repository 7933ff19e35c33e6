"""What a study will cost is measured, and so is whether a script can be forked."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import RunError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon
from lrdecay.sweep.costs import measure

SCRIPT = """
import os, sys
import numpy as np
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=40), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "constant(0.1)")
w, v = np.random.standard_normal(5), np.zeros(5)
def save(path, t):
    np.save(open(path, "wb"), np.array([*w, *v, t]))
def load(path):
    saved = np.load(path)
    w[:] = saved[:5]
    RESTORE
    return int(saved[-1])
for t in run.steps(save=save, load=load):
    v[:] = 0.9 * v + w
    NOISE
    run.log(loss=float(w @ w))
    w[:] = w - rates[t] * v
"""


def run_of(source, steps=40) -> RunSpec:
    return RunSpec(source, 0, "constant(0.1)", Horizon(steps=steps), np.full(steps, 0.1), None, None)


def script(folder: Path, restore="v[:] = saved[5:10]", noise="") -> RunSpec:
    (folder / "train.py").write_text(SCRIPT.replace("RESTORE", restore).replace("NOISE", noise))
    return run_of(ScriptSource(f"'{sys.executable}' '{folder / 'train.py'}'"))


def test_a_task_is_timed_and_its_snapshot_weighed() -> None:
    costs = measure(run_of(TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {}, "quadratic"))))

    assert costs.update > 0
    assert costs.snapshot > 2 * 20 * 8
    assert (costs.apart, costs.start, costs.least) == (None, 0.0, 0)


def test_a_script_that_forks_well_may_be_forked_and_its_start_is_counted_in_updates(tmp_path) -> None:
    costs = measure(script(tmp_path))

    assert costs.apart is None
    assert costs.start > 0
    assert costs.snapshot > 11 * 8
    assert costs.least >= 1


def test_a_script_whose_checkpoint_lacks_something_is_not_forked(tmp_path) -> None:
    assert "forked at step 10, did not go on as the whole run did" in measure(script(tmp_path, restore="pass")).apart


def test_a_script_that_never_repeats_itself_is_forked_all_the_same(tmp_path) -> None:
    costs = measure(script(tmp_path, noise="w[0] += 1e-9 * int.from_bytes(os.urandom(4))"))

    assert costs.apart is None


def test_a_script_that_fails_is_an_error(tmp_path) -> None:
    with pytest.raises(RunError, match="boom"):
        measure(script(tmp_path, noise="sys.exit('boom')"))


def test_a_script_that_is_not_to_be_forked_is_only_timed(tmp_path) -> None:
    costs = measure(script(tmp_path, restore="pass"), forks=False)

    assert "not worth it" in costs.apart
    assert (costs.snapshot, costs.start > 0) == (0, True)
