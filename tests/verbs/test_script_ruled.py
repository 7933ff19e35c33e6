"""A script whose schedule is under a rule: by hand the rule drives it; in a study another schedule takes its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import lrdecay
from lrdecay.errors import InputError
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon, parse

SCRIPT = """
import torch, lrdecay
run = lrdecay.script(steps=12, steer=False)
weight = torch.nn.Parameter(torch.ones(1))
opt = torch.optim.SGD([weight], lr=1.0)
sched = run.attach(opt, "constant(0.1) * classic_plateau(factor=0.5, patience=1)")
for t in run.steps():
    loss = (weight ** 2).sum()
    opt.zero_grad(); loss.backward(); opt.step(); sched.step()
    run.log(loss=loss, used=opt.param_groups[0]["lr"])
    sched.observe(loss=1.0)
print(opt.param_groups[0]["lr"])
"""


def test_by_hand_the_rule_drives_the_script(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=120
    )
    assert float(done.stdout) < 0.1 / 4


def test_in_a_study_the_schedule_that_takes_its_place_is_driven_and_what_is_observed_is_not_heard(
    tmp_path: Path,
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    horizon = Horizon(steps=12)
    source = ScriptSource(f"'{sys.executable}' '{tmp_path / 'train.py'}'", "loss")
    rates = parse("linear(0.2)").bind(horizon).values()
    result = source.execute(RunSpec(source, 0, "linear(0.2)", horizon, rates, None, None), lambda *_: None)
    assert result.failure is None
    assert result.trace.metrics["used"][:-1].tolist() == rates[1:].tolist()  # logged after step(): the next rate


def test_a_rule_needs_an_optimizer_of_torch() -> None:
    run = lrdecay.script(steps=5, steer=False)
    with pytest.raises(InputError, match="must be given a torch optimizer for a rule"):
        run.attach(lambda learning_rate: learning_rate, "constant(0.1) * plateau()")


def test_a_rule_of_another_run_may_be_given_as_a_value() -> None:
    run = lrdecay.script(steps=5, steer=False)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = run.attach(optimizer, lrdecay.constant(0.1) * lrdecay.classic_plateau(factor=0.5, patience=1))
    assert repr(scheduler.dial.rule).startswith("classic_plateau(")
