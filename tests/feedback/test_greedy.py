"""GreedyLR, drop for drop the scheduler of transformers where its bounds are sane, and right where that one is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.feedback.shown import goes_on_from_json, is_its_notation, shown
from transformers.optimization import GreedyLR

from lrdecay.errors import InputError
from lrdecay.feedback.greedy import greedy


def observed(values):
    return [{"loss": float(v)} for v in values]


def theirs(values, rate=1.0, **arguments):
    """The rates of transformers' scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=rate)
    scheduler, rates = GreedyLR(optimizer, **arguments), []
    for value in values:
        scheduler.step(float(value))
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def a_run(rng):
    """Improving, flat and noisy stretches."""
    level, found = 5.0, []
    for _ in range(int(rng.integers(3, 9))):
        slope, sd = rng.choice([0.0, -0.01, -0.003, 0.002]), rng.choice([0.0, 0.001, 0.05])
        n = int(rng.integers(10, 120))
        found += (level + slope * np.arange(n) + sd * rng.normal(size=n)).tolist()
        level += slope * n
    return found


CASES = [
    {},
    {"patience": 3, "factor": 0.5},
    {"patience": 0, "cooldown": 4, "warmup": 2},
    {"patience": 2, "factor": 0.8, "smooth": True, "window_size": 7},
    {"patience": 1, "factor": 0.3, "reset_start": 3},
    {"patience": 1, "factor": 0.3, "reset_start": 2, "smooth": True, "window_size": 3},
    {"mode": "max", "patience": 2, "max_lr": 4.0},
    {"threshold_mode": "rel", "threshold": 1e-3, "patience": 3},
    {"mode": "max", "threshold_mode": "rel", "threshold": 1e-2, "patience": 3},
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_it_is_transformers_scheduler_drop_for_drop(case, seed):
    values = a_run(np.random.default_rng(seed))
    arguments = {"min_lr": 0.01, "max_lr": 1.0} | case
    ours = greedy(
        goal=arguments.get("mode", "min"),
        factor=arguments.get("factor", 0.95),
        patience=arguments.get("patience", 10),
        threshold=arguments.get("threshold", 1e-6),
        relative=arguments.get("threshold_mode") == "rel",
        cooldown=arguments.get("cooldown", 0),
        warmup=arguments.get("warmup", 0),
        low=0.01,
        high=arguments["max_lr"],
        window=arguments.get("window_size") if arguments.get("smooth") else None,
        reset=arguments.get("reset_start", 500),
    )
    assert shown(ours, observed(values))[0] == theirs(values, **arguments)


def test_the_runs_of_the_parity_test_go_down_up_and_start_anew():
    moves = [np.diff(theirs(a_run(np.random.default_rng(s)), min_lr=0.01, max_lr=1.0, **CASES[4])) for s in range(12)]
    moved = np.concatenate(moves)

    assert (moved < 0).any()
    assert (moved > 0).any()
    assert (moved > 0.9).any()


def test_another_rate_is_a_matter_of_scale():
    values = a_run(np.random.default_rng(3))
    rates = theirs(values, rate=2.0**-14, min_lr=0.01 * 2.0**-14, max_lr=2.0**-14, eps=1e-8 * 2.0**-14, patience=2)

    assert shown(greedy(patience=2), observed(values))[0] == [rate * 2.0**14 for rate in rates]


def test_a_small_rate_is_lowered_which_the_other_one_never_does():
    flat = [1.0] * 400
    assert set(theirs(flat, rate=5e-5)) == {5e-5}
    assert shown(greedy(), observed(flat), rate=5e-5)[0][-1] < 0.2


def test_it_never_goes_above_the_schedule_unless_told():
    falling = np.linspace(5, 0, 400)
    assert max(shown(greedy(), observed(falling))[0]) == 1.0
    assert max(shown(greedy(high=2), observed(falling))[0]) == 2.0


def test_it_never_goes_below_its_floor():
    assert min(shown(greedy(patience=0, low=0.2), observed([1.0] * 300))[0]) == 0.2


def test_values_that_are_not_finite_are_bad_and_do_not_poison_the_mean():
    rule = greedy(patience=3, window=5)
    values = [5.0, math.nan, *np.linspace(4, 1, 30), *[1.0] * 60]

    assert shown(rule, observed([math.nan] * 5))[0][-1] == 0.95
    assert shown(rule, observed([-math.inf, *[1.0] * 3, 0.5]))[0][-1] == 1.0
    raised, _ = shown(greedy(patience=3, window=5, high=2), observed(values))
    assert max(raised) > 1.0
    assert raised[-1] < max(raised)


def test_negative_values_that_stand_still_do_not_improve():
    still = observed([-1.0] * 40)
    for goal in ("min", "max"):
        for relative in (False, True):
            rule = greedy(goal=goal, relative=relative, threshold=0.01, patience=3)
            assert shown(rule, still)[0][-1] < 0.7
    improving = observed(-np.linspace(1, 5, 60))
    assert min(shown(greedy(relative=True, threshold=1e-3, patience=3), improving)[0]) == 1.0


@pytest.mark.parametrize("rule", [greedy(patience=2), greedy(patience=1, window=4, reset=3, factor=0.3)], ids=str)
def test_it_goes_on_from_its_json_at_each_observation(rule):
    values = [*a_run(np.random.default_rng(0)), math.nan, math.inf, *[1.0] * 30, -math.inf, -5.0]
    assert goes_on_from_json(rule, observed(values)) < 500


WRONG = [
    {"factor": 1},
    {"low": 0},
    {"high": 0.5},
    {"window": 0},
    {"goal": "least"},
    {"patience": -1},
    {"metric": "a b"},
]


@pytest.mark.parametrize("wrong", [*WRONG, {"threshold": 1, "relative": True}], ids=str)
def test_arguments_out_of_range_are_refused_at_once(wrong):
    with pytest.raises(InputError, match=f"greedy\\({next(iter(wrong))}=...\\)"):
        greedy(**wrong)


def test_it_is_its_notation():
    is_its_notation(greedy())
    is_its_notation(greedy(metric="accuracy", goal="max", window=20, relative=True, low=0.1, high=3))
