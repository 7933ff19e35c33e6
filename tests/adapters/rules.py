"""A small rule to drive with: it multiplies by a factor whenever the value it reads has risen."""

from __future__ import annotations

import math
from typing import Any, final

from attrs import field

from lrdecay.feedback.rule import Decision, Observation, Rule, State, every_field, metric_field, rule

__all__ = ["falling"]


@final
@rule
class falling(Rule):  # noqa: N801
    """m <- factor m where the value is above the one before; after an event it starts to compare anew."""

    factor: float = field(default=0.5)
    metric: str = metric_field("loss")
    every: Any = every_field()

    @property
    def needs(self) -> frozenset[str]:
        """What it reads."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """Nothing was seen."""
        return {"last": None}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Compare with the one before."""
        now = seen.values[self.metric]
        if own["last"] is not None and now > own["last"]:
            return Decision(multiplier * self.factor, {"last": None}, f"{now:.6g} after {own['last']:.6g}")
        return Decision(multiplier, {"last": now if math.isfinite(now) else None})
