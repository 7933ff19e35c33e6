"""The mathematics of the scores: best peaks, regrets, spreads, coverage and Winkler's score. Pure.

Rates are taken as x = log10(rate); scores may be to maximise (``largest``) or to minimise. A regret is how much worse,
so it is at least 0 up to noise.

    best peak    the parabola through the best mean and its two neighbours, evenly spaced: x1 + h (y0 - y2) / (2 bend),
                 bend = y0 - 2 y1 + y2, no further than half a step from the best point
    between      monotone cubic interpolation (Fritsch and Butland 1984), ends held
    sd           s √((n-1)/χ²(1 - α/2)) to s √((n-1)/χ²(α/2)), n - 1 degrees of freedom
    coverage     Wilson 1927: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
    Winkler      (1972): width + 2/α times the distance to the nearer end, where the truth is outside
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.stats import chi2, t

__all__ = [
    "Coverage",
    "Regret",
    "Spread",
    "best_x",
    "better_at_edge",
    "covered",
    "filled",
    "pooled",
    "regret",
    "spread",
    "upper_bound",
    "wilson",
    "winkler",
]

FloatArray = NDArray[np.float64]
_LEVEL = 0.95


class Spread(NamedTuple):
    """Of log10 of answers."""

    sd: float
    lo: float
    hi: float
    ratio: float  # largest over smallest answer
    answers: int


class Regret(NamedTuple):
    """How much worse the answers are than the best peak, on the scoring seeds."""

    mean: float
    upper: float  # one-sided 95%
    outside: int  # answers beyond the grid
    answers: int


class Coverage(NamedTuple):
    """Of intervals at 95%."""

    held: int
    answered: int
    asked: int
    width: float  # median, decades; nan of none
    winkler: float  # mean, decades; nan of none

    @property
    def share(self) -> tuple[float, float]:
        """Wilson's interval of the share that held."""
        return wilson(self.held, self.answered)


def filled(table: FloatArray, chance: float, *, largest: bool) -> FloatArray:
    """Scores with those that are nan set to chance or the worst there is, whichever is worse."""
    seen = table[np.isfinite(table)]
    worst = min([chance, *seen.tolist()]) if largest else max([chance, *seen.tolist()])
    return np.where(np.isfinite(table), table, worst)


def better_at_edge(mean: FloatArray, *, largest: bool) -> str | None:
    """Whether the best of a row stands at its "lowest" or "highest" end."""
    i = int(np.argmax(mean) if largest else np.argmin(mean))
    return "lowest" if i == 0 else "highest" if i == len(mean) - 1 else None


def best_x(x: FloatArray, mean: FloatArray, *, largest: bool) -> float:
    """Where the best is, between points even in x; the end itself where it stands at one."""
    y = -mean if largest else mean
    i = int(np.argmin(y))
    if i in (0, len(y) - 1):
        return float(x[i])
    h, bend = float(x[i + 1] - x[i]), float(y[i - 1] - 2 * y[i] + y[i + 1])
    if bend <= 0:
        return float(x[i])
    return float(x[i] + np.clip(h * (y[i - 1] - y[i + 1]) / (2 * bend), -h / 2, h / 2))


def regret(x: FloatArray, scores: FloatArray, best: float, answers: Sequence[float], *, largest: bool) -> Regret:
    """Regret of answers, averaged over them, with its bound over the scoring seeds.

    Args:
        x: log10 of the grid's peaks, rising, shape (points,).
        scores: of the scoring seeds, shape (points, seeds).
        best: log10 of the best peak.
        answers: log10 of each draw's answer, at least one.
        largest: whether more is better.
    """
    asked = np.clip(np.asarray(answers, dtype=np.float64), x[0], x[-1])
    curve = PchipInterpolator(x, scores, axis=0)
    worse = curve(np.clip(best, x[0], x[-1])) - curve(asked)  # (draws, seeds)
    by_seed = (worse if largest else -worse).mean(axis=0)
    outside = sum(not x[0] <= a <= x[-1] for a in answers)
    return Regret(float(by_seed.mean()), upper_bound(by_seed), outside, len(answers))


def upper_bound(values: FloatArray) -> float:
    """One-sided 95% bound on the mean, by t."""
    n = len(values)
    return float(np.mean(values) + t.ppf(_LEVEL, n - 1) * np.std(values, ddof=1) / math.sqrt(n))


def spread(logs: Sequence[float]) -> Spread:
    """Sd of log10 of answers with its chi-square interval; at least two answers."""
    n, sd = len(logs), float(np.std(logs, ddof=1))
    tail = (1 - _LEVEL) / 2
    lo, hi = (sd * math.sqrt((n - 1) / chi2.ppf(p, n - 1)) for p in (1 - tail, tail))
    return Spread(sd, lo, hi, 10 ** (max(logs) - min(logs)), n)


def pooled(spreads: Sequence[Spread]) -> Spread:
    """Of several subjects: the sd with all degrees of freedom, its interval, and the median of the ratios."""
    freedom = sum(s.answers - 1 for s in spreads)
    sd = math.sqrt(sum((s.answers - 1) * s.sd**2 for s in spreads) / freedom)
    tail = (1 - _LEVEL) / 2
    lo, hi = (sd * math.sqrt(freedom / chi2.ppf(p, freedom)) for p in (1 - tail, tail))
    return Spread(sd, lo, hi, float(np.median([s.ratio for s in spreads])), sum(s.answers for s in spreads))


def covered(
    intervals: Sequence[tuple[float, float] | None], truths: Sequence[float], *, slack: float = 0.0
) -> Coverage:
    """How often intervals hold their truths, ``slack`` further out at both ends; None is an abstention."""
    seen = [(ends, truth) for ends, truth in zip(intervals, truths, strict=True) if ends is not None]
    held = sum(lo - slack <= truth <= hi + slack for (lo, hi), truth in seen)
    width = float(np.median([hi - lo for (lo, hi), _ in seen])) if seen else math.nan
    score = float(np.mean([winkler(lo, hi, truth) for (lo, hi), truth in seen])) if seen else math.nan
    return Coverage(held, len(seen), len(intervals), width, score)


def wilson(held: int, of: int) -> tuple[float, float]:
    """95% interval of a share; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + _LEVEL / 2)
    p, scale = held / of, 1 + z * z / of
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return (p + z * z / (2 * of) - half) / scale, (p + z * z / (2 * of) + half) / scale


def winkler(lo: float, hi: float, truth: float) -> float:
    """Interval score at 95%, smaller is better, in the unit of its arguments."""
    return hi - lo + 2 / (1 - _LEVEL) * max(lo - truth, truth - hi, 0.0)
