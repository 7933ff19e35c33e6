"""`show`: what a schedule is, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError
from lrdecay.schedule import Bound, Horizon, Schedule
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.notation import Spec, parse_spec

__all__ = ["Shown", "horizon_of", "show", "spec_of"]


@frozen
class Shown:
    """Schedules bound to their horizons."""

    bounds: tuple[Bound, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"steps": N, "schedules": [{"spec", "values"}]}``; N is the longest horizon."""
        return {
            "steps": max(b.steps for b in self.bounds),
            "schedules": [{"spec": repr(b.schedule), "values": b.values().tolist()} for b in self.bounds],
        }


def show(schedules: Sequence[str | Schedule] | str | Schedule, horizon: Horizon | None = None, **length: Any) -> Shown:
    """Bind schedules to a horizon, ready to be printed, drawn or compared.

    Args:
        schedules: one or several, as values or in the notation; a text may carry its own horizon (``@ 60ep``).
        horizon: the length of the run; or give its arguments, such as ``steps=100``.
        length: the arguments of `lrdecay.Horizon`.

    Raises:
        InputError: a schedule is not one, does not fit, or has no horizon.
    """
    given = [schedules] if isinstance(schedules, str | Schedule) else list(schedules)
    if not given:
        msg = "`show(schedules=...)` must hold at least one schedule, got none."
        raise InputError(msg)
    base = Horizon(**length) if horizon is None and any(k in length for k in ("steps", "epochs")) else horizon
    bounds = []
    for item in given:
        spec = spec_of(item)
        found = base
        if base is None:
            if spec.horizon is None:
                msg = (
                    f"`show(steps=...)` must be given for `{spec.schedule!r}`, got no horizon. "
                    "Say how long the run is: --steps N, or --epochs N --steps-per-epoch N."
                )
                raise InputError(msg)
            found = _alone(spec.horizon, length)
        bounds.append(spec.schedule.bind(horizon_of(spec, found)))  # type: ignore[arg-type]
    return Shown(tuple(bounds))


def spec_of(schedule: str | Schedule) -> Spec:
    """A schedule with the horizon it may carry."""
    return Spec(schedule) if isinstance(schedule, Schedule) else parse_spec(schedule)


def horizon_of(spec: Spec, base: Horizon) -> Horizon:
    """The base horizon, or the length the schedule carries, in the base's units."""
    if spec.horizon is None:
        return base
    if spec.horizon.unit == "steps":
        return base.lasting(steps=int(spec.horizon.amount))
    if spec.horizon.unit == "ep":
        return base.lasting(epochs=float(spec.horizon.amount))
    return base.lasting(steps=round_half_up(base.length(spec.horizon)))


def _alone(length: Duration, units: dict[str, Any]) -> Horizon:
    """A horizon from a carried length and units alone."""
    if length.unit == "steps":
        return Horizon(steps=int(length.amount), **units)
    if length.unit == "ep":
        return Horizon(epochs=float(length.amount), **units)
    return Horizon(steps=round_half_up(Horizon(steps=1, **units).length(length)), **units)
