"""`show`: what a schedule or a plan is, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal
from lrdecay.feedback.notation import parse_ruled_spec
from lrdecay.feedback.ruled import Ruled
from lrdecay.schedule import Bound, BoundPlan, Horizon, Plan, Schedule
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.notation import Spec
from lrdecay.schedule.plan_notation import is_plan, parse_plan_spec

__all__ = ["Said", "Shown", "curves_of", "horizon_of", "ruled_spec_of", "show", "spec_of"]

Said = str | Schedule | Ruled
"""A schedule, perhaps under a rule, as a value or in the notation."""


@frozen
class Shown:
    """Schedules and plans bound to their horizons."""

    bounds: tuple[Bound | BoundPlan, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"steps": N, "schedules": [{"spec", "values"}]}``; N is the longest horizon.

        A plan's "values" are its rates. It has "planned" too, every value and report by name (see `curves_of`), and
        "groups", the same for each label but the default where they differ from it; a timescale without end is null.
        """
        return {
            "steps": max(b.steps for b in self.bounds),
            "schedules": [_as_json(b) for b in self.bounds],
        }


def show(
    schedules: Sequence[str | Schedule | Plan] | str | Schedule | Plan, horizon: Horizon | None = None, **length: Any
) -> Shown:
    """Bind schedules and plans to a horizon, ready to be printed, drawn or compared.

    Args:
        schedules: one or several, as values or in the notation; a text may carry its own horizon (``@ 60ep``).
        horizon: the length of the run; or give its arguments, such as ``steps=100``.
        length: the arguments of `lrdecay.Horizon`.

    Raises:
        InputError: a schedule is not one, does not fit, or has no horizon.
    """
    given = [schedules] if isinstance(schedules, str | Schedule | Plan) else list(schedules)
    if not given:
        msg = "`show(schedules=...)` must hold at least one schedule, got none."
        raise InputError(msg)
    base = Horizon(**length) if horizon is None and any(k in length for k in ("steps", "epochs")) else horizon
    bounds: list[Bound | BoundPlan] = []
    for item in given:
        what, carried = _read(item)
        if base is not None:
            bounds.append(what.bind(_fitted(carried, base)))
        elif carried is not None:
            bounds.append(what.bind(_alone(carried, length)))
        else:
            msg = (
                f"`show(steps=...)` must be given for `{what!r}`, got no horizon. "
                "Say how long the run is: --steps N, or --epochs N --steps-per-epoch N."
            )
            raise InputError(msg)
    return Shown(tuple(bounds))


def curves_of(bound: BoundPlan, group: str = "") -> dict[str, NDArray[np.float64]]:
    """What a bound plan gives one group, by name; each float64, shape (steps,).

    With weight decay there are reports too: "lr*weight_decay", the share of a weight that an update takes away, and
    its timescale "1/(lr*weight_decay)" in updates, and "... in epochs" where the horizon says what an epoch is.
    """
    curves = {name: bound.values(name, group) for name in bound.names}
    if "weight_decay" in curves:
        curves["lr*weight_decay"] = bound.shrink(group)
        curves["1/(lr*weight_decay)"] = bound.weight_decay_timescale(group)
        if bound.horizon.epoch_length is not None:
            curves["1/(lr*weight_decay) in epochs"] = bound.weight_decay_timescale(group, "ep")
    return curves


def spec_of(schedule: str | Schedule) -> Spec:
    """A schedule with the horizon it may carry, where its rates must be known before the run.

    Raises:
        InputError: it is none, or it is under a rule.
    """
    spec = ruled_spec_of(schedule)
    if spec.rule is not None:
        cure = f"Leave {spec.rule} out; `train`, `compare` and `attach` take rules."
        msg = refusal("schedule", "must be a schedule without a rule here", str(spec), cure)
        raise InputError(msg)
    return spec


def ruled_spec_of(schedule: Said) -> Spec:
    """A schedule with the horizon and the rule it may carry.

    Raises:
        InputError: it is none.
    """
    if isinstance(schedule, Ruled):
        return Spec(schedule.schedule, rule=repr(schedule.rule))
    return Spec(schedule) if isinstance(schedule, Schedule) else parse_ruled_spec(schedule)


def horizon_of(spec: Spec, base: Horizon) -> Horizon:
    """The base horizon, or the length the schedule carries, in the base's units."""
    return _fitted(spec.horizon, base)


def _read(item: str | Schedule | Plan) -> tuple[Schedule | Plan, Duration | None]:
    if isinstance(item, Plan):
        return item, None
    if isinstance(item, str) and is_plan(item):
        return parse_plan_spec(item)
    spec = spec_of(item)
    return spec.schedule, spec.horizon


def _fitted(carried: Duration | None, base: Horizon) -> Horizon:
    if carried is None:
        return base
    if carried.unit == "steps":
        return base.lasting(steps=int(carried.amount))
    if carried.unit == "ep":
        return base.lasting(epochs=float(carried.amount))
    return base.lasting(steps=round_half_up(base.length(carried)))


def _as_json(bound: Bound | BoundPlan) -> dict[str, Any]:
    if isinstance(bound, Bound):
        return {"spec": repr(bound.schedule), "values": bound.values().tolist()}
    default = curves_of(bound)
    groups: dict[str, dict[str, Any]] = {}
    for label in bound.groups[1:]:
        own = {k: v for k, v in curves_of(bound, label).items() if not np.array_equal(v, default[k])}
        groups[label] = {k: _listed(v) for k, v in own.items()}
    planned = {k: _listed(v) for k, v in default.items()}
    return {"spec": repr(bound.plan), "values": planned["lr"], "planned": planned, "groups": groups}


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [v if np.isfinite(v) else None for v in values.tolist()]


def _alone(length: Duration, units: dict[str, Any]) -> Horizon:
    """A horizon from a carried length and units alone."""
    if length.unit == "steps":
        return Horizon(steps=int(length.amount), **units)
    if length.unit == "ep":
        return Horizon(epochs=float(length.amount), **units)
    return Horizon(steps=round_half_up(Horizon(steps=1, **units).length(length)), **units)
