"""Our own runs are whole, and are what their schedules say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bench.forecast_own import LOGS, groups
from bench.own.runs import DATA, LONG, SEEDS, SHORT

ALL = dict(groups())


def test_every_task_peak_and_seed_has_every_schedule_once():
    said = [json.loads(path.read_text()) for path in sorted(DATA.glob("*.json"))]

    assert {s["task"] for s in said} == {"chars", "fashion"}
    for s in said:
        peaks = {run["peak"] for run in s["runs"]}
        assert len(s["runs"]) == len(peaks) * SEEDS * (len(LONG) + len(SHORT))
    for curves in ALL.values():
        assert len(curves) == len(LONG) + len(SHORT)
        assert all(name in curves for logs in LOGS.values() for name, _ in logs)


@pytest.mark.parametrize("group", ALL)
def test_schedules_that_agree_up_to_a_step_lost_the_same_up_to_it(group):
    trunk, branch = ALL[group]["constant"], ALL[group]["40%"]
    alike = np.flatnonzero(trunk.rates != branch.rates)[0]
    before = branch.steps <= alike

    assert 0 < before.sum() < len(before)
    assert branch.losses[before].tolist() == trunk.losses[: before.sum()].tolist()
    assert (branch.losses[~before] != trunk.losses[before.sum() :]).any()


def test_losses_are_measured_to_the_last_update():
    for curves in ALL.values():
        for name, curve in curves.items():
            assert curve.last == len(curve.rates), name
