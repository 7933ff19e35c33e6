"""GreedyLR: raise the rate while the metric improves, lower it while it does not.

    good, bad: observations in a row that improved on the best by more than the threshold, or did not
    good > patience:  m = min(high, m / factor), then `warmup` observations are not judged
    bad > patience:   m = max(low, m · factor),  then `cooldown` observations are not judged
    after `reset` lowerings that found m at `low`: m = 1 and everything starts anew

Source: GreedyLR, arXiv:2512.14527; the semantics are those of ``transformers.GreedyLR`` 5.23, drop for drop. What
differs, on purpose:

* low and high are shares of the schedule. There they are rates, and the default floor of 1e-3 stands above the rates
  AdamW is tuned with: a rate of 5e-5 is never lowered. Here low = 0.01, and high = 1: never above the schedule.
* A value that is not finite is not better, as there; but there a single nan poisons the smoothed metric for ever, and
  minus infinity is the best for ever. Here neither enters the mean, and no infinity is a best.
* With ``relative=True`` the threshold is a share of the best's size; there, of its value, so that a negative metric
  improves by standing still.
* ``least`` (its eps) is a change of the multiplier, not of the rate.
* ``reset`` counts lowerings at the floor, as there, although its docstring says steps.
"""

from __future__ import annotations

import math
from typing import Any, final

from attrs import field

from lrdecay.errors import (
    Constraint,
    InputError,
    argument,
    factor_in_unit_interval,
    non_negative,
    non_negative_int,
    positive_int,
    refusal,
    true_or_false,
)
from lrdecay.feedback.rule import Decision, Observation, Rule, State, better, goal, metric_field, rule
from lrdecay.schedule.base import durations_field, number

__all__ = ["greedy"]

_factor = Constraint("must be strictly between 0 and 1", lambda v: isinstance(v, float) and 0 < v < 1)
_high = Constraint("must be a number >= 1", lambda v: isinstance(v, float) and 1 <= v < math.inf)
_window = Constraint(
    "must be None or an integer from 1 to 10000", lambda v: v is None or (type(v) is int and 0 < v <= 10**4)
)


@final
@rule
class greedy(Rule):  # noqa: N801
    """GreedyLR (arXiv:2512.14527), with bounds relative to the schedule; the module says what differs.

    Attributes:
        metric: the name of what is observed.
        goal: "min" or "max".
        factor: what lowering multiplies the rate by, and raising divides it by, in (0, 1).
        patience: judged observations in a row before the rate moves; it moves at the one after.
        threshold: an improvement is more than this, >= 0.
        relative: whether the threshold is a share of the best.
        cooldown: observations not judged after a lowering.
        warmup: observations not judged after a raising.
        low: the least multiplier, in (0, 1].
        high: the largest multiplier, >= 1.
        least: no smaller change of the multiplier is made, >= 0.
        window: the mean of so many latest values is judged; None: each value. The state holds as many.
        reset: lowerings at the floor before everything starts anew.
    """

    metric: str = metric_field(default="loss")
    goal: str = field(default="min", validator=argument(goal))
    factor: float = field(default=0.95, converter=number, validator=argument(_factor))
    patience: int = field(default=10, validator=argument(non_negative_int))
    threshold: float = field(default=1e-6, converter=number, validator=argument(non_negative))
    relative: bool = field(default=False, validator=argument(true_or_false))
    cooldown: int = field(default=0, validator=argument(non_negative_int))
    warmup: int = field(default=0, validator=argument(non_negative_int))
    low: float = field(default=0.01, converter=number, validator=argument(factor_in_unit_interval))
    high: float = field(default=1.0, converter=number, validator=argument(_high))
    least: float = field(default=1e-8, converter=number, validator=argument(non_negative))
    window: int | None = field(default=None, validator=argument(_window))
    reset: int = field(default=500, validator=argument(positive_int))
    every: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """A relative threshold leaves something to improve."""
        if self.relative and self.threshold >= 1:
            msg = refusal("greedy(threshold=...)", "must be below 1 where it is relative", self.threshold)
            raise InputError(msg)

    @property
    def needs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """Best value, counters, observations still to be passed over, and the latest values where they are averaged."""
        counters = {"good": 0, "bad": 0, "cooldown": 0, "warmup": 0, "left": self.reset}
        return {"best": None, **counters, "values": [], "sum": 0.0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Count it as good or bad, and move the rate once there were enough."""
        own, value = self._smoothed(own, seen.values[self.metric])
        for waiting in ("cooldown", "warmup"):
            if own[waiting] > 0:
                return Decision(multiplier, {**own, waiting: own[waiting] - 1, "good": 0, "bad": 0})
        if self._improves(value, own["best"]):
            own = {**own, "best": value, "bad": 0, "good": own["good"] + 1}
        else:
            own = {**own, "bad": own["bad"] + 1, "good": 0}
        if own["good"] > self.patience:
            return self._raised(own, multiplier)
        return self._lowered(own, multiplier) if own["bad"] > self.patience else Decision(multiplier, own)

    def _raised(self, own: State, before: float) -> Decision:
        new = min(before / self.factor, self.high)
        after = {**own, "good": 0, "warmup": self.warmup, "left": self.reset}
        why = f"{self.metric} improved {own['good']} times in a row"
        return Decision(new if new - before > self.least else before, after, why)

    def _lowered(self, own: State, before: float) -> Decision:
        new = max(before * self.factor, self.low)
        now = new if before - new > self.least else before
        after = {**own, "bad": 0, "cooldown": self.cooldown}
        why = f"{self.metric} did not improve {own['bad']} times in a row"
        if now > self.low:
            return Decision(now, after, why)
        after["left"] -= 1
        if after["left"] > 0:
            return Decision(now, after, why)
        return Decision(
            1.0, {**self.begin(), "cooldown": self.cooldown}, f"{self.reset} lowerings found it at its floor"
        )

    def _smoothed(self, own: State, value: float) -> tuple[State, float]:
        """The mean of the latest finite values, this one among them; nan where this one is not finite."""
        if self.window is None or not math.isfinite(value):
            return own, value
        values, total = [*own["values"], value], own["sum"] + value
        if len(values) > self.window:
            total -= values[0]
            values = values[1:]
        return {**own, "values": values, "sum": total}, total / len(values)

    def _improves(self, value: float, best: float | None) -> bool:
        by = self.threshold if best is None or not self.relative else self.threshold * abs(best)
        return better(value, best, self.goal, by)
