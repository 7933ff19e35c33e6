"""A bound on what a study may cost, and whether a plan keeps within it. Pure.

    30min  8h  2d          wall time, in s, min, h or d
    500epochs              passes over the data, of all runs together; also ep
    2e9tok  1e6samples     tokens or samples, of all runs together
    100000                 updates, of all runs together; also 100000steps

A plan of n updates costs n seconds_per_step seconds of wall time, and in samples what the horizon says n updates are.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from attrs import field, frozen

from lrdecay.errors import InputError, argument, positive, refusal
from lrdecay.schedule import Horizon
from lrdecay.schedule.duration import Duration, duration

__all__ = ["Affordable", "Budget", "affordable", "parse_budget"]

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_CURE = 'Such as "8h", "30min", "500epochs", "2e9tok" or 100000 (updates).'


@frozen
class Budget:
    """The most a study may cost: seconds of wall time, or an amount of training."""

    written: str
    seconds: float | None = None  # wall time; None: bounded by `training`
    training: Duration | None = None

    def __str__(self) -> str:
        return self.written

    def updates(self, horizon: Horizon) -> Fraction | None:
        """What it allows in updates of this horizon; None for wall time.

        Raises:
            InputError: the horizon does not say how long an epoch or a token is.
        """
        return None if self.training is None else horizon.length(self.training)


@frozen
class Affordable:
    """How much of a budget a plan takes."""

    share: float = field(validator=argument(positive))  # of the budget; up to 1 it fits
    over: str  # by how much it does not fit, in the budget's own words; empty where it does

    @property
    def fits(self) -> bool:
        """Whether the plan keeps within the budget."""
        return self.share <= 1


def parse_budget(text: str | int) -> Budget:
    """Read a budget.

    Raises:
        InputError: it is not an amount with a unit, not above zero, or a percentage.
    """
    call = "--budget"
    found = re.fullmatch(
        r"\s*(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d{1,3})?\s*([a-z%]*)\s*", str(text), re.IGNORECASE | re.ASCII
    )
    amount, unit = (found[1] + (found[2] or ""), found[3].lower()) if found else ("", "%")
    if unit == "%" or isinstance(text, bool):
        msg = refusal(call, "must be a time or an amount of training", text, _CURE)
        raise InputError(msg)
    if unit in _SECONDS:
        seconds = float(amount) * _SECONDS[unit]
        if not 0 < seconds < math.inf:
            msg = refusal(call, "must be above zero, and finite", text, _CURE)
            raise InputError(msg)
        return Budget(str(text).strip(), seconds=seconds)
    unit = {"epochs": "ep", "epoch": "ep", "tokens": "tok"}.get(unit, unit)
    steps = unit in ("", "step", "steps")
    if steps and (float(amount) >= 1e15 or float(amount) != int(float(amount))):
        msg = refusal(call, "must be a whole number of updates", text, _CURE)
        raise InputError(msg)
    return Budget(str(text).strip(), training=duration(int(float(amount)) if steps else amount + unit, call))


def affordable(plan_steps: int, seconds_per_step: float, budget: Budget, horizon: Horizon | None = None) -> Affordable:
    """Whether a plan keeps within a budget, and by how much it does not.

    Args:
        plan_steps: updates of all runs together, > 0.
        seconds_per_step: wall time of one of them, everything else shared out over them; unused for a budget of
            training.
        budget: the bound.
        horizon: what an epoch, a token or a sample is; needed for a budget in those.

    Raises:
        InputError: the budget needs a horizon that is not given, or does not say what its unit is.
    """
    if budget.seconds is not None:
        share = plan_steps * seconds_per_step / budget.seconds
        return Affordable(share, "" if share <= 1 else _spoken(plan_steps * seconds_per_step))
    if horizon is None:
        horizon = Horizon(steps=plan_steps)
    allowed = budget.updates(horizon)
    share = float(plan_steps / allowed) if allowed else math.inf
    return Affordable(share, "" if share <= 1 else f"{plan_steps} updates, {float(allowed or 0):g} allowed")


def _spoken(seconds: float) -> str:
    """A time as it is said: in the largest unit it is at least one of."""
    unit = next((u for u in reversed(_SECONDS) if seconds >= _SECONDS[u]), "s")
    return f"{seconds / _SECONDS[unit]:.2g} {unit}"
