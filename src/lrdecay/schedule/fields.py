"""Fields that several families share: a floor, and milestones."""

from __future__ import annotations

import itertools
from typing import Any

from attrs import Converter, field

from lrdecay.errors import InputError, argument, at_least_one, non_negative, refusal
from lrdecay.schedule.base import number
from lrdecay.schedule.duration import Duration, duration

__all__ = ["floor_field", "in_order", "milestones", "milestones_field"]


def floor_field(default: float) -> Any:
    """The lowest rate, absolute, >= 0."""
    return field(default=default, converter=number, validator=argument(non_negative))


def milestones(value: Any, instance: Any, attribute: Any) -> Any:
    """A converter: a list as a tuple of durations."""
    call = f"{type(instance).__name__}({attribute.name}=...)"
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        msg = refusal(call, "must be a list of durations", value, 'Write at=[30, 60] or at=["60ep", "120ep"].')
        raise InputError(msg)
    return tuple(duration(v, call) for v in value)


def in_order(instance: Any, attribute: Any, value: tuple[Duration, ...]) -> None:
    """A validator: at least one duration, rising as far as one unit can be compared with another."""
    argument(at_least_one)(instance, attribute, value)
    for before, after in itertools.pairwise(value):
        if before.unit == after.unit and after.amount <= before.amount:
            call = f"{type(instance).__name__}({attribute.name}=...)"
            msg = refusal(call, "must be in strictly rising order", list(value), f"{after!r} comes after {before!r}.")
            raise InputError(msg)


def milestones_field() -> Any:
    """A list of durations in strictly rising order, counted from where the family starts."""
    return field(converter=Converter(milestones, takes_self=True, takes_field=True), validator=in_order)
