"""A study's runs as a forecast reads them."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve

from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import Divergence, RunResult, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trace import Trace
from lrdecay.schedule import Horizon, parse
from lrdecay.verbs.order_curves import TRAINING, curve_of, ending, loss_of, telling

HORIZON = Horizon(steps=100)
SOURCE = TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {}, "quadratic"))


def run_of(text: str) -> RunSpec:
    return RunSpec(SOURCE, 0, text, HORIZON, parse(text).bind(HORIZON).values(), "accuracy", "max")


def result_of(run: RunSpec, measured: int = 0, metric: str = "accuracy", goal: str = "max") -> RunResult:
    steps = np.arange(100)
    looked = np.full(100, np.nan)
    if measured:
        looked[(np.arange(1, measured + 1) * 100) // measured - 1] = np.linspace(3.0, 2.0, measured)
    trace = Trace(steps, np.full(100, np.nan), run.rates, 5.0 - steps / 50, {"heldout_loss": looked})
    return RunResult(run.identity(), 0, run.schedule, metric, goal, 0.5, {metric: 0.5}, trace)


@pytest.mark.parametrize(("measured", "of"), [(0, TRAINING), (11, TRAINING), (12, "heldout_loss")])
def test_a_held_out_loss_is_forecast_where_it_was_measured_often_enough(measured: int, of: str) -> None:
    assert loss_of(result_of(run_of("cosine(0.1)"), measured)) == of
    assert loss_of(result_of(run_of("cosine(0.1)"), measured, "loss", "min")) == of


def test_what_was_measured_during_the_warmup_does_not_count() -> None:
    assert loss_of(result_of(run_of("warmup(50) + cosine(0.1)"), 20)) == TRAINING


def test_a_curve_has_the_losses_after_so_many_updates_and_its_end_is_the_last_of_them() -> None:
    run = run_of("cosine(0.1)")
    held, trained = (curve_of(run, result_of(run, 20), "a", of) for of in ("heldout_loss", TRAINING))

    assert held.steps.tolist() == list(range(5, 101, 5))
    assert (held.name, ending(held)) == ("a", 2.0)
    assert trained.steps.tolist() == list(range(1, 101))
    assert ending(trained) == pytest.approx(5.0 - 99 / 50)


def test_runs_that_diverged_and_runs_under_rules_have_no_curve() -> None:
    run = run_of("cosine(0.1)")
    whole = result_of(run)

    assert curve_of(run, evolve(whole, diverged=Divergence(3, 0.1, "nan")), "a", TRAINING) is None
    assert curve_of(evolve(run, rule="plateau()"), whole, "a", TRAINING) is None
    assert curve_of(run, whole, "a", "heldout_loss") is None  # never measured


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (["cosine(0.1)", "constant(0.1)", 'wsd(0.1, warmup=0, cooldown="20%")', "linear(0.1)"], [1, 2]),
        (["linear(0.1)", 'wsd(0.1, warmup=0, cooldown="4%")', 'wsd(0.1, warmup=0, cooldown="30%")'], [1, 2]),
        (["constant(0.1)", "linear(0.1)"], []),
    ],
)
def test_the_trunk_and_the_cooldown_that_goes_longest_along_tell_most(listed: list[str], told: list[int]) -> None:
    assert telling([run_of(text) for text in listed]) == told
