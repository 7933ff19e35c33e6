"""The plateau rule everybody knows, right where the usual ones are not: on negative metrics, and on nan.

    good:  y < y* - d    (goal "min"),    d = threshold |y*|  ("rel")  or  threshold  ("abs")

Torch's relative threshold is y* (1 - threshold), which for y* < 0 asks for a value *above* the best. After more than
``patience`` observations in a row that are not good the multiplier is multiplied by ``factor``.

An observation that is not finite is neither good nor bad: a run that has diverged is not on a plateau, and lowering its
rate does not bring it back. It is left out, and a drop tells how many there were.

It has no error rate: on noisy runs it drops while they improve. `lrdecay.feedback.plateau` is the one that states it.
"""

from __future__ import annotations

import math
from typing import Any, final

from attrs import field

from lrdecay.errors import Constraint, argument, non_negative, non_negative_int, one_of, positive
from lrdecay.feedback.rule import Decision, Observation, Rule, State, better, every_field, goal, metric_field, rule

__all__ = ["classic_plateau"]

_below_one = Constraint("must be a number above 0 and below 1", lambda v: positive.holds(v) and v < 1)


@final
@rule
class classic_plateau(Rule):  # noqa: N801
    """The multiplier times ``factor`` after more than ``patience`` observations in a row without a new best.

    Attributes:
        factor: in (0, 1).
        patience: how many may fail to be good, >= 0.
        metric: what is watched.
        goal: "min" or "max", what it is to become.
        threshold: by how much a value must be better than the best to be good, >= 0.
        threshold_mode: "rel", a share of the best's absolute value, or "abs", in units of the metric.
        cooldown: observations after a drop in which bad ones are not counted, >= 0.
        every: how often it looks; None: at each observation.
    """

    factor: float = field(default=0.1, validator=argument(_below_one))
    patience: int = field(default=10, validator=argument(non_negative_int))
    metric: str = metric_field(default="loss")
    goal: str = field(default="min", validator=argument(goal))
    threshold: float = field(default=1e-4, validator=argument(non_negative))
    threshold_mode: str = field(default="rel", validator=argument(one_of(("rel", "abs"))))
    cooldown: int = field(default=0, validator=argument(non_negative_int))
    every: Any = every_field(default=None)

    @property
    def needs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """The best, bad observations in a row, what is left of the cooldown, and how many were not finite."""
        return {"best": None, "bad": 0, "cooldown": 0, "skipped": 0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Count."""
        new = float(seen.values[self.metric])
        if not math.isfinite(new):
            return Decision(multiplier, {**own, "skipped": own["skipped"] + 1})
        best = own["best"]
        by = self.threshold * (abs(best or 0.0) if self.threshold_mode == "rel" else 1.0)
        good = better(new, best, self.goal, by)
        resting = own["cooldown"] > 0
        bad = 0 if good or resting else own["bad"] + 1
        kept = {**own, "best": new if good else best, "bad": bad, "cooldown": max(0, own["cooldown"] - 1)}
        if bad <= self.patience:
            return Decision(multiplier, kept)
        missing = f"; {own['skipped']} not finite, left out" if own["skipped"] else ""
        why = f"{self.metric} was not better than {best:.6g} by {by:.3g} for {bad} observations{missing}"
        return Decision(multiplier * self.factor, {**kept, "bad": 0, "cooldown": self.cooldown, "skipped": 0}, why)
