"""The refined schedule from a log: its gradient norms, filled in; the rates; the same with few knots; the bound's own.

The formula is `lrdecay.feedback.refined`: w_t from the median-filtered norms, η_t ∝ w_t Σ_{p>t} w_p. Around it stand

    logged_norms     norms logged every so many steps, one per update: straight between those logged, the first and the
                     last held beyond them. The norm at step s is that of update s - 1, which led there.
    refined_rates    the formula's array, shape (T,), largest 1
    few_knots        an array as a schedule: ramps between some of its own points, in `tolerance` of the largest rate
    minimised_rates  the numerical variant: what the convex bound itself calls best for these norms

Source: Defazio, Cutkosky, Mehta, Mishchenko, 2023, arXiv:2310.07831; written from the paper.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from lrdecay.errors import InputError, factor_in_unit_interval, positive, positive_int, refusal
from lrdecay.feedback.refined import median_filtered, refined
from lrdecay.losslaws.convex_bound import best_base_rate, bound, bound_gradient
from lrdecay.losslaws.curve import FloatArray, IntArray
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.families_listed import ramp
from lrdecay.schedule.horizon import Horizon

__all__ = ["few_knots", "knots", "logged_norms", "minimised_rates", "refined_rates"]

_LOWEST = 1e-8  # of the largest rate, in the search: below is zero
_MOST = 500  # iterations of it


def logged_norms(steps: ArrayLike, norms: ArrayLike, total: int) -> FloatArray:
    """Norms of every update, shape (total,), from those that a run logged.

    Args:
        steps: at which they were logged, shape (n,), rising, in [1, total].
        norms: shape (n,), finite and >= 0.
        total: updates of the run.

    Raises:
        InputError: one of these does not hold.

    >>> logged_norms([2, 4], [3.0, 1.0], total=6).tolist()
    [3.0, 3.0, 2.0, 1.0, 1.0, 1.0]
    """
    positive_int.check("logged_norms(total=...)", total)
    at, g = np.asarray(steps), np.asarray(norms, dtype=np.float64)
    if not (at.ndim == 1 and at.size and at.shape == g.shape and (np.diff(at) > 0).all()):
        raise InputError(refusal("logged_norms(steps=...)", "must rise, one step for each norm", steps))
    if not (at[0] >= 1 and at[-1] <= total):
        raise InputError(refusal("logged_norms(steps=...)", f"must lie in 1 to {total}", [int(at[0]), int(at[-1])]))
    if not (np.isfinite(g).all() and (g >= 0).all()):
        raise InputError(refusal("logged_norms(norms=...)", "must be finite and >= 0", norms))
    return np.asarray(np.interp(np.arange(1, total + 1), at, g))


def refined_rates(
    gradient_norms: ArrayLike, optimizer: str = "sgd", *, width: float = 0.1, wasted: bool = False
) -> FloatArray:
    """The refined schedule's rates, shape (T,), the largest 1; arguments as of `lrdecay.feedback.refined.refined`.

    Raises:
        InputError: as there.

    >>> refined_rates([2.0, 2.0, 2.0, 2.0]).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    schedule = refined(gradient_norms, 1.0, optimizer, width=width, wasted=wasted)
    return schedule.bind(Horizon(steps=np.size(gradient_norms))).values()


def few_knots(rates: ArrayLike, peak: float = 1.0, *, tolerance: float = 0.01) -> Schedule:
    """A run's rates as ramps between some of them, the largest at ``peak``; after the last one the rate is 0.

    Where the rates are furthest from the ramps a knot is added (Ramer 1972; Douglas and Peucker 1973), until none is
    further than ``tolerance``.

    Args:
        rates: shape (T,), above 0; the last one may be 0.
        peak: what the largest is to be, > 0.
        tolerance: of the largest rate, in (0, 1].

    Raises:
        InputError: one of these does not hold.

    >>> few_knots([1.0, 0.75, 0.5, 0.25], peak=0.1)
    ramp(0.1, end=0.0, over=4)
    """
    given = np.asarray(rates, dtype=np.float64)
    positive.check("few_knots(peak=...)", peak)
    factor_in_unit_interval.check("few_knots(tolerance=...)", tolerance)
    listed = given.ndim == 1 and given.size > 0 and bool(np.isfinite(given).all())
    if not (listed and (given[:-1] > 0).all() and given[-1] >= 0 and given.max() > 0):
        raise InputError(refusal("few_knots(rates)", "must be finite and above 0; the last one may be 0", rates))
    curve = given / given.max() if given[-1] == 0 else np.append(given / given.max(), 0.0)
    at = knots(curve, tolerance)
    heights = [float(f"{peak * h:.6g}") for h in curve[at]]
    lengths = np.diff(at).tolist()
    return reduce(add, [ramp(a, b, over=n) for a, b, n in zip(heights, heights[1:], lengths, strict=False)])


def minimised_rates(gradient_norms: ArrayLike, distance: float = 1.0, *, width: float = 0.1) -> FloatArray:
    """The rates that the convex bound calls best for these norms, absolute, shape (T,).

    The search is L-BFGS-B over the logarithms of the rates, from the refined schedule at its best base rate, with the
    bound's own gradient; the norms are median-filtered before. What it finds is never worse by the bound than its
    start, and is a minimum near it, for the bound is not convex in the rates.

    Args:
        gradient_norms: of every update, shape (T,), as for `refined_rates` of "sgd".
        distance: D of the bound, > 0; the rates grow with it.
        width: of the median filter, as a share of T, in (0, 1].

    Raises:
        InputError: as for `refined_rates` and `lrdecay.losslaws.convex_bound.bound`.
    """
    start = refined_rates(gradient_norms, width=width)
    smooth = median_filtered(np.asarray(gradient_norms, dtype=np.float64), 2 * int(width * len(start) / 2) + 1)
    start = start * best_base_rate(start, smooth, distance).rate
    scale, level = float(start.max()), bound(start, smooth, distance)

    def of(u: FloatArray) -> tuple[float, FloatArray]:
        tried = scale * np.exp(u)
        slope = bound_gradient(tried, smooth, distance) * tried
        return bound(tried, smooth, distance) / level, slope / level

    low = float(np.log(_LOWEST))
    u = np.log(np.maximum(start / scale, _LOWEST))
    fine = {"maxiter": _MOST, "maxfun": 2 * _MOST, "gtol": 1e-3 / len(u), "ftol": 1e-12}
    found = minimize(of, u, jac=True, method="L-BFGS-B", bounds=[(low, None)] * len(u), options=fine)
    return np.asarray(scale * np.exp(found.x)) if found.fun < 1 else start


def knots(curve: FloatArray, tolerance: float) -> IntArray:
    """Indices of the ends, and of others until straight lines between them are within ``tolerance`` of the curve."""
    kept, open_parts = {0, len(curve) - 1}, [(0, len(curve) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        line = np.linspace(curve[first], curve[last], last - first + 1)
        off = np.abs(curve[first : last + 1] - line)
        furthest = first + int(np.argmax(off))
        if off[furthest - first] > tolerance:
            kept.add(furthest)
            open_parts += [(first, furthest), (furthest, last)]
    return np.array(sorted(kept), dtype=np.int64)
