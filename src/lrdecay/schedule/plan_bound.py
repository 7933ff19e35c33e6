"""A plan fixed on a horizon: a number for every name, group and update of the run.

    bound = plan(lr=cosine(0.1), weight_decay=0.05).bind(Horizon(steps=1000))
    bound.values("lr"), bound.values("weight_decay", group="")      # float64, shape (steps,)
    bound.shrink(), bound.weight_decay_timescale()                  # lr·wd and 1/(lr·wd)

The weight decay that is given out is the one to write into an optimizer that shrinks by lr·weight_decay.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, did_you_mean, one_of, refusal
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.plan_batches import with_batches
from lrdecay.schedule.plan_growth import Growth, grown
from lrdecay.schedule.plan_values import curve
from lrdecay.schedule.plans import Plan

__all__ = ["BoundPlan", "bind_plan"]

Curve = NDArray[np.float64]


@final
@frozen
class BoundPlan:
    """A plan on a horizon. Frozen; equal by plan and horizon; made by `Plan.bind`."""

    plan: Plan
    stated: Horizon  # the horizon it was bound to
    horizon: Horizon = field(eq=False)  # the same, with the plan's batch sizes; what counts the steps
    _growth: Growth | None = field(eq=False, repr=False)  # what became of lr where the batch grows instead
    _curves: dict[tuple[str, str], Curve] = field(eq=False, repr=False, init=False, factory=dict)  # by name and group

    @property
    def steps(self) -> int:
        """Updates in the run."""
        return self.horizon.steps

    @property
    def names(self) -> tuple[str, ...]:
        """What is planned: some of lr, momentum, beta1, beta2, weight_decay, batch_size."""
        return self.plan.names

    @property
    def groups(self) -> tuple[str, ...]:
        """The labels of the groups, in order; "" is the default group."""
        return self.plan.labels

    def values(self, name: str, group: str = "") -> Curve:
        """The value of every update for one group: float64, shape (steps,); a new array at each call.

        Raises:
            InputError: the plan has no such name or group.
        """
        if name not in self.names:
            msg = refusal("values(name)", "must be planned", name, did_you_mean(str(name), self.names))
            raise InputError(msg)
        _ = self.plan.found(group)
        if name == "lr":
            return self._rate(group)
        if name == "batch_size":
            return self.horizon.batches().astype(np.float64)
        if name == "weight_decay":
            return self._weight_decay(group)
        return self._curve(name, group).copy()

    def shrink(self, group: str = "") -> Curve:
        """lr·weight_decay: the share of a weight that an update takes away; float64, shape (steps,).

        Raises:
            InputError: the plan has no weight decay, or no such group.
        """
        return self.values("lr", group) * self.values("weight_decay", group)

    def weight_decay_timescale(self, group: str = "", unit: str = "steps") -> Curve:
        """1 / (lr·weight_decay): how far back the weights average the updates, float64, shape (steps,); inf where 0.

        AdamW's weights are an exponential moving average of its updates with this timescale; in epochs it is what
        stays put when models and data grow. Wang & Aitchison 2024, arXiv:2405.13698.

        Args:
            group: the label.
            unit: "steps" or "ep".

        Raises:
            InputError: no weight decay, no such group, or the horizon does not say how long an epoch is.
        """
        one_of(("steps", "ep")).check("weight_decay_timescale(unit=...)", unit)
        with np.errstate(divide="ignore", over="ignore"):
            timescale: Curve = 1.0 / self.shrink(group)
        if unit == "steps":
            return timescale
        return timescale * self.horizon.epochs_per_step()

    def to_json(self) -> dict[str, Any]:
        """The plan and the horizon it was bound to; `lrdecay.schedule.plan_notation.bound_from_json` reads it back."""
        return {"plan": self.plan.to_json(), "horizon": self.stated.to_json()}

    # ---- the curves ----

    def _curve(self, name: str, label: str) -> Curve:
        """What is written in the plan for a group, before scales: its own value, or the plan's."""
        own, _ = self.plan.found(label)
        value = None if own is None else getattr(own, name)
        base = "" if value is None else next(text for text, g in self.plan.groups if g is own)
        if (name, base) not in self._curves:
            stated = getattr(self.plan, name) if value is None else value
            self._curves[name, base] = curve(name, stated, self.horizon)
        return self._curves[name, base]

    def _rate(self, label: str) -> Curve:
        own, layer = self.plan.found(label)
        rate = self._curve("lr", label)
        if self._growth is not None:
            rate = rate * self._growth.factor if own is not None and own.lr is not None else self._growth.rate
        scale, until = (1.0, None) if own is None else (own.scale, own.frozen_until)
        starts = [self._position(until)]
        if layer is not None and self.plan.layers is not None:
            scale *= self.plan.layers.scale(layer)
            starts.append(self._position(self.plan.layers.frozen_until(layer)))
        rate = rate * scale
        rate[: max(starts)] = 0.0
        return rate

    def _position(self, d: Duration | None) -> int:
        return 0 if d is None else min(round_half_up(self.horizon.length(d)), self.steps)

    def _weight_decay(self, label: str) -> Curve:
        stated, times = self._curve("weight_decay", label).copy(), self.plan.weight_decay_times
        if times == "lr":
            return stated
        rate = self._rate(label)
        over = rate if times == "1" else np.full_like(rate, rate.max())
        with np.errstate(over="ignore"):
            written: Curve = np.divide(stated, over, out=np.zeros_like(stated), where=over > 0)
        if not np.isfinite(written).all():
            t = int(np.flatnonzero(~np.isfinite(written))[0])
            rule = f'must not be divided by a rate too small for it (weight_decay_times="{times}", step {t})'
            msg = refusal("plan(weight_decay=...)", rule, float(stated[t]), "Give the rate a floor.")
            raise InputError(msg)
        return written


def bind_plan(plan: Plan, horizon: Horizon) -> BoundPlan:
    """Fix a plan on a horizon; this is `Plan.bind`.

    Raises:
        InputError: as `Plan.bind` says.
    """
    if type(horizon) is not Horizon:
        msg = refusal("bind(horizon=...)", "must be a Horizon", horizon, "Write Horizon(steps=10_000).")
        raise InputError(msg)
    growth = None if plan.max_batch is None else grown(plan, with_batches(plan.batch_size, horizon))
    with_sizes = with_batches(plan.batch_size, horizon) if growth is None else growth.horizon
    bound = BoundPlan(plan, horizon, with_sizes, growth)
    for label in ("", *dict(plan.groups)):  # every curve is made once, so that what does not fit is said now
        for name in bound.names:
            bound.values(name, label)
    return bound
