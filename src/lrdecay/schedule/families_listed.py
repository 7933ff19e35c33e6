"""Families whose rates are listed, absolute, with t counted from where the family starts.

    piecewise(v, at)     v[#{b in at : b <= t}]
    tabulated(v)         v[min(t, len(v) - 1)]
    ramp(a, b, shape)    a·f(t/T) + b·(1 - f(t/T)), T is how long it speaks

What stands for the peak is the highest rate; `at_peak` moves all rates by the same ratio.
"""

from __future__ import annotations

import os
from typing import Any, final

from attrs import field

from lrdecay.errors import InputError, argument, at_least_one, non_negative, one_of, positive, refusal
from lrdecay.schedule.base import MOVES, PEAK, Family, durations_field, family, number
from lrdecay.schedule.fields import milestones_field
from lrdecay.schedule.places import Edge, Hold, Join, Place, Ramp, Table
from lrdecay.schedule.rates_file import read_rates
from lrdecay.schedule.shapes import CLOSED_SHAPES

__all__ = ["piecewise", "ramp", "tabulated"]


def _numbers(value: Any) -> Any:
    return tuple(map(number, value)) if hasattr(value, "__iter__") and not isinstance(value, str) else value


def _rates(instance: Any, attribute: Any, value: Any) -> None:
    call = f"{type(instance).__name__}({attribute.name}=...)"
    if not isinstance(value, tuple):
        msg = refusal(call, "must be a list of rates", value, "Write values=[0.1, 0.01].")
        raise InputError(msg)
    argument(at_least_one)(instance, attribute, value)
    for rate in value:
        non_negative.check(call, rate)
    positive.check(f"max({call})", max(value))


def rates_field() -> Any:
    """A list of absolute rates >= 0, not all of them 0."""
    return field(converter=_numbers, validator=_rates, metadata=MOVES)


@final
@family
class piecewise(Family):  # noqa: N801
    """The listed rates, one after the other: values[0], and from milestone i on values[i].

    Values are absolute, one more than there are milestones; the new value speaks at its milestone.

    Raises:
        InputError: the numbers of values and milestones do not fit, or the milestones are out of order.
    """

    values: Any = rates_field()
    at: Any = milestones_field()
    over: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """One value more than milestones."""
        if len(self.values) != len(self.at) + 1:
            rule = f"must have one value more than there are milestones ({len(self.at)})"
            msg = refusal("piecewise(values=...)", rule, list(self.values))
            raise InputError(msg)

    def body(self) -> Place:
        """Holds, joined."""
        return Join(tuple(map(Hold, self.values)), tuple(Edge((d,)) for d in self.at))


@final
@family
class tabulated(Family):  # noqa: N801
    """The listed rates, absolute, one for each update; the last one is held.

    Given ``file=``, or a path in place of the list, the rates are read from it once, here; from then on they are the
    value: it is equal to the list by content, prints as the list and saves as the list. See `read_rates`.

    Raises:
        InputError: no list of rates >= 0 with one above 0, or no file that holds one; or both are given.
    """

    values: Any = rates_field()
    over: Any = durations_field(default=None)

    def __init__(self, values: Any = None, over: Any = None, *, file: str | os.PathLike[str] | None = None) -> None:
        """A list, or a file."""
        if values is not None and file is not None:
            msg = refusal("tabulated(file=...)", "must not be given beside a list of rates", str(file))
            raise InputError(msg)
        source = file if values is None else values
        rates = read_rates(source) if isinstance(source, str | os.PathLike) else source
        self.__attrs_init__(rates, over)  # type: ignore[attr-defined]

    def body(self) -> Place:
        """A table."""
        return Table(self.values)


def _end_of_ramp(instance: Any, attribute: Any, value: Any) -> None:
    if value is not PEAK:
        argument(non_negative)(instance, attribute, value)


@final
@family
class ramp(Family):  # noqa: N801
    """From one rate to another, up or down: start·f(u) + end·(1 - f(u)) along a closed shape f, u = t/T.

    It says what no falling family can: a warmup that starts at a stated rate, such as
    ``ramp(0, 0.1, over=500) + cosine(0.1)``, whose first update is then made at 0. `warmup` wastes none.

    Raises:
        InputError: both ends are 0.
    """

    start: Any = field(converter=number, validator=_end_of_ramp, metadata=MOVES)  # rate >= 0 at u = 0
    end: Any = field(converter=number, validator=_end_of_ramp, metadata=MOVES)  # rate >= 0 at u = 1
    shape: str = field(default="linear", validator=argument(one_of(CLOSED_SHAPES)))
    over: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """There is a rate to move."""
        if self.start == 0 and self.end == 0:
            msg = refusal("ramp(end=...)", "must be positive where start is 0", self.end, "A run at 0 learns nothing.")
            raise InputError(msg)

    def body(self) -> Place:
        """A ramp."""
        return Ramp(self.start, self.end, CLOSED_SHAPES[self.shape])
