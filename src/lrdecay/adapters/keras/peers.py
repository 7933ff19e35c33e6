"""Keras' live schedules as schedules of ours, read from their own ``get_config()``."""

from __future__ import annotations

from typing import Any

import lrdecay.dialects.keras  # noqa: F401
from lrdecay.dialects.base import SAYINGS, Call, Run, translate
from lrdecay.dialects.keras_cosines import exact_restarts, restarts, typed
from lrdecay.dialects.pieces import known_bug
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule

__all__ = ["from_peer"]

MODULE = "keras.src.optimizers.schedules.learning_rate_schedule"


def from_peer(schedule: Any, *, steps: int | None = None, as_is: bool = False) -> Schedule:
    """The schedule with exactly the numbers of one of ``keras.optimizers.schedules``.

    Args:
        schedule: the live schedule, or an optimizer that was given one.
        steps: updates in the run; needed where the schedule has no end of its own.
        as_is: whether a plain bug of Keras is kept.

    Raises:
        InputError: it is not one of Keras' own, or its value is a plain bug: restarts are tried on the live schedule.
    """
    schedule = getattr(schedule, "_learning_rate", schedule)
    name = type(schedule).__name__
    if type(schedule).__module__ != MODULE or ("keras", name) not in SAYINGS:
        cure = "A schedule of your own cannot be read: list its rates as tabulated([...])."
        msg = refusal("from_peer(schedule)", "must be one of keras.optimizers.schedules", schedule, cure)
        raise InputError(msg)
    named = schedule.get_config()
    if name == "CosineDecayRestarts" and steps is not None and named["t_mul"] >= 1:
        late = _late(schedule, named, steps)
        if late and not as_is:
            rule = f"must restart at t = {late[0]}, where rounding makes it give {float(schedule(late[0]))!r}"
            msg = known_bug("from_peer(CosineDecayRestarts(t_mul=...))", rule, named["t_mul"])
            raise InputError(msg)
        run, peak = Run(None, steps, as_is), named["initial_learning_rate"]
        keys = ("first_decay_steps", "t_mul", "m_mul", "alpha")
        first, growth, m, low = typed(run, name, peak, **{key: named[key] for key in keys})
        return restarts(run, peak, first, growth, m, low, late)
    return translate(Call("keras", name, (), named), Run(None, steps, as_is))


def _late(schedule: Any, named: dict[str, Any], steps: int) -> list[int]:
    """The restarts on an update at which the live schedule is nearer to the end of a cycle than to its peak."""
    late = []
    for i, start in enumerate(exact_restarts(named["first_decay_steps"], named["t_mul"], steps)):
        peak, low = named["initial_learning_rate"] * named["m_mul"] ** i, named["alpha"]
        middle = named["initial_learning_rate"] * low + (1 - low) * peak / 2
        if start.denominator == 1 and start < steps and float(schedule(int(start))) < middle and low < 1:
            late.append(int(start))
    return late
