"""How sure a range test is of its answer: two intervals over its repeats, and when they are too wide for an answer.

Both are intervals of *repeatability*: where the answer would fall if the test were made again with other initial
weights and another data order. Neither says that the answer is the best peak; that needs training
(`rangetest.compressed`).

    t          each repeat read alone, but no further than where the average of all is lowest (the flat end of a single
               noisy curve may be lowest anywhere); Student's t on log10: 95% for the geometric mean over repeats
    bootstrap  repeats drawn with replacement, averaged, read as one; the middle of the answers on log10. The level is
               widened for few repeats to Φ(-√(n/(n - 1)) · t(α/2; n - 1)) in each tail, since the plain percentiles of
               n = 5 cover too little (Hesterberg 2015, arXiv:1411.5279, "expanded percentiles")

A curve says little between its points, so both are widened by the grid: no spread is taken to be below the distance of
two points over √12, and the bootstrap's ends stand half a point further out. The bootstrap reads averages
as the answer is read; the t interval is the wider and the safer one for few repeats, and it decides: beyond `WIDEST`
decades there is no clear answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.rangetest.reading import average, bottom_of, suggested
from lrdecay.runs.trainable import FloatArray
from lrdecay.stats.intervals import Interval, log10_t_interval, t_quantile

__all__ = ["RESAMPLES", "WIDEST", "Repeatability", "repeatability", "width"]

RESAMPLES = 1000
"""Draws of the bootstrap; always the same ones, so that the same curves give the same interval."""

WIDEST = 1.0
"""Decades; an answer whose t interval is wider is none."""


@frozen
class Repeatability:
    """Where the answer would fall if the range test were made again."""

    answers: tuple[float, ...]  # of each repeat, read alone, up to where their average is lowest
    t: Interval  # 95%, by t on log10 of the answers
    bootstrap: Interval  # 95%, by expanded percentiles over resampled and averaged repeats

    @property
    def sd(self) -> float:
        """Of log10 of a single repeat's answer, decades."""
        return float(np.std(np.log10(self.answers), ddof=1))

    @property
    def too_wide(self) -> str | None:
        """What is wrong with it and what to do; None where the interval is at most `WIDEST` decades wide."""
        if width(self.t) <= WIDEST:
            return None
        return (
            f"{len(self.answers)} repeats disagree: the 95% interval is {width(self.t):.1f} decades wide, "
            f"more than {WIDEST:g}; add --repeats, or --points for smoother curves"
        )

    def to_json(self) -> dict[str, Any]:
        """Both intervals with what they are, and the repeats' own answers."""
        return {
            "of": "the suggestion, if the range test were made again; not of the best peak",
            "t": {"interval": [self.t.lo, self.t.hi], "level": self.t.level, "decades": width(self.t)},
            "bootstrap": {
                "interval": [self.bootstrap.lo, self.bootstrap.hi],
                "level": self.bootstrap.level,
                "decades": width(self.bootstrap),
                "resamples": RESAMPLES,
            },
            "sd_decades": self.sd,
            "answers": list(self.answers),
        }


def repeatability(curves: Sequence[tuple[FloatArray, FloatArray]]) -> Repeatability | None:
    """Both intervals; None for a single repeat, which says nothing about others.

    Args:
        curves: (rates, losses) of each repeat; rates rising, the same as far as they go.
    """
    n = len(curves)
    if n < 2:
        return None
    lowest = bottom_of(*average(list(curves)))
    answers = tuple(suggested(*average([c]), within=lowest) for c in curves)
    known: dict[tuple[int, ...], float] = {}
    drawn = np.sort(np.random.default_rng(0).integers(n, size=(RESAMPLES, n)), axis=1)
    for row in map(tuple, drawn.tolist()):
        if row not in known:
            known[row] = _answer([curves[i] for i in row])
    point = _spacing(max((rates for rates, _ in curves), key=len), answers)
    again = np.log10([known[tuple(row)] for row in drawn.tolist()])
    tail = NormalDist().cdf(-math.sqrt(n / (n - 1)) * t_quantile(n, 0.95))
    lo, hi = np.quantile(again, [tail, 1 - tail])
    ends = Interval(float(10 ** (lo - point / 2)), float(10 ** (hi + point / 2)))
    return Repeatability(answers, log10_t_interval(answers, resolution=point), ends)


def width(interval: Interval) -> float:
    """Of an interval of rates, in decades; inf where an end is 0 or infinite."""
    if interval.lo <= 0 or math.isinf(interval.hi):
        return math.inf
    return math.log10(interval.hi / interval.lo)


def _spacing(rates: FloatArray, answers: Sequence[float]) -> float:
    """The distance of two points about where the answers were read, decades."""
    i = int(np.clip(np.searchsorted(rates, np.median(answers)), 1, len(rates) - 1))
    return float(np.log10(rates[i] / rates[i - 1]))


def _answer(curves: Sequence[tuple[FloatArray, FloatArray]]) -> float:
    return suggested(*average(list(curves)))
