"""Which peaks to try, and which to keep: schedules are compared at their own peaks (decision record 9).

Each schedule starts from {1/2, 1, 2} times its stated peak, on pilot seeds that are never scored. While the best of
them stands at an edge of what was tried, the grid grows by one factor of two on that side, at most `EXTENSIONS` times.
The score of a peak is its mean over pilot seeds; one diverged seed rules it out. Pure: says what to run, runs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from lrdecay.runs.trainable import Goal

__all__ = [
    "EXTENSIONS",
    "FIRST_PILOT_SEED",
    "PeakChoice",
    "best_peak",
    "chosen",
    "first_peaks",
    "next_peak",
    "shared_peak",
]

EXTENSIONS = 3
"""How often a grid may grow."""

FIRST_PILOT_SEED = 10_000
"""Pilot seeds count from here, scoring seeds from 0."""

Scores = Mapping[float, Sequence[float]]
"""Peak -> one score per pilot seed; nan where it diverged."""


@frozen
class PeakChoice:
    """The peak a schedule is scored at, and how it was found."""

    peak: float
    scores: Mapping[float, tuple[float, ...]]  # every peak tried
    at_edge: str | None  # "lowest" or "highest" where the best is still the last one tried

    def to_json(self) -> dict[str, Any]:
        """Peaks as text, in order; null for a score of a diverged run."""
        tried = {repr(p): [None if math.isnan(v) else v for v in self.scores[p]] for p in sorted(self.scores)}
        return {"chosen": self.peak, "at_edge": self.at_edge, "tried": tried}


def first_peaks(stated: float) -> tuple[float, ...]:
    """{1/2, 1, 2} times the stated peak."""
    return (stated / 2, stated, stated * 2)


def mean_score(scores: Sequence[float], goal: Goal) -> float:
    """The mean, larger is better; -inf where a seed diverged."""
    if any(math.isnan(s) for s in scores):
        return -math.inf
    mean = math.fsum(scores) / len(scores)
    return mean if goal == "max" else -mean


def best_peak(scores: Scores, goal: Goal) -> float | None:
    """The peak with the best mean; the smaller of two equals; None where all diverged."""
    ranked = sorted(scores, key=lambda peak: (-mean_score(scores[peak], goal), peak))
    return ranked[0] if mean_score(scores[ranked[0]], goal) > -math.inf else None


def next_peak(scores: Scores, goal: Goal) -> float | None:
    """The peak to try next, or None when the best one stands inside the grid or the grid may not grow.

    Where every peak diverged, half of the lowest.
    """
    best, tried = best_peak(scores, goal), sorted(scores)
    if len(tried) >= 3 + EXTENSIONS:
        return None
    if best is None or best == tried[0]:
        return tried[0] / 2
    return tried[-1] * 2 if best == tried[-1] else None


def chosen(scores: Scores, goal: Goal) -> PeakChoice | None:
    """The choice after the last trial; None where every peak diverged."""
    best, tried = best_peak(scores, goal), sorted(scores)
    if best is None:
        return None
    edge = "lowest" if best == tried[0] else "highest" if best == tried[-1] else None
    return PeakChoice(best, {p: tuple(s) for p, s in scores.items()}, edge if len(tried) > 1 else None)


def shared_peak(scores: Sequence[Scores], goal: Goal) -> float | None:
    """The peak, among those every schedule tried, that is best on average over schedules; None where there is none."""
    common = set(scores[0]).intersection(*scores[1:])
    means = {peak: [mean_score(s[peak], goal) for s in scores] for peak in common}
    whole = {peak: math.fsum(m) / len(m) for peak, m in means.items() if min(m) > -math.inf}
    return min(whole, key=lambda peak: (-whole[peak], peak)) if whole else None
