"""`compare --forecast` as an order of runs: what is asked first, what a law says, and what is said of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.losslaws.planted import truth

from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trace import Trace
from lrdecay.schedule import Horizon, parse
from lrdecay.verbs.forecast_order import ForecastOrder

STEPS = 1000
HORIZON = Horizon(steps=STEPS)
SOURCE = TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {}, "quadratic"))
LISTED = [
    'wsd(0.1, warmup=0, cooldown="10%")',
    "cosine(0.1)",
    'wsd(0.1, warmup=0, cooldown="60%")',
    "constant(0.1)",
    'wsd(0.1, warmup=0, cooldown="5%")',
]


def runs_of(seeds=(0,), peak: float | None = None) -> list[RunSpec]:
    found = []
    for text in LISTED:
        rates = parse(text).bind(HORIZON).values() * (1.0 if peak is None else peak / 0.1)
        found += [RunSpec(SOURCE, seed, text, HORIZON, rates, "loss", "min") for seed in seeds]
    return found


def result_of(run: RunSpec, score: float = 0.5, rising: bool = False) -> RunResult:
    """With the losses of a law whose parameters are known."""
    losses = truth(run.schedule, STEPS, at=np.arange(1, STEPS + 1))
    losses = losses[::-1].copy() if rising else losses
    trace = Trace(np.arange(STEPS), np.full(STEPS, np.nan), run.rates, losses)
    return RunResult(run.identity(), run.seed, run.schedule, "loss", "min", score, {"loss": score}, trace)


def order_of(runs: list[RunSpec], pilots=None) -> ForecastOrder:
    order = ForecastOrder(pilots or {}, "min" if pilots else None)
    order.expect({r.identity(): r for r in runs}, {r.identity(): r.schedule for r in runs})
    return order


def ranked(order: ForecastOrder, runs: list[RunSpec]) -> list[str]:
    ranks = order.ranks(runs)
    assert sorted(ranks) == list(range(len(runs)))
    return [f"{run.seed} {run.schedule}" for _, run in sorted(zip(ranks, runs, strict=True), key=lambda p: p[0])]


def test_first_come_the_trunk_and_a_cooldown_then_what_the_law_expects_most_of_and_it_is_told_how_that_went() -> None:
    runs = runs_of()
    order = order_of(runs)

    assert ranked(order, runs)[:2] == [f"0 {LISTED[3]}", f"0 {LISTED[0]}"]
    order.told(runs[3], result_of(runs[3]))
    assert ranked(order, runs)[0] == f"0 {LISTED[0]}"
    order.told(runs[0], result_of(runs[0]))
    left = [run for run in runs if run.schedule not in (LISTED[3], LISTED[0])]
    found = ranked(order, left)
    losses = {f"0 {run.schedule}": result_of(run).trace.loss[-1] for run in left}
    assert found == sorted(losses, key=losses.get)

    for run in left:
        order.told(run, result_of(run))
    outcome = order.outcome()
    assert [row.schedule for row in outcome.runs] == [run.schedule for run in left]
    assert all(row.observed == pytest.approx(losses[f"0 {row.schedule}"], rel=0.01) for row in outcome.runs)
    assert all(abs(row.error) < 0.03 for row in outcome.runs)
    assert outcome.sentences()[0] == "Seed 0: ordered by the training loss that the law noise_floor predicts."
    assert outcome.fits == 1


def test_seed_goes_before_seed_and_a_later_one_is_ordered_by_the_scores_on_the_first() -> None:
    runs = runs_of(seeds=(0, 1))
    order = order_of(runs)
    assert [text[0] for text in ranked(order, runs)] == ["0"] * 5 + ["1"] * 5
    for run, score in zip(runs[::2], (0.3, math.nan, 0.1, 0.4, 0.2), strict=True):
        order.told(run, result_of(run, score))

    assert ranked(order, runs)[5:] == [f"1 {LISTED[i]}" for i in (2, 4, 0, 3, 1)]
    order.told(runs[5], result_of(runs[5], 0.125))
    (row,) = order.outcome().runs
    assert (row.by, row.of, row.predicted, row.observed) == ("from other seeds", "loss", 0.1, 0.125)


def test_pilots_at_the_same_peaks_say_more_than_a_law() -> None:
    runs = runs_of()
    order = order_of(runs, {text: {10_000: float(i)} for i, text in enumerate(LISTED)})

    assert ranked(order, runs) == [f"0 {text}" for text in LISTED]
    assert "on pilot seeds" in order.outcome().sentences()[0]
    assert order.outcome().fits == 0


def test_where_no_law_fits_the_runs_stay_as_they_were_listed_and_the_reason_is_said() -> None:
    runs = runs_of()
    order = order_of(runs)
    for i in (3, 0):
        order.told(runs[i], result_of(runs[i], rising=True))
    left = [runs[i] for i in (1, 2, 4)]

    assert ranked(order, left) == [f"0 {run.schedule}" for run in left]
    said = order.outcome().sentences()[0]
    assert said.startswith("Seed 0: in the usual order, for no law fits. ")
    assert "losses that fall" in said


def test_runs_at_a_shared_peak_come_after_the_others_of_their_seed() -> None:
    own, shared = runs_of(seeds=(0, 1)), runs_of(seeds=(0, 1), peak=0.2)
    order = ForecastOrder({})
    every = [*shared, *own]
    order.expect({r.identity(): r for r in every}, {r.identity(): r.schedule for r in own})
    ranks = order.ranks(every)

    places = [every[i] for i in sorted(range(len(every)), key=ranks.__getitem__)]
    assert [run.rates.max() > 0.15 for run in places] == ([False] * 5 + [True] * 5) * 2
    assert [run.seed for run in places] == [0] * 10 + [1] * 10
