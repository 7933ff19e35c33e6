"""An effect in steps: how many updates one schedule needs to get where another one ends.

For learning curves A and B of the same seeds (a held-out metric at marks along the runs), the gain of A at u updates is

    g_s(u) = A_s(u) - B_s(T_B)        on seed s, larger being better, A_s linear between marks

and u* is where its mean over seeds crosses zero: A has then reached the value B has at its end, T_B updates.

* The **estimate** crosses zero on the least-squares rising fit of the mean gain (isotonic regression; Ayer et al.
  1955). A running best is not used: it takes the luckiest of all marks, and so claims to be early where curves are
  noisy.
* The **interval** inverts the paired t test (as Fieller 1954 does for a ratio): it spans every u at which the t
  interval of the mean gain holds zero, so it holds u* in `level` of all studies. Its upper end is infinite if at
  A's end its lead is not beyond doubt, its lower end is 0 if A may have been there before its first mark.
* **Per seed** the same crossing of the seed's own fit; None where A never reaches B's final value on that seed: such a
  seed is counted and stays in the mean, it is not dropped.

All are given in units of T_B too: "0.72x the updates".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import frozen
from scipy.optimize import isotonic_regression

from lrdecay.errors import InputError, at_least_one, non_negative, refusal
from lrdecay.stats.curves import Curve, common_marks
from lrdecay.stats.intervals import FloatArray, Interval, fraction, quantisation_sd, t_quantile

__all__ = ["StepsSaved", "steps_saved"]

_POINTS = 2001  # places along A's run at which the test is made


@frozen
class StepsSaved:
    """How many updates A needs to reach B's final value."""

    updates: float | None  # None: A's mean curve never reaches it
    of: int  # B's updates
    interval: (
        Interval | None
    )  # in updates, within [0, inf]; both inf if A never gets there, beyond doubt; None with one seed
    per_seed: tuple[float | None, ...]  # in updates; None: censored

    @property
    def ratio(self) -> float | None:
        """Updates of A per update of B; below 1 is saved."""
        return None if self.updates is None else self.updates / self.of

    @property
    def ratio_interval(self) -> Interval | None:
        """The interval of the ratio."""
        if self.interval is None:
            return None
        return Interval(self.interval.lo / self.of, self.interval.hi / self.of, self.interval.level)

    @property
    def reached(self) -> int:
        """On how many seeds A reaches B's final value."""
        return sum(u is not None for u in self.per_seed)


def steps_saved(
    ours: Sequence[Curve],
    theirs: Sequence[Curve],
    *,
    higher_is_better: bool,
    level: float = 0.95,
    resolution: float = 0.0,
) -> StepsSaved:
    """The updates at which our curves reach the final value of theirs, paired by seed.

    Args:
        ours: A's curves, one per seed: marks (updates made, rising) and the metric there.
        theirs: B's curves, the same seeds in the same order; only their last marks are used.
        higher_is_better: True for an accuracy, False for a loss.
        level: coverage of the interval, in (0, 1).
        resolution: smallest step of the metric, >= 0, in its unit.

    Raises:
        InputError: the numbers of curves differ or are 0, B's runs end at different updates, our curves have no mark in
            common, or an argument is out of range.

    >>> ours = [([10, 20, 30, 40], [0.9, 0.5, 0.3, 0.2]), ([10, 20, 30, 40], [1.0, 0.6, 0.4, 0.3])]
    >>> theirs = [([10, 40], [1.0, 0.40]), ([10, 40], [1.2, 0.51])]
    >>> s = steps_saved(ours, theirs, higher_is_better=False)
    >>> round(s.ratio, 2), [round(u, 1) for u in s.per_seed]
    (0.62, [25.0, 24.5])
    """
    fraction.check("steps_saved(level=...)", level)
    non_negative.check("steps_saved(resolution=...)", resolution)
    at_least_one.check("steps_saved(ours=...)", ours)
    if len(ours) != len(theirs):
        sizes = (len(ours), len(theirs))
        msg = refusal("steps_saved(ours=..., theirs=...)", "must have one curve per seed in both", sizes)
        raise InputError(msg)
    marks, table = common_marks(ours, "steps_saved(ours=...)")
    ends, finals = common_marks(theirs, "steps_saved(theirs=...)")
    if not marks.size or not ends.size:
        rule = "must have a mark that all seeds have"
        msg = refusal("steps_saved(ours=..., theirs=...)", rule, (marks.size, ends.size), "Measure all at one step.")
        raise InputError(msg)
    last = {float(np.asarray(x, dtype=np.float64)[-1]) for x, _ in theirs}
    if last != {float(ends[-1])}:
        msg = refusal("steps_saved(theirs=...)", "must end at the same update on every seed", sorted(last))
        raise InputError(msg)
    sign = 1.0 if higher_is_better else -1.0
    gains = sign * (table - finals[:, -1:])
    interval = _interval(marks, gains, level, quantisation_sd(resolution)) if len(ours) > 1 else None
    return StepsSaved(
        _crossing(marks, gains.mean(axis=0)), round(ends[-1]), interval, tuple(_crossing(marks, g) for g in gains)
    )


def _crossing(marks: FloatArray, gain: FloatArray) -> float | None:
    """Where the rising fit of a gain reaches zero, linear between marks; the first mark at the earliest."""
    fit = isotonic_regression(gain).x
    there = np.flatnonzero(fit >= 0.0)
    if not there.size:
        return None
    i = int(there[0])
    if i == 0:
        return float(marks[0])
    share = -fit[i - 1] / (fit[i] - fit[i - 1])
    return float(marks[i - 1] + share * (marks[i] - marks[i - 1]))


def _interval(marks: FloatArray, gains: FloatArray, level: float, least_sd: float) -> Interval:
    """From the first to the last u at which the t interval of the mean gain holds zero.

    Before the first mark nothing is known: where the gain is already above zero there, the lower end is 0.
    """
    at = np.union1d(np.linspace(marks[0], marks[-1], _POINTS), marks)
    table = np.array([np.interp(at, marks, g) for g in gains])
    mean = table.mean(axis=0)
    half = t_quantile(len(gains), level) * np.maximum(table.std(axis=0, ddof=1), least_sd) / math.sqrt(len(gains))
    maybe, not_sure = np.flatnonzero(mean + half >= 0.0), np.flatnonzero(mean - half <= 0.0)
    if not maybe.size:  # never reached, beyond doubt
        return Interval(math.inf, math.inf, level)
    lo = 0.0 if maybe[0] == 0 else float(at[maybe[0] - 1])  # the ends are rounded outward
    if not not_sure.size:  # there already at the first mark, beyond doubt
        return Interval(lo, float(marks[0]), level)
    last = int(not_sure[-1])
    return Interval(lo, math.inf if last == len(at) - 1 else float(at[last + 1]), level)
