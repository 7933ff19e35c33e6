"""What a schedule has done by the steps at which the loss is wanted, small enough to fit to.

Rates are in units of the peak, areas and steps in units of ``span`` updates, so that every law's parameters are of
order one. With r_k the rate of update k, 0-based, W the warmup and s updates made:

    area(s)  = sum of r_k, k < s                            what the model was driven by, the warmup's part included
    drop_k   = r_{k-1} - r_k, W < k < s                     negative where the rate rises again; none in the warmup
    since    = area(s) - area(k)                            what drove it after the drop
    progress(s) = sum of r_k^0.6, k < s                     see `lrdecay.losslaws.sublinear`

A smooth decay drops at every update. Drops are put together into blocks of equal total |drop|, cut wherever a loss is
wanted, so that a block lies wholly before or after it; a block stands at the |drop|-weighted mean of its area, rate and
step. 200 blocks move a prediction by less than 1e-4 of the loss (``tests/losslaws/test_exposure.py`` measures it).
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from lrdecay.losslaws.curve import FloatArray

__all__ = ["BLOCKS", "LOWEST", "PROGRESS", "Exposure", "exposure"]

BLOCKS = 200
"""Blocks of drops, besides the cuts where a loss is wanted."""

PROGRESS = 0.6
"""The power of the rate in `Exposure.progress`."""

LOWEST = 1e-3
"""Of the peak; rates below are taken for it where a law has a negative power of the rate."""


@frozen(eq=False)
class Exposure:
    """A schedule as laws see it, at n steps, with K blocks of drops.

    Attributes:
        area: sum of rates so far, shape (n,).
        progress: sum of rates to the power `PROGRESS` so far, shape (n,).
        drop: of each block, shape (K,).
        rate: after it, clamped at `LOWEST`, shape (K,).
        start: area at it, shape (K,).
        since: area after it, shape (n, K); 0 where the block lies ahead.
        age: steps after it, shape (n, K); 0 where it lies ahead.
        past: 1 where a block was before, 0 where it lies ahead, shape (n, K).
    """

    area: FloatArray
    progress: FloatArray
    drop: FloatArray = field(repr=False)
    rate: FloatArray = field(repr=False)
    start: FloatArray = field(repr=False)
    since: FloatArray = field(repr=False)
    age: FloatArray = field(repr=False)
    past: FloatArray = field(repr=False)


def exposure(
    rates: FloatArray, steps: ArrayLike, *, warmup: int, peak: float, span: float, blocks: int = BLOCKS
) -> Exposure:
    """What rates have done by some steps.

    Args:
        rates: of every update, shape (T,).
        steps: at which the loss is wanted, shape (n,), in [0, T].
        warmup: updates whose drops do not count.
        peak: the rate that is 1.
        span: updates at the peak that are an area of 1.
        blocks: of drops.
    """
    at = np.asarray(steps, dtype=np.int64)
    r = rates / peak
    area = np.concatenate(([0.0], np.cumsum(r))) / span
    progress = np.concatenate(([0.0], np.cumsum(r**PROGRESS))) / span
    drops = r[:-1] - r[1:]
    drops[: max(warmup, 0)] = 0.0
    where = np.flatnonzero(drops) + 1  # the update that is first made at the new rate
    size = drops[where - 1]
    edges = _edges(where, size, np.unique(at), blocks)
    mass = np.abs(size)
    total = np.add.reduceat(mass, edges) if len(where) else mass

    def mean(values: FloatArray) -> FloatArray:
        if not len(where):
            return values
        return np.asarray(np.add.reduceat(values * mass, edges) / total)

    start, place = mean(area[where]), mean(where.astype(np.float64)) / span
    first = where[edges] if len(where) else where
    past = (first[None, :] < at[:, None]).astype(np.float64)
    return Exposure(
        area=area[at],
        progress=progress[at],
        drop=np.add.reduceat(size, edges) if len(where) else size,
        rate=np.maximum(mean(r[where]), LOWEST),
        start=start,
        since=np.maximum(area[at][:, None] - start, 0.0) * past,
        age=np.maximum(at[:, None] / span - place, 0.0) * past,
        past=past,
    )


def _edges(where: FloatArray, size: FloatArray, cuts: FloatArray, blocks: int) -> FloatArray:
    """Where blocks begin, as indices of the drops."""
    if not len(where):
        return np.zeros(0, dtype=np.int64)
    mass = np.cumsum(np.abs(size))
    even = np.searchsorted(mass, mass[-1] * np.arange(blocks) / blocks, side="right")
    turns = np.flatnonzero(np.diff(np.sign(size))) + 1
    own = turns if len(turns) <= blocks else turns[:0]
    cut = np.searchsorted(where, cuts)  # a drop at step s is felt after it
    edges = np.unique(np.concatenate(([0], even, own, cut)))
    return np.asarray(edges[edges < len(where)], dtype=np.int64)
