"""Reading curves: from losses under a rising rate to a peak, with two classic rules beside ours. Pure.

Curves of several repeats (other initial weights, other data order) are capped, so that an explosion weighs no more than
a rise, and averaged point by point before anything is read; a smoother without lag (a centred Gaussian over log rate)
takes out what noise is left. The slope is taken with respect to log10 of the rate, the axis the points are even on.

Rules, each giving a rate:

    lrdecay      half the rate by which `SHARE` = 85% of the fall is made; why: docs/adr/0011
    steepest     where d loss / d log10(rate) is lowest, before the minimum
    minimum/10   a tenth of where the smoothed loss is lowest

The fall is from the highest smoothed loss before the lowest one to that lowest one. It may come in several parts: a
language model's loss first drops to that of the letters' frequencies, steeply and at a rate far too low, and goes on
falling gently. Where it is steepest can then be in any part, from one draw to the next; by which rate most of it is
made cannot jump so. Where there is one fall the two are near each other.

Other finders smooth, stop and cut in their own way; what they answer is in `rangetest.peers`.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from lrdecay.runs.trainable import FloatArray

__all__ = ["SHARE", "Reading", "average", "bottom_of", "capped", "read", "rules", "smoothed", "suggested"]

SHARE = 0.85
"""Of the fall of the loss; half the rate at which so much of it is made is the suggestion."""

_WIDTH = 0.2  # decades; the standard deviation of the smoother


@frozen(eq=False)
class Reading:
    """One averaged curve and what the rules say of it."""

    rates: FloatArray
    losses: FloatArray  # smoothed
    rules: dict[str, float]  # rule -> rate
    suggestion: float | None  # None: no clear answer
    why_not: str | None  # what is wrong with the curve, and what to do


def capped(losses: FloatArray, points: int) -> FloatArray:
    """One curve with its explosion cut off: no loss counts for more than start + (start - lowest).

    What the smoother sees of a diverged point must not depend on how far it was thrown. A curve that ended early stays
    at its cap, so that the average of several is never one of survivors. ``start`` is the median of the first tenth.

    Args:
        losses: of one repeat; inf and nan count as diverged.
        points: length to give it.
    """
    finite = losses[np.isfinite(losses)]
    start = float(np.median(finite[: max(5, points // 10)]))
    cap = start + (start - float(finite.min()))
    out = np.full(points, cap)
    out[: len(losses)] = np.minimum(np.where(np.isfinite(losses), losses, cap), cap)
    return out


def average(curves: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """The mean of the capped curves, as far as the longest of them got."""
    rates = max(curves, key=lambda c: len(c[0]))[0]
    return rates, np.mean([capped(losses, len(rates)) for _, losses in curves], axis=0)


def smoothed(rates: FloatArray, losses: FloatArray, width: float = _WIDTH) -> FloatArray:
    """A centred Gaussian average over log10(rate); straight lines stay straight (local linear), so ends do not bend."""
    x = np.log10(rates)
    d = x[None, :] - x[:, None]
    w = np.exp(-0.5 * (d / width) ** 2)
    s0, s1, s2 = w.sum(1), (w * d).sum(1), (w * d * d).sum(1)
    t0, t1 = (w * losses).sum(1), (w * d * losses).sum(1)
    fit: FloatArray = (s2 * t0 - s1 * t1) / (s0 * s2 - s1 * s1)
    return fit


def bottom_of(rates: FloatArray, losses: FloatArray) -> float:
    """The rate of the lowest smoothed loss of a curve, capped and averaged as by `average`."""
    return float(rates[int(np.argmin(smoothed(rates, losses)))])


def suggested(rates: FloatArray, losses: FloatArray, within: float = math.inf) -> float:
    """Our rule on one curve, capped and averaged as by `average`.

    With s the smoothed loss, b its lowest point and h the highest before it, the level is h - `SHARE` (h - s(b)); the
    answer is half the rate at which s is last above it before b, interpolated in log rate between points. Where nothing
    falls it is half the rate of b.

    Args:
        rates: rising, shape (points,).
        losses: shape (points,).
        within: the lowest point is looked for at rates up to this one; the first rate counts always.
    """
    smooth = smoothed(rates, losses)
    bottom = int(np.argmin(smooth[rates <= max(within, float(rates[0]))]))
    before = smooth[: bottom + 1]
    level = before.max() - SHARE * (before.max() - smooth[bottom])
    above = np.flatnonzero(before > level)
    if not above.size:
        return float(rates[bottom]) / 2
    last = int(above[-1])
    part = (smooth[last] - level) / (smooth[last] - smooth[last + 1])
    return float(rates[last] * (rates[last + 1] / rates[last]) ** part) / 2


def rules(rates: FloatArray, losses: FloatArray) -> dict[str, float]:
    """The classic rules and ours on one curve, capped and averaged as by `average`; it is smoothed first."""
    smooth = smoothed(rates, losses)
    bottom = int(np.argmin(smooth))
    slope = np.gradient(smooth, np.log10(rates))
    return {
        "lrdecay": suggested(rates, losses),
        "steepest": float(rates[int(np.argmin(slope[: bottom + 1]))]),
        "minimum/10": float(rates[bottom]) / 10,
    }


def read(curves: list[tuple[FloatArray, FloatArray]]) -> Reading:
    """Average the curves and read the average; no suggestion where it does not fall and rise again."""
    rates, losses = average(curves)
    smooth = smoothed(rates, losses)
    found = rules(rates, losses)
    bottom = int(np.argmin(smooth))
    spread = float(np.std(losses[: max(5, len(losses) // 4)]))  # noise where the rate is too small to matter
    fall = float(smooth[: bottom + 1].max() - smooth[bottom])
    rise = float(smooth[bottom:].max() - smooth[bottom])
    why_not = None
    if fall < 3 * spread or bottom < 3:
        why_not = "the loss never clearly fell before it rose; lower --low, or look at the data and the loss"
    elif rise < 0.1 * fall:
        why_not = "the loss never rose again; raise --high"
    return Reading(rates, smooth, found, None if why_not else found["lrdecay"], why_not)
