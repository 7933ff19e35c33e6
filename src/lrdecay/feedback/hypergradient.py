"""Hypergradient descent: move the rate by how well the last two gradients agree.

    additive           α_t = α_(t-1) + β <g_t, g_(t-1)>
    multiplicative     α_t = α_(t-1) (1 + β <g_t, g_(t-1)> / (|g_t| |g_(t-1)|))

For plain SGD the first is a gradient step on α itself; for other optimizers it is a heuristic. Here α_t = f(t) m_t, so
the additive form moves the multiplier by β <g_t, g_(t-1)> m / (f m), and neither moves a rate of 0.

Source: Baydin, Cornish, Martínez Rubio, Schmidt, Wood 2018, Online learning rate adaptation with hypergradient descent
(ICLR), arXiv:1703.04782; the multiplicative form (recalled) is the paper's too. What differs:

* The paper knows no bounds, and an additive step can make α negative. The multiplier stays in [low, high].
* The paper uses α_t for update t itself. A rule is shown g_t after update t, so α_t drives update t + 1.
* It turns the rate at every update; that is no event.
"""

from __future__ import annotations

import math
from typing import Any, final

from attrs import field

from lrdecay.errors import Constraint, InputError, argument, factor_in_unit_interval, one_of, positive, refusal
from lrdecay.feedback.rule import Decision, Observation, Rule, State, rule
from lrdecay.schedule.base import durations_field, number

__all__ = ["hypergradient"]

_high = Constraint("must be a number >= 1", lambda v: isinstance(v, float) and 1 <= v < math.inf)


@final
@rule
class hypergradient(Rule):  # noqa: N801
    """Hypergradient descent (Baydin et al. 2018, arXiv:1703.04782); the module has both forms.

    Reads "gradient_dot", <g_t, g_(t-1)>, and in its multiplicative form "gradient_norm" too; where one of them is not
    finite, or a norm is 0, the rate stays.

    Attributes:
        beta: β > 0. Additive, it has the unit rate / gradient², so no default would do; multiplicative, it is a share
            below 1.
        form: "additive" or "multiplicative".
        low: the least multiplier, in (0, 1].
        high: the largest multiplier, >= 1.
    """

    beta: float = field(converter=number, validator=argument(positive))
    form: str = field(default="additive", validator=argument(one_of(("additive", "multiplicative"))))
    low: float = field(default=0.01, converter=number, validator=argument(factor_in_unit_interval))
    high: float = field(default=10.0, converter=number, validator=argument(_high))
    every: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """A multiplicative step cannot turn the rate over."""
        if self.form == "multiplicative" and self.beta >= 1:
            msg = refusal("hypergradient(beta=...)", "must be below 1 in the multiplicative form", self.beta)
            raise InputError(msg)

    @property
    def needs(self) -> frozenset[str]:
        """The product of two gradients, and where it is normalised their norms."""
        return frozenset({"gradient_dot", "gradient_norm"} if self.form == "multiplicative" else {"gradient_dot"})

    def begin(self) -> State:
        """The norm of the last gradient, where it is needed."""
        return {"norm": None}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Turn the rate a little."""
        product = seen.values["gradient_dot"]
        if self.form == "additive":
            ratio = self.beta * product / seen.rate if seen.rate > 0 else math.nan
            return Decision(self._bounded(multiplier, ratio), own)
        norm, before = seen.values["gradient_norm"], own["norm"]
        if norm < 0:
            msg = refusal("observe(gradient_norm=...)", "must be a number >= 0", norm)
            raise InputError(msg)
        after = {"norm": norm if math.isfinite(norm) else None}
        if before is None or not (math.isfinite(product) and math.isfinite(norm) and before * norm > 0):
            return Decision(multiplier, after)
        return Decision(self._bounded(multiplier, self.beta * max(-1.0, min(1.0, product / (before * norm)))), after)

    def _bounded(self, multiplier: float, change: float) -> float:
        """The multiplier after a relative change, within its bounds; unmoved where the change is not finite."""
        return max(self.low, min(self.high, multiplier * (1 + change))) if math.isfinite(change) else multiplier
