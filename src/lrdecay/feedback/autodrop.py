"""AutoDrop: drop the rate when the direction of the epochs' steps turns at a constant speed.

x_i are the weights at the end of epoch i, s_i = x_(i+1) - x_i its step, and the angular velocity is

    ω_i = ∠(s_i, s_(i-1)) = arccos(<s_i, s_(i-1)> / (|s_i| |s_(i-1)|)),   in degrees

It grows after a drop and saturates; at saturation the rate is dropped, and the threshold widened, for the angles of
smaller steps are noisier:

    if |ω_i - ω_(i-1)| < θ:     α = max(low, ρ α),   θ = min(highest, θ / ρ)

Source: Teng, Wang, Choromanska 2021, AutoDrop, arXiv:2111.15317; the formula from a secondary description of it, since
no official code was found. That description says the change is averaged over the recent epochs without saying how:
``average`` is how many changes are averaged, and 1 is the formula as it stands. The defaults of factor (ρ), threshold
(θ), highest, low and average are ours. ω of a step of length 0 does not exist; such an epoch is passed over.
"""

from __future__ import annotations

import math
from typing import Any, final

from attrs import field

from lrdecay.errors import Constraint, InputError, argument, factor_in_unit_interval, refusal
from lrdecay.feedback.rule import Decision, Observation, Rule, State, rule
from lrdecay.schedule.base import durations_field, number
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon

__all__ = ["autodrop", "step_period"]

_degrees = Constraint("must be in (0, 180] degrees", lambda v: isinstance(v, float) and 0 < v <= 180)
_few = Constraint("must be an integer from 1 to 1000", lambda v: type(v) is int and 1 <= v <= 1000)


@final
@rule
class autodrop(Rule):  # noqa: N801
    """AutoDrop (Teng et al. 2021, arXiv:2111.15317); the module has the formula, and what of it is ours.

    Reads "step_angle", ω in degrees; values that are not finite are passed over. Where an adapter computes it, the
    steps are those of the periods of ``every`` (`step_period`).

    Attributes:
        factor: ρ, what a drop multiplies the rate by, in (0, 1].
        threshold: θ at the start, in degrees.
        highest: what θ is widened to at most, in degrees.
        low: the least multiplier, a share of the schedule in (0, 1].
        average: how many of the latest changes of ω are averaged, 1 to 1000.
        every: how long a step is; "1ep" needs a horizon that says what an epoch is, 1 takes each observation.

    Raises:
        InputError: an argument is out of range, or highest is below threshold; when shown an angle outside [0, 180].
    """

    factor: float = field(default=0.5, converter=number, validator=argument(factor_in_unit_interval))
    threshold: float = field(default=1.0, converter=number, validator=argument(_degrees))
    highest: float = field(default=10.0, converter=number, validator=argument(_degrees))
    low: float = field(default=0.001, converter=number, validator=argument(factor_in_unit_interval))
    average: int = field(default=1, validator=argument(_few))
    every: Any = durations_field(default="1ep")

    def __attrs_post_init__(self) -> None:
        """The threshold has room to widen."""
        if self.highest < self.threshold:
            rule = f"must be at least the threshold, {self.threshold!r}"
            msg = refusal("autodrop(highest=...)", rule, self.highest)
            raise InputError(msg)

    @property
    def needs(self) -> frozenset[str]:
        """The angle between two steps."""
        return frozenset({"step_angle"})

    def begin(self) -> State:
        """θ, the last ω, and the latest changes of it."""
        return {"threshold": self.threshold, "angle": None, "changes": []}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Drop if ω has hardly changed."""
        angle = seen.values["step_angle"]
        if not math.isfinite(angle):
            return Decision(multiplier, own)
        if not 0 <= angle <= 180:
            msg = refusal("observe(step_angle=...)", "must be in [0, 180] degrees", angle)
            raise InputError(msg)
        if own["angle"] is None:
            return Decision(multiplier, {**own, "angle": angle})
        changes = [*own["changes"], abs(angle - own["angle"])][-self.average :]
        after = {**own, "angle": angle, "changes": changes}
        change = sum(changes) / len(changes)
        if len(changes) < self.average or change >= own["threshold"]:
            return Decision(multiplier, after)
        why = f"the angle between steps, {angle:.4g}°, changed by {change:.3g}° < {own['threshold']:.3g}°"
        after["threshold"] = min(self.highest, own["threshold"] / self.factor)
        return Decision(min(multiplier, max(self.low, multiplier * self.factor)), after, why)


def step_period(asked: Rule, horizon: Horizon) -> int:
    """How many updates a step spans whose angle a rule reads: ``every`` of the `autodrop` in it; 1 where there is none.

    Raises:
        InputError: there are two that differ, or the horizon does not say how long ``every`` is.
    """
    found = sorted({max(1, round_half_up(horizon.length(d))) for d in _periods(asked)})
    if len(found) > 1:
        msg = refusal("autodrop(every=...)", "must be the same in all rules of a run", found, "Leave one of them out.")
        raise InputError(msg)
    return found[0] if found else 1


def _periods(asked: Rule) -> list[Duration]:
    if isinstance(asked, autodrop):
        return [asked.every]
    within = [*getattr(asked, "rules", ()), *([asked.inner] if hasattr(asked, "inner") else [])]
    return [d for part in within for d in _periods(part)]
