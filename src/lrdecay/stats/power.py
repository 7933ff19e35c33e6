"""What a number of seeds can show: the smallest difference they find, and the seeds a difference takes.

A two-sided paired t test on n seeds at level 1 - α finds a true mean difference d with the power

    P(|T| > t(1 - α/2; n - 1)),   T noncentral t with n - 1 degrees of freedom and noncentrality d·√n / sd

(Student 1908; Owen 1965, Biometrika 52). `detectable` solves this for d, `seeds_needed` for the least n. Where several
schedules are compared with the best, α is the one of Holm's first step: 0.05 / (rows compared).
"""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, nct

from lrdecay.errors import Constraint, InputError, non_negative_int, refusal
from lrdecay.stats.intervals import fraction, t_quantile

__all__ = ["MOST_SEEDS", "detectable", "seeds_needed"]

MOST_SEEDS = 10_000
"""Beyond this nobody will go."""

_FAR = 1e4  # beyond this critical value nct loses its digits and the limit below has at least eight

_sd = Constraint("must be a number >= 0 or inf", lambda v: v >= 0)


def detectable(differences_sd: float, n: int, power: float = 0.8, level: float = 0.95) -> float:
    """Smallest true mean difference that a two-sided paired t test on n seeds detects with the given power.

    Solves P(|T| > t(1 - α/2; n - 1)) = power for the noncentrality δ = difference · √n / sd of T, which has the
    noncentral t distribution. The sd is taken as the true one; from few seeds it is itself a rough estimate.

    Args:
        differences_sd: standard deviation of the differences, >= 0; inf if unknown.
        n: seeds; below 2 the answer is inf.
        power: chance of detecting it, above 1 - level and below 1.
        level: 1 - the level of the test, in (0, 1).

    Raises:
        InputError: if an argument is out of range.

    >>> round(detectable(0.01, 5), 4)
    0.0168
    """
    _sd.check("detectable(differences_sd=...)", differences_sd)
    non_negative_int.check("detectable(n=...)", n)
    fraction.check("detectable(level=...)", level)
    fraction.check("detectable(power=...)", power)
    if power <= 1.0 - level:  # a test reaches this with no difference at all
        msg = refusal("detectable(power=...)", "must be above 1 - level", power, "Ask for 0.8, the usual choice.")
        raise InputError(msg)
    if n < 2 or math.isinf(differences_sd):
        return math.inf
    return _noncentrality(n, power, level) * (differences_sd / math.sqrt(n))


def seeds_needed(difference: float, differences_sd: float, power: float = 0.8, level: float = 0.95) -> int | None:
    """The fewest seeds with which a true mean difference of this size is found with the given power.

    The least n with `detectable` (sd, n) <= |difference|.

    Args:
        difference: the true mean difference; its sign does not matter.
        differences_sd: standard deviation of the differences, >= 0; inf if unknown.
        power: chance of detecting it, above 1 - level and below 1.
        level: 1 - the level of the test, in (0, 1).

    Returns:
        The seeds, at least 2; None for no difference, an unknown spread, or more than `MOST_SEEDS`.

    Raises:
        InputError: if an argument is out of range.

    >>> seeds_needed(0.0169, 0.01), seeds_needed(0.01, 0.01)
    (5, 10)
    """
    size = abs(difference)
    if not size or not detectable(differences_sd, MOST_SEEDS, power, level) <= size:
        return None
    low, high = 1, MOST_SEEDS  # too few, enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if detectable(differences_sd, middle, power, level) <= size else (middle, high)
    return high


@functools.lru_cache(maxsize=256)
def _noncentrality(n: int, power: float, level: float) -> float:
    """The noncentrality at which the two-sided t test on n values has this power."""
    critical = t_quantile(n, level)
    if critical > _FAR:  # T > critical is then W < δ/critical up to 1/δ², with W² = χ²(n - 1)/(n - 1)
        return critical * float(np.sqrt(chi2.ppf(power, n - 1) / (n - 1)))

    def excess(delta: float) -> float:  # P(T < -c; δ) is written P(T > c; -δ): scipy's lower tail can answer NaN
        return float(nct.sf(critical, n - 1, delta)) + float(nct.sf(critical, n - 1, -delta)) - power

    upper = critical + 1.0
    while excess(upper) < 0.0:
        upper *= 2.0
    return float(brentq(excess, 0.0, upper, xtol=1e-10))
