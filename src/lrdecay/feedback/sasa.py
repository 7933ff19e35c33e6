"""SASA+: drop the rate when a statistic of the weights' motion cannot be told from its value at stationarity.

An optimizer that moves the weights by x(k+1) = x(k) - α d(k), d(k) being any direction, momentum and weight decay
included, is stationary only if

    E[Δ(k)] = 0,      Δ(k) = <x(k+1), d(k)> + α/2 · |d(k)|² = (|x(k)|² - |x(k+1)|²) / (2 α)

The last form is algebra: the mean of Δ over a stretch is how much |x|²/(2α) fell over it, per update. So what SASA+
tests is whether the weight norm still drifts. It follows that Δ is a difference of a bounded series once the run is
stationary, whose batch means vary less than their number says: the interval below is then too wide, not too narrow.

Of the n values since the last drop the last 1/leak are kept (`lrdecay.feedback.leaky`, whose state is bounded). At
every ``test_every``-th observation, if more than ``least`` are kept, with mean m, error s and k degrees of freedom:

    interval   m ± t(1 - significance/2; k) · s
    stationary if it holds 0, and the means of the older and of the newer half have the same sign;
    before the first drop: if both halves' means, each with that same half-width, hold 0, and have the same sign

Then the rate is multiplied by ``factor`` and the bucket emptied.

Source: Zhang, Lang, Liu, Xiao 2020, Statistical adaptive stochastic gradient methods, arXiv:2002.10597. The statistic,
1/8, 1000, 100, .05 and 1/10 are the paper's; the conditions on halves are of the authors' code (statopt 0.2, which has
them with the half-width of the whole), and ``halves=False`` leaves them out. What differs from statopt:

* Its default ``var_mode='mb'`` falls through to the variance of independent values; a nominal 95% interval then covers
  in about a third of series with autocorrelation .9. Here ``variance`` is "bm" or "olbm", and no word falls through.
* Its degrees of freedom are the size of a batch less one; here, the number of batches less one. Its batches are of √N
  values; here of N^(2/3), which ``exponent`` says (`lrdecay.feedback.leaky` says why).
* It sets the momentum to zero at a drop. A rule does not touch the optimizer.
* The 1/leak are kept to within a cell; see `lrdecay.feedback.leaky`.
"""

from __future__ import annotations

from typing import Any, final

from attrs import field

from lrdecay.errors import Constraint, argument, factor_in_unit_interval, one_of, positive_int, true_or_false
from lrdecay.feedback.leaky import EXPONENT, VARIANCES, empty, estimate, held, poured, usable
from lrdecay.feedback.rule import Decision, Observation, Rule, State, rule
from lrdecay.feedback.student import two_sided
from lrdecay.schedule.base import durations_field, number

__all__ = ["sasa"]

_share = Constraint("must be strictly between 0 and 1", lambda v: isinstance(v, float) and 0 < v < 1)
_enough = Constraint("must be an integer >= 100", lambda v: type(v) is int and v >= 100)


@final
@rule
class sasa(Rule):  # noqa: N801
    """SASA+ (Zhang et al. 2020, arXiv:2002.10597); the module has the test.

    Reads "stationarity", Δ(k), once per update; values that are not finite are passed over. A series in which nothing
    moves at all, all Δ = 0, is not called stationary.

    Attributes:
        factor: what a drop multiplies the rate by, in (0, 1].
        significance: 1 - the level of the interval, in (0, 1).
        leak: the last 1/leak of the values since the last drop are tested.
        least: no test unless more values than this are kept, >= 100; with leak = 8 the first comes after 8 times as
            many updates.
        test_every: observations between tests.
        variance: "bm", "olbm", or "iid", which is wrong for correlated values.
        exponent: a batch is of about N to this power, in (0, 1).
        halves: whether the halves must agree.
    """

    factor: float = field(default=0.1, converter=number, validator=argument(factor_in_unit_interval))
    significance: float = field(default=0.05, converter=number, validator=argument(_share))
    leak: int = field(default=8, validator=argument(positive_int))
    least: int = field(default=1000, validator=argument(_enough))
    test_every: int = field(default=100, validator=argument(positive_int))
    variance: str = field(default="bm", validator=argument(one_of(VARIANCES)))
    exponent: float = field(default=EXPONENT, converter=number, validator=argument(_share))
    halves: bool = field(default=True, validator=argument(true_or_false))
    every: Any = durations_field(default=None)

    @property
    def needs(self) -> frozenset[str]:
        """Δ of each update."""
        return frozenset({"stationarity"})

    def begin(self) -> State:
        """An empty bucket, how many observations there were, and whether there was a drop."""
        return {"bucket": empty(), "seen": 0, "dropped": False}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Pour it in; drop if a test is due and finds stationarity."""
        value = seen.values["stationarity"]
        if not usable(value):
            return Decision(multiplier, own)
        bucket, count = poured(own["bucket"], value, self.leak), own["seen"] + 1
        after = {"bucket": bucket, "seen": count, "dropped": own["dropped"]}
        if count % self.test_every or held(bucket) <= self.least:
            return Decision(multiplier, after)
        found = estimate(bucket, self.variance, self.exponent)
        half = two_sided(self.significance, found.dof) * found.error
        means = (found.mean,) if own["dropped"] or not self.halves else (found.older, found.newer)
        agree = not self.halves or found.older * found.newer > 0
        if not agree or not all(-half < mean < half for mean in means):
            return Decision(multiplier, after)
        why = (
            f"stationary: the mean of the last {found.count} of {bucket['poured']} is {found.mean:.3g} ± {half:.3g} "
            f"({self.variance}, {1 - self.significance:.4g})"
        )
        return Decision(multiplier * self.factor, {"bucket": empty(), "seen": count, "dropped": True}, why)
