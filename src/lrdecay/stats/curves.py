"""Learning curves over seeds: the mean with a band at every mark, and the paired difference of two curves.

A curve is a metric measured at marks along a run (updates made by then). At each mark the band is Student's t interval
over the seeds (see `lrdecay.stats.intervals`), so it holds the mean curve at that mark in `level` of all studies; it is
not a band for the whole curve at once, and not the range of the seeds. The difference of two curves is taken seed by
seed, so that what a seed does to both cancels: two wide bands that overlap may hide a difference that is plain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from lrdecay.errors import InputError, at_least_one, non_negative, refusal
from lrdecay.stats.intervals import FloatArray, fraction, quantisation_sd, t_quantile

__all__ = ["Band", "Curve", "band", "common_marks", "difference_band"]

Curve = tuple[ArrayLike, ArrayLike]
"""Marks (updates made, rising) and the metric there; both of shape (k,)."""


@frozen(eq=False)
class Band:
    """A mean over seeds at marks, with an interval at each; arrays of shape (k,)."""

    marks: FloatArray  # updates made
    mean: FloatArray
    lo: FloatArray  # -inf with one seed
    hi: FloatArray  # inf with one seed
    n: int = field()  # seeds


def common_marks(curves: Sequence[Curve], call: str = "common_marks(curves=...)") -> tuple[FloatArray, FloatArray]:
    """The marks that all curves have with a finite value, shape (k,), and the values there, shape (curves, k).

    Raises:
        InputError: there are no curves, or marks and values of one differ in length or are not in one row.
    """
    at_least_one.check(call, curves)
    known: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for marks, values in curves:
        x, y = np.asarray(marks, dtype=np.float64), np.asarray(values, dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1:
            msg = refusal(call, "must have one value for each mark", (x.shape, y.shape), "These are the shapes.")
            raise InputError(msg)
        finite = np.isfinite(y)
        known.append((x[finite], y[finite]))
    common = known[0][0]
    for x, _ in known[1:]:
        common = np.intersect1d(common, x)
    return common, np.array([y[np.searchsorted(x, common)] for x, y in known])


def band(curves: Sequence[Curve], level: float = 0.95, *, resolution: float = 0.0) -> Band:
    """The mean curve over seeds and its t interval, at the marks that all seeds have.

    Args:
        curves: one per seed.
        level: coverage at each mark, in (0, 1).
        resolution: smallest step of the metric, >= 0, in its unit; the sd used is at least resolution/√12.

    Raises:
        InputError: there are no curves, one is malformed, or an argument is out of range.

    >>> b = band([([10, 20], [0.90, 0.95]), ([10, 20], [0.91, 0.95]), ([10, 20], [0.92, 0.95])])
    >>> b.mean.round(3).tolist(), b.hi.round(4).tolist()
    ([0.91, 0.95], [0.9348, 0.95])
    """
    fraction.check("band(level=...)", level)
    non_negative.check("band(resolution=...)", resolution)
    marks, table = common_marks(curves, "band(curves=...)")
    return _band(marks, table, level, resolution)


def difference_band(
    ours: Sequence[Curve], theirs: Sequence[Curve], level: float = 0.95, *, resolution: float = 0.0
) -> Band:
    """Ours minus theirs, seed by seed, at the marks that all curves have.

    Args:
        ours: one curve per seed.
        theirs: one curve per seed, the same seeds in the same order.
        level: coverage at each mark, in (0, 1).
        resolution: smallest step of the metric, >= 0.

    Raises:
        InputError: the numbers of curves differ, or what `band` refuses.
    """
    fraction.check("difference_band(level=...)", level)
    non_negative.check("difference_band(resolution=...)", resolution)
    if len(ours) != len(theirs):
        sizes = (len(ours), len(theirs))
        msg = refusal("difference_band(ours=..., theirs=...)", "must have one curve per seed in both", sizes)
        raise InputError(msg)
    marks, table = common_marks([*ours, *theirs], "difference_band(ours=...)")
    return _band(marks, table[: len(ours)] - table[len(ours) :], level, resolution)


def _band(marks: FloatArray, table: FloatArray, level: float, resolution: float) -> Band:
    """The t interval of each column; with one seed the whole line."""
    n = len(table)
    mean = table.mean(axis=0)
    if n == 1:
        return Band(marks, mean, np.full_like(mean, -math.inf), np.full_like(mean, math.inf), n)
    sd = np.maximum(table.std(axis=0, ddof=1), quantisation_sd(resolution))
    half = t_quantile(n, level) * sd / math.sqrt(n)
    return Band(marks, mean, mean - half, mean + half, n)
