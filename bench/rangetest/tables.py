"""The numbers of the report, computed from the journal: spread, tracking, regret, intervals, steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from bench.rangetest.answers import FIND, KNOWN, KNOWN_LOSS, ONCE, PEER_RULES, draws_of, given, interval_of, steps_of
from bench.rangetest.journal import Journal
from bench.rangetest.protocol import CURVATURES, GRID_SEEDS, OPTIMIZERS, SCHEDULES, TASKS, Cell, cells, peak_of
from bench.rangetest.scoring import (
    Coverage,
    Regret,
    Spread,
    best_x,
    better_at_edge,
    covered,
    pooled,
    regret,
    spread,
)
from bench.rangetest.truth import finished, grid_of, metrics_of, score_table

from lrdecay import Horizon, at_peak, parse
from lrdecay.tasks.quadratic import Quadratic, expected_loss

__all__ = [
    "FINDERS",
    "CellScores",
    "best_peaks",
    "cell_scores",
    "exact_peaks",
    "repeatability_coverage",
    "spreads",
    "steps",
    "tracking",
]

FINDERS = (FIND, *PEER_RULES, *(rule + ONCE for rule in PEER_RULES))
"""Those that do not know the schedule."""


class CellScores(NamedTuple):
    """One cell in one metric."""

    cell: Cell
    metric: str
    best: float  # log10 of the best peak
    at_edge: str | None  # of the grid, where the best still stands there
    score: float  # at the grid's best peak, mean over grid seeds
    sd: float  # over all seeds there
    regrets: dict[str, Regret]  # finder -> regret; those with no answer are missing
    rates: dict[str, float]  # finder -> share of draws with an answer

    def under(self, finder: str) -> bool:
        """Whether the bound of the regret is below one seed's sd, with at least half of the draws answered."""
        found = self.regrets.get(finder)
        return found is not None and self.rates[finder] >= 0.5 and found.upper < self.sd


def _subjects() -> list[Cell]:
    return [Cell(task, optimizer, "linear", 1) for task in TASKS for optimizer in OPTIMIZERS]


def spreads(journal: Journal) -> dict[str, tuple[dict[tuple[str, str], Spread], Spread | None]]:
    """Finder -> spread of each task and optimizer, and pooled."""
    found = {}
    for finder in FINDERS:
        each = {}
        for subject in _subjects():
            logs = given(draws_of(journal, finder, subject))
            if len(logs) > 1:
                each[subject.task, subject.optimizer] = spread(logs)
        found[finder] = each, pooled(list(each.values())) if each else None
    return found


def tracking(journal: Journal) -> dict[str, float | None]:
    """Decades that the answer moves when the curvature is ten times as large; it should be -1."""
    found: dict[str, float | None] = {}
    asked = [(finder, "linear", finder) for finder in FINDERS]
    asked += [(KNOWN, schedule, f"{KNOWN}, {schedule}") for schedule in SCHEDULES]
    for finder, schedule, name in asked:
        at = [given(draws_of(journal, finder, Cell("quadratic", f"{c:g}", schedule, 1))) for c in CURVATURES]
        found[name] = float(np.mean(at[1]) - np.mean(at[0])) if all(at) else None
    return found


def exact_peaks(schedule: str) -> list[float]:
    """The best peak of a full run on the quadratic of each curvature, log10, from its closed form.

    Its noise stays as it is when the curvature grows, so these need not be a decade apart. Added after the measurement.
    """
    found, horizon = [], Horizon(steps=1000)
    for curvature in CURVATURES:
        peaks = np.geomspace(0.005, 2 / curvature, 200)
        loss = [
            expected_loss(
                at_peak(parse(f"{schedule}(peak)"), float(peak)).bind(horizon).values(),
                Quadratic(curvature_scale=curvature),
            )[-1]
            for peak in peaks
        ]
        found.append(float(np.log10(peaks[int(np.argmin(loss))])))
    return found


def cell_scores(journal: Journal) -> list[CellScores]:
    """Every cell whose truth is finished, in every metric."""
    found = []
    for cell in cells():
        if not finished(journal, cell):
            continue
        grid = grid_of(journal, cell)
        x = np.log10([peak_of(cell.optimizer, k) for k in grid])
        for metric in metrics_of(cell.task):
            largest = metric == "accuracy"
            table = score_table(journal, cell, metric)
            n = len(GRID_SEEDS)
            mean = table[:, :n].mean(axis=1)
            i = int(np.argmax(mean) if largest else np.argmin(mean))
            best = best_x(x, mean, largest=largest)
            regrets, rates = {}, {}
            for finder in (*FINDERS, KNOWN, KNOWN_LOSS):
                answers = draws_of(journal, finder, cell)
                if answers:
                    rates[finder] = len(given(answers)) / len(answers)
                if given(answers):
                    regrets[finder] = regret(x, table[:, n:], best, given(answers), largest=largest)
            sd = float(np.std(table[i], ddof=1))
            edge = better_at_edge(mean, largest=largest)
            found.append(CellScores(cell, metric, best, edge, float(mean[i]), sd, regrets, rates))
    return found


def repeatability_coverage(journal: Journal) -> dict[str, Coverage]:
    """Whether a draw's interval holds the geometric mean of the other draws' answers."""
    found = {}
    for name in ("t", "bootstrap"):
        intervals: list[tuple[float, float] | None] = []
        truths: list[float] = []
        for subject in _subjects():
            rows = list(journal.of("find", subject.task, subject.optimizer).values())
            for row in rows:
                others = [math.log10(r["suggestion"]) for r in rows if r is not row and r["suggestion"] is not None]
                if not others:
                    continue
                answered = row["suggestion"] is not None
                ends = row["repeatability"][name]["interval"] if answered else None
                intervals.append(None if ends is None else (math.log10(ends[0]), math.log10(ends[1])))
                truths.append(float(np.mean(others)))
        found[name] = covered(intervals, truths)
    return found


def best_peaks(
    journal: Journal, scores: Sequence[CellScores], finder: str, *, slack: float = 0.0, metric: str = ""
) -> Coverage:
    """Whether intervals hold the truth's best peak, ``slack`` decades further out; metric "": each task's own."""
    intervals: list[tuple[float, float] | None] = []
    truths: list[float] = []
    for s in scores:
        if s.metric != (metric or metrics_of(s.cell.task)[0]):
            continue
        seen = interval_of(journal, finder, s.cell)
        intervals += seen
        truths += [s.best] * len(seen)
    return covered(intervals, truths, slack=slack)


def steps(journal: Journal) -> dict[str, tuple[float, float]]:
    """Finder -> mean updates of a draw, at 1x and 4x where they differ."""
    found: dict[str, Any] = {}
    for finder in (*FINDERS, KNOWN, KNOWN_LOSS):
        per = []
        for length in (1, 4):
            used = [n for cell in cells(length) for n in steps_of(journal, finder, cell)]
            per.append(float(np.mean(used)) if used else math.nan)
        found[finder] = tuple(per)
    return found
