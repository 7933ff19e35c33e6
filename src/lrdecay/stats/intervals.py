"""Student's t interval on a mean, plain and on a log scale.

    mean ± t(1 - α/2; n - 1) · sd / √n,     α = 1 - level,     sd with n - 1 in the denominator

It covers the true mean in `level` of all studies when the values are independent draws of a normal distribution, for
any n >= 2 (Student 1908, "The probable error of a mean", Biometrika 6). Learning rates are positive and spread over
decades, so their interval is taken on log10 and given back in rates: an interval on the geometric mean.

One value says nothing about spread, so n = 1 gives the whole line, not a point and not an error: a table with one seed
can still be printed, and nothing in it looks certain. No values, and values that are not finite, are refused.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from attrs import Attribute, field, frozen
from numpy.typing import NDArray
from scipy.special import stdtrit

from lrdecay.errors import Constraint, InputError, argument, non_negative, refusal

__all__ = [
    "ROUNDING",
    "FloatArray",
    "Interval",
    "Numbers",
    "finite_sample",
    "fraction",
    "log10_t_interval",
    "mean",
    "moments",
    "quantisation_sd",
    "t_interval",
    "t_quantile",
]

FloatArray: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = Sequence[float] | FloatArray

ROUNDING = float(8 * np.finfo(np.float64).eps)
"""A spread below this share of the largest score is float rounding."""

fraction = Constraint(
    "must be strictly between 0 and 1",
    lambda v: isinstance(v, float) and 0 < v < 1,
    "Write 95% as 0.95.",
)


@frozen
class Interval:
    """A confidence interval ``[lo, hi]``, ends included; either end may be infinite.

    Raises:
        InputError: if an end is NaN, ``lo > hi``, or the level is not in (0, 1).
    """

    lo: float
    hi: float = field()
    level: float = field(default=0.95, validator=argument(fraction))  # share of studies whose interval holds the truth

    @hi.validator
    def _ordered(self, _attribute: Attribute[float], hi: float) -> None:
        if not self.lo <= hi:  # also catches NaN
            msg = refusal("Interval(lo=..., hi=...)", "must have lo <= hi", (self.lo, hi), "Swap the ends.")
            raise InputError(msg)

    def __contains__(self, value: float) -> bool:
        return self.lo <= value <= self.hi


def finite_sample(values: Numbers, call: str) -> FloatArray:
    """The values as a float64 array, shape (n,), n >= 1, all finite.

    Args:
        values: the numbers.
        call: how the caller is called, for the message: ``t_interval(values=...)``.

    Raises:
        InputError: if there are none, they are not numbers in one row, or one of them is not finite.
    """
    try:
        sample = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = refusal(call, "must be a flat sequence of numbers", values, "Give one number per seed.")
        raise InputError(msg) from error
    if sample.ndim != 1 or sample.size == 0:
        msg = refusal(call, "must hold at least one number, in one row", sample.shape, "That is the shape given.")
        raise InputError(msg)
    if not np.isfinite(sample).all():
        bad = float(sample[~np.isfinite(sample)][0])
        msg = refusal(call, "must be finite numbers", bad, "Leave diverged runs out, or report them apart.")
        raise InputError(msg)
    return sample


def moments(sample: FloatArray) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1) of finite numbers; the deviation is inf for n = 1.

    Both are computed in exact fractions and rounded once. So the order of the values does not matter, equal sums tie,
    equal values have a deviation of exactly 0, and squares of large or small values neither overflow nor vanish.
    """
    values = sample.tolist()
    if len(values) == 1:
        return values[0], math.inf
    try:
        deviation = statistics.stdev(values)
    except OverflowError:  # the deviation itself is beyond the largest float
        deviation = math.inf
    return statistics.mean(values), deviation


def mean(values: Numbers) -> float:
    """The arithmetic mean, rounded once; refuses values that `t_interval` refuses."""
    return moments(finite_sample(values, "mean(values=...)"))[0]


def t_quantile(n: int, level: float) -> float:
    """Half-width of a two-sided t interval in standard errors: t(1 - α/2; n - 1), for n >= 2 values."""
    return -float(stdtrit(n - 1, (1.0 - level) / 2.0))  # the lower tail keeps its digits where 1 - α/2 rounds to 1


def quantisation_sd(resolution: float) -> float:
    """Standard deviation of the rounding of a value known to a step of `resolution`: resolution/√12 (Sheppard 1898)."""
    return resolution / math.sqrt(12.0)


def t_interval(values: Numbers, level: float = 0.95, *, resolution: float = 0.0) -> Interval:
    """Student's t interval on the mean of the values, in their unit.

    Args:
        values: shape (n,), finite. n = 1 gives (-inf, inf).
        level: coverage, in (0, 1).
        resolution: smallest step of the values, >= 0, in their unit; the deviation used is at least resolution/√12.
            With 0, equal values give an interval of no width: pass the step where values are rounded or counted.

    Raises:
        InputError: if values are missing or not finite, or the level or resolution is out of range.

    >>> round(t_interval([0.90, 0.91, 0.92]).hi, 4)
    0.9348
    >>> t_interval([0.9])
    Interval(lo=-inf, hi=inf, level=0.95)
    """
    fraction.check("t_interval(level=...)", level)
    non_negative.check("t_interval(resolution=...)", resolution)
    sample = finite_sample(values, "t_interval(values=...)")
    centre, sd = moments(sample)
    n = sample.size
    if n == 1:
        return Interval(-math.inf, math.inf, level)
    half = t_quantile(n, level) * (max(sd, quantisation_sd(resolution)) / math.sqrt(n))
    return Interval(centre - half, centre + half, level)


def log10_t_interval(rates: Numbers, level: float = 0.95, *, resolution: float = 0.0) -> Interval:
    """Student's t interval on log10 of the rates, given back in rates: an interval on the geometric mean.

    Args:
        rates: shape (n,), finite and positive. n = 1 gives (0, inf), all the rates there are.
        level: coverage, in (0, 1).
        resolution: smallest step between two rates in decades, >= 0, such as the spacing of a grid of rates.

    Raises:
        InputError: if rates are missing, not finite or not positive, or the level or resolution is out of range.

    >>> interval = log10_t_interval([0.01, 0.1, 1.0])
    >>> round(interval.lo * interval.hi, 12)  # symmetric about 0.1 on the log scale
    0.01
    """
    sample = finite_sample(rates, "log10_t_interval(rates=...)")
    if not (sample > 0).all():
        bad = float(sample[sample <= 0][0])
        msg = refusal("log10_t_interval(rates=...)", "must be positive", bad, "A rate of 0 has no logarithm.")
        raise InputError(msg)
    fraction.check("log10_t_interval(level=...)", level)
    non_negative.check("log10_t_interval(resolution=...)", resolution)
    on_log = t_interval(np.log10(sample), level, resolution=resolution)
    return Interval(_power_of_ten(on_log.lo), _power_of_ten(on_log.hi), level)


def _power_of_ten(exponent: float) -> float:
    """10**exponent; inf beyond the largest float instead of an exception."""
    return 10.0**exponent if exponent < 308.0 else math.inf
