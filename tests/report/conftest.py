"""Studies to report on: comparisons really made on a noisy quadratic, and studies whose scores are given."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from lrdecay.runs.spec import Divergence, RunResult
from lrdecay.runs.trace import Trace
from lrdecay.runs.trainable import Goal
from lrdecay.schedule import Horizon, at_peak, parse
from lrdecay.sweep.pilots import PeakChoice, chosen, first_peaks, next_peak, shared_peak
from lrdecay.sweep.study import Row, Study, rank

SIX = (
    "constant(peak)",
    'step(peak, factor=0.1, every="40%")',
    'exponential(peak, factor=0.01, every="100%")',
    'inverse_time(peak, rate=9.0, every="100%")',
    "linear(peak)",
    "cosine(peak)",
)
HORIZON = Horizon(steps=400, steps_per_epoch=40)
CURVATURE = np.geomspace(0.5, 20.0, 8)
PROVENANCE = {
    "command": "lrdecay compare quadratic -s 'constant(peak)' -s 'cosine(peak)' --seeds 5",
    "versions": {"lrdecay": "0.1.0", "numpy": "2.4.6"},
    "python": "3.11.2",
    "machine": "Linux x86_64, 2 cores, one thread a worker, CPU",
    "finished": "2026-11-21T12:00:00+00:00",
}


@functools.cache
def train(written: str, peak: float, seed: int, goal: Goal = "max") -> RunResult:
    """SGD on ½ Σ λ x² with gradient λ (x + ε), which diverges above 2/λ; the accuracy is 1 / (1 + loss / 10)."""
    schedule = at_peak(parse(written), peak)
    rates = schedule.bind(HORIZON).values()
    rng = np.random.default_rng(seed)
    x = 2.0 * rng.normal(size=8)
    losses: list[float] = []
    heldout = np.full(len(rates), np.nan)
    for t, rate in enumerate(rates):
        here = float(0.5 * (CURVATURE * x**2).sum())
        losses.append(here * float(np.exp(0.2 * rng.normal())) if here < 1e6 else math.inf)
        if here >= 1e6:
            break
        x = x - rate * CURVATURE * (x + 0.5 * rng.normal(size=8))
        if (t + 1) % 40 == 0:
            after = float(0.5 * (CURVATURE * x**2).sum())
            heldout[t] = after if goal == "min" else 1 / (1 + after / 10)
    made = len(losses)
    steps, loss = np.arange(made), np.array(losses)
    metric, column = ("accuracy", "accuracy") if goal == "max" else ("loss", "heldout_loss")
    trace = Trace(steps, steps / 40, rates[:made], loss, {column: heldout[:made]})
    diverged = Divergence(made - 1, float(rates[made - 1]), "inf") if math.isinf(losses[-1]) else None
    score = math.nan if diverged else float(heldout[-1])
    return RunResult(
        f"{written}{peak}{seed}", seed, repr(schedule), metric, goal, score, {metric: score}, trace, diverged
    )


def row(written: str, peak: float, seeds: Sequence[int], goal: Goal = "max") -> Row:
    """A schedule scored at a peak by training."""
    spec = repr(at_peak(parse(written), peak))
    return Row(written, spec, peak, tuple(train(written, peak, s, goal) for s in seeds))


def trained(
    schedules: Sequence[str] = SIX, seeds: int = 5, stated: float = 0.05, goal: Goal = "max", peaks: bool = True
) -> Study:
    """A whole comparison; with ``peaks`` chosen on two pilot seeds."""
    choices: dict[str, PeakChoice] = {}
    pilots = (10_000, 10_001) if peaks else ()
    for written in schedules if peaks else ():
        wanted: list[float] = list(first_peaks(stated))
        tried: dict[float, tuple[float, ...]] = {}
        while wanted:
            tried |= {p: tuple(train(written, p, s, goal).score for s in pilots) for p in wanted}
            grown = next_peak(tried, goal)
            wanted = [] if grown is None else [grown]
        choice = chosen(tried, goal)
        assert choice is not None
        choices[written] = choice
    scored = tuple(range(seeds))
    main = [row(w, choices[w].peak if peaks else stated, scored, goal) for w in schedules]
    common = shared_peak([c.scores for c in choices.values()], goal) if peaks else None
    level = [] if common is None else [row(w, common, scored, goal) for w in schedules]
    return Study(
        task="quadratic",
        metric="accuracy" if goal == "max" else "loss",
        goal=goal,
        seeds=scored,
        pilot_seeds=pilots,
        main=rank("each at its best peak" if peaks else "each at its stated peak", main, goal),
        shared=rank(f"all at the shared peak {common:g}", level, goal) if level else None,
        choices=choices,
        steps_trained=400 * 100,
        steps_naive=400 * 120,
        seconds=83.2,
        notes=("Open peaks start from 0.05, found by a range test of 5 repeats.",),
        provenance=PROVENANCE,
    )


def scored(
    scores: Mapping[str, Sequence[float]],
    *,
    shared: Mapping[str, Sequence[float]] | None = None,
    edges: Mapping[str, str] | None = None,
    fixed: bool = False,
    goal: Goal = "max",
    task: str = "digits",
) -> Study:
    """A study with these scores, nan where a run diverged; one update was logged of every run."""
    metric = "accuracy" if goal == "max" else "loss"

    def rows(table: Mapping[str, Sequence[float]], peak: float) -> list[Row]:
        made = []
        for written, values in table.items():
            spec = repr(at_peak(parse(written), peak))
            trace = Trace(np.array([0]), np.array([0.0]), np.array([peak]), np.array([2.0]), {})
            results = tuple(
                RunResult(
                    f"{spec}{i}", i, spec, metric, goal, v, {}, trace, Divergence(7, peak, "nan") if v != v else None
                )
                for i, v in enumerate(values)
            )
            made.append(Row(written, spec, peak, results))
        return made

    seeds = tuple(range(len(next(iter(scores.values())))))
    choices = {w: PeakChoice(0.1, {0.05: (0.5,), 0.1: (0.6,), 0.2: (0.5,)}, (edges or {}).get(w)) for w in scores}
    return Study(
        task=task,
        metric=metric,
        goal=goal,
        seeds=seeds,
        pilot_seeds=() if fixed else (10_000,),
        main=rank("each at its stated peak" if fixed else "each at its best peak", rows(scores, 0.1), goal),
        shared=None if shared is None else rank("all at the shared peak 0.05", rows(shared, 0.05), goal),
        choices={} if fixed else choices,
        steps_trained=100,
        steps_naive=120,
        seconds=1.0,
        notes=(),
        provenance=PROVENANCE,
    )


@pytest.fixture(scope="session")
def study() -> Study:
    """Six schedules, five seeds, peaks from pilots."""
    return trained()


@pytest.fixture(scope="session")
def diverging() -> Study:
    """Judged by a loss, at one stated peak, at which a constant rate diverges on some seeds and a warmup is saved."""
    return trained(("constant(peak)", "warmup(100) + cosine(peak)", "linear(peak)"), 3, 0.105, "min", peaks=False)


@pytest.fixture(scope="session")
def study_of() -> Callable[..., Study]:
    """`scored`: a study from given scores."""
    return scored
