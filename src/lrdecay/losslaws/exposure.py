"""What a schedule has done by the steps at which the loss is wanted, small enough to fit to.

Rates are in units of the peak, areas and steps in units of ``span`` updates, so that every law's parameters are of
order one. With r_k the rate of update k, 0-based, W the warmup and s updates made:

    area(s)     = Σ r_k,   k < s                     what drove the model, in the warmup too
    progress(s) = Σ r_k^p, k < s                     the same with a power, for laws that have one
    drop_k      = r_{k-1} - r_k,   W < k < s         negative where the rate rises again; none in the warmup
    since_k(s)  = area(s) - area(k)                  what drove it after the drop
    fallen_k    = r_{k-1}^a - r_k^a                  a drop in a power of the rate

A smooth decay drops at every update. Drops are put together into blocks of equal total |drop|, cut wherever a loss is
wanted, so that a block lies wholly before or after it; a block stands at the |drop|-weighted mean of its area, rate and
step. Powers of rates are summed over as many stretches of equal length, at each one's mean rate.
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from lrdecay.losslaws.curve import FloatArray, IntArray

__all__ = ["BLOCKS", "LOWEST", "Exposure", "exposure"]

BLOCKS = 200
"""Blocks of drops and stretches of powers, besides the cuts where a loss is wanted."""

LOWEST = 1e-3
"""Of the peak; rates below are taken for it where a law has a negative power of the rate."""

_NONE = 1e-9
"""Of the peak; a rate below is none, where a power of it has a derivative."""


@frozen(eq=False)
class Exposure:
    """A schedule as laws see it, at n steps, with K blocks of drops and M stretches.

    Attributes:
        area: sum of rates so far, shape (n,).
        drop: of each block, shape (K,).
        high: rate before it, shape (K,).
        low: rate after its last drop, shape (K,).
        rate: after it, clamped at `LOWEST`, shape (K,).
        start: area at it, shape (K,).
        since: area after it, shape (n, K); 0 where the block lies ahead.
        age: steps after it, shape (n, K); 0 where it lies ahead.
        past: 1 where a block was before, 0 where it lies ahead, shape (n, K).
        level: mean rate of a stretch, at least 1e-9, shape (M,).
        length: steps of a stretch, shape (M,).
        upto: stretches that were before, shape (n,).
    """

    area: FloatArray
    drop: FloatArray = field(repr=False)
    high: FloatArray = field(repr=False)
    low: FloatArray = field(repr=False)
    rate: FloatArray = field(repr=False)
    start: FloatArray = field(repr=False)
    since: FloatArray = field(repr=False)
    age: FloatArray = field(repr=False)
    past: FloatArray = field(repr=False)
    level: FloatArray = field(repr=False)
    length: FloatArray = field(repr=False)
    upto: IntArray = field(repr=False)

    def progress(self, exponent: float) -> tuple[FloatArray, FloatArray]:
        """Σ r^p so far and its derivative by p, each of shape (n,)."""
        made = self.length * self.level**exponent
        total = np.concatenate(([0.0], np.cumsum(made)))
        slope = np.concatenate(([0.0], np.cumsum(made * np.log(self.level))))
        return total[self.upto], slope[self.upto]

    def fallen(self, exponent: float) -> tuple[FloatArray, FloatArray]:
        """r^a before a block less r^a after it, exact however many drops it holds, and its derivative by a; (K,)."""
        high, low = np.maximum(self.high, _NONE) ** exponent, np.maximum(self.low, _NONE) ** exponent
        slope = high * np.log(np.maximum(self.high, _NONE)) - low * np.log(np.maximum(self.low, _NONE))
        return high - low, slope


def exposure(
    rates: FloatArray, steps: ArrayLike, *, warmup: int, peak: float, span: float, blocks: int = BLOCKS
) -> Exposure:
    """What rates have done by some steps.

    Args:
        rates: of every update, shape (T,).
        steps: at which the loss is wanted, shape (n,), in [1, T].
        warmup: updates whose drops do not count.
        peak: the rate that is 1.
        span: updates at the peak that are an area of 1.
        blocks: of drops, and stretches.
    """
    at = np.asarray(steps, dtype=np.int64)
    r = rates / peak
    area = np.concatenate(([0.0], np.cumsum(r))) / span
    drops = r[:-1] - r[1:]
    drops[: max(warmup, 0)] = 0.0
    where = np.flatnonzero(drops) + 1  # the update that is first made at the new rate
    size = drops[where - 1]
    mass = np.abs(size)
    edges = _edges(where, size, np.unique(at), blocks)
    total = np.add.reduceat(mass, edges) if len(where) else mass

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(values * mass, edges) / total) if len(where) else values

    start, place, first = mean(area[where]), mean(where.astype(np.float64)) / span, where[edges]
    past = (first[None, :] < at[:, None]).astype(np.float64)
    cuts = np.unique(np.concatenate((np.arange(blocks) * len(r) // blocks, at)))
    cuts = cuts[cuts < len(r)]
    length = np.diff(np.append(cuts, len(r)))
    return Exposure(
        area=area[at],
        drop=np.add.reduceat(size, edges) if len(where) else size,
        high=r[first - 1],
        low=r[where[np.append(edges[1:], len(where)) - 1]] if len(where) else size,
        rate=np.maximum(mean(r[where]), LOWEST),
        start=np.maximum(start, 1e-9),
        since=np.maximum(area[at][:, None] - start, 0.0) * past,
        age=np.maximum(at[:, None] / span - place, 0.0) * past,
        past=past,
        level=np.maximum(np.add.reduceat(r, cuts) / length, _NONE),
        length=length / span,
        upto=np.searchsorted(cuts, at),
    )


def _edges(where: IntArray, size: FloatArray, cuts: IntArray, blocks: int) -> IntArray:
    """Where blocks begin, as indices of the drops."""
    if not len(where):
        return np.zeros(0, dtype=np.int64)
    mass = np.cumsum(np.abs(size))
    even = np.searchsorted(mass, mass[-1] * np.arange(blocks) / blocks, side="right")
    turns = np.flatnonzero(np.diff(np.sign(size))) + 1
    own = turns if len(turns) <= blocks else turns[:0]
    edges = np.unique(np.concatenate(([0], even, own, np.searchsorted(where, cuts))))
    return np.asarray(edges[edges < len(where)], dtype=np.int64)
