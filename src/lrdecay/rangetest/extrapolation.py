"""From the scores of short runs to the best peak of each length, and from those to the peak of the full run. Pure.

    one length    a parabola in x = log10(peak) through the mean score of the best candidate and its two neighbours; its
                  lowest point is the peak. The same through each repeat's own scores gives the spread.
    the law       x = a - p log10(length), that is peak ∝ length^-p, by least squares over the lengths
    error         each length's x is known to s = max(sd/√repeats, h/√12): sd pooled over lengths, h the spacing of the
                  candidates (a grid is no finer than its rounding; Sheppard 1898)

**The exponent that is measured and the one that is used.** Three short lengths say little about p, and what is wrong
with it is multiplied by the whole way to the full run. So the extrapolation takes p together with what is known before:
p ~ N(1/4, (1/8)²), 95% between the two ends of theory: 0, a peak set by curvature alone (1/L), and 1/2, one set by
noise (∝ 1/√T; Zinkevich 2003; for linear decay Zamani and Glineur 2023, arXiv:2307.11134). On large models about 0.3
was measured (Bjorck et al. 2024, arXiv:2409.19913). Both exponents are reported; the measured one has no prior in it.

Intervals are at 95%. Errors of the lengths count with Student's t (lengths · (repeats - 1) degrees of freedom) over the
normal quantile. The interval of the full run's peak holds the spread over repeats and the doubt about p; it does not
hold the doubt about the law itself, or about scores at short lengths telling of the full run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, refusal
from lrdecay.rangetest.compressed import FARTHEST
from lrdecay.runs.trainable import FloatArray
from lrdecay.stats.intervals import Interval, t_quantile

__all__ = ["PRIOR", "Law", "Rung", "law_of", "rung_of"]

PRIOR = (0.25, 0.125)
"""Mean and sd of the exponent before anything is measured."""

_LEVEL = 0.95
_Z = NormalDist().inv_cdf(0.5 + _LEVEL / 2)


@frozen
class Rung:
    """The scores of one length and the best peak they give."""

    steps: int
    scores: Mapping[float, tuple[float, ...]]  # peak -> one per repeat, smaller is better; nan where it diverged
    peak: float  # of the mean over repeats
    own: tuple[float, ...]  # of each repeat
    at_edge: str | None  # "lowest" or "highest": the best candidate has no neighbour on one side

    @property
    def sd(self) -> float:
        """Of log10 of the repeats' own peaks, decades."""
        return float(np.std(np.log10(self.own), ddof=1))

    @property
    def spacing(self) -> float:
        """Between two candidates, decades."""
        peaks = sorted(self.scores)
        return math.log10(peaks[-1] / peaks[0]) / (len(peaks) - 1)

    @property
    def best(self) -> float:
        """The candidate with the best mean score."""
        peaks = sorted(self.scores)
        return peaks[int(np.argmin(_table(self.scores).mean(axis=1)))]

    def to_json(self) -> dict[str, Any]:
        """Peak, spread and every score; null where a run diverged."""
        tried = {repr(p): [v if math.isfinite(v) else None for v in self.scores[p]] for p in sorted(self.scores)}
        return {
            "steps": self.steps,
            "peak": self.peak,
            "sd_decades": self.sd,
            "peaks_of_repeats": list(self.own),
            "at_edge": self.at_edge,
            "scores": tried,
        }


@frozen
class Law:
    """peak ∝ length^-p, and the peak it gives at the full length."""

    full: int  # updates
    exponent: float  # as measured
    exponent_interval: Interval  # of it, by t; nothing but the measurements
    exponent_used: float  # with what is known before
    peak: float  # at the full length
    interval: Interval  # of the peak at the full length

    def to_json(self) -> dict[str, Any]:
        """The numbers, and what was assumed."""
        return {
            "exponent": self.exponent,
            "exponent_interval": [self.exponent_interval.lo, self.exponent_interval.hi],
            "exponent_used": self.exponent_used,
            "exponent_prior": {"mean": PRIOR[0], "sd": PRIOR[1]},
            "extrapolated": self.peak,
            "interval": [self.interval.lo, self.interval.hi],
            "level": self.interval.level,
        }


def rung_of(steps: int, scores: Mapping[float, Sequence[float]]) -> Rung | None:
    """The best peak of one length; None where every candidate diverged on some seed.

    Args:
        steps: the length, updates.
        scores: peak -> scores of the repeats, smaller is better, nan where diverged; at least two peaks.
    """
    found = {p: tuple(s) for p, s in scores.items()}
    peaks = sorted(found)
    table = _table(found)
    whole = ~np.isnan([found[p] for p in peaks]).any(axis=1)
    if not whole.any():
        return None
    mean = table.mean(axis=1)
    i = int(np.argmin(mean))
    if len(peaks) < 3 or i in (0, len(peaks) - 1):
        own = tuple(peaks[int(k)] for k in np.argmin(table, axis=0))
        return Rung(steps, found, peaks[i], own, "lowest" if i == 0 else "highest")
    near = slice(i - 1, i + 2)
    x = np.log10(peaks[near])
    own = tuple(float(10 ** _lowest(x, column)) for column in table[near].T)
    return Rung(steps, found, float(10 ** _lowest(x, mean[near])), own, None)


def law_of(rungs: Sequence[Rung], full: int) -> Law:
    """The law through the peaks of the lengths, and what it says of the full run.

    Raises:
        InputError: fewer than three lengths, or the full run is beyond `FARTHEST` times the longest of them.
    """
    if len({r.steps for r in rungs}) < 3:
        msg = refusal("law_of(rungs=...)", "must hold at least three lengths", len(rungs), "Two always fit a line.")
        raise InputError(msg)
    longest = max(r.steps for r in rungs)
    if full > FARTHEST * longest:
        cure = "Give a larger budget."
        rule = f"must be at most {FARTHEST}x the longest measured length, {longest}"
        msg = refusal("find(schedule=...)", rule, full, cure)
        raise InputError(msg)
    at, x = np.log10([r.steps for r in rungs]), np.log10([r.peak for r in rungs])
    repeats = len(rungs[0].own)
    pooled = math.sqrt(float(np.mean([r.sd**2 for r in rungs])))
    s = max(pooled / math.sqrt(repeats), max(r.spacing for r in rungs) / math.sqrt(12))
    t = t_quantile(len(rungs) * (repeats - 1) + 1, _LEVEL)
    away = at - at.mean()
    p = -float(away @ x / (away @ away))
    s_p = s / math.sqrt(float(away @ away))
    mean, sd = PRIOR
    measured, before = 1 / (s_p * t / _Z) ** 2, 1 / sd**2
    used = (measured * p + before * mean) / (measured + before)
    far = math.log10(full) - float(at.mean())
    middle = float(x.mean()) - used * far
    half = _Z * math.sqrt((s * t / _Z) ** 2 / len(rungs) + far**2 / (measured + before))
    around = Interval(10 ** (middle - half), 10 ** (middle + half), _LEVEL)
    return Law(full, p, Interval(p - t * s_p, p + t * s_p, _LEVEL), used, 10**middle, around)


def _table(scores: Mapping[float, Sequence[float]]) -> FloatArray:
    """Scores by rising peak, shape (peaks, repeats); a diverged run is worse than the worst by the whole range."""
    rows = np.array([scores[p] for p in sorted(scores)], dtype=np.float64)
    seen = rows[np.isfinite(rows)]
    worst = 2 * seen.max() - seen.min() + 1.0 if seen.size else 0.0
    return np.where(np.isfinite(rows), rows, worst)


def _lowest(x: FloatArray, y: FloatArray) -> float:
    """Where the parabola through three even points is lowest, at most half a step outside; else the lowest point."""
    h = float(x[1] - x[0])
    bend = float(y[0] - 2 * y[1] + y[2])
    if bend <= 0:
        return float(x[int(np.argmin(y))])
    return float(np.clip(x[1] + h * (y[0] - y[2]) / (2 * bend), x[0] - h / 2, x[2] + h / 2))
