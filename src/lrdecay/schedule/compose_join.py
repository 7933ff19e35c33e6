"""Schedules one after the other at stated boundaries, with or without the value carried over.

join(constant(0.1), cosine(0.01), at=["50%"])   the second begins with its own rate
join(step(0.1, factor=0.5, every="10ep"), cosine(1), at=["50%"], carry=True)   it begins where the step had got to
"""

from __future__ import annotations

import itertools
from typing import Any, final

from attrs import Converter, field, fields_dict

from lrdecay.errors import InputError, argument, refusal, true_or_false
from lrdecay.schedule.base import Family, Schedule, durations_field, family
from lrdecay.schedule.compose import schedules_only
from lrdecay.schedule.fields import in_order, milestones
from lrdecay.schedule.peaks import is_open
from lrdecay.schedule.places import Edge, Join, Place
from lrdecay.schedule.places_products import Carried

__all__ = ["join"]


def _boundaries(value: Any, instance: Any, attribute: Any) -> Any:
    return None if value is None else milestones(value, instance, attribute)


def _rising(instance: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        in_order(instance, attribute, value)


@final
@family
class join(Family):  # noqa: N801
    """Schedules with stated boundaries, ``join(a, b, c, at=[30, "50%"])``; the new part speaks at its boundary.

    Boundaries count from where the join starts; each part has its own clock. Without ``at`` all parts but the last say
    how long they last, as in ``a + b + c``. With ``carry`` each part is taken in proportion, so that it begins at the
    value that the part before it had reached: the first part carries the rate, the others shape it.

    Raises:
        InputError: there are not exactly as many boundaries as gaps, or they are out of order; or a part that only
            shapes the rate leaves its peak open.
    """

    parts: tuple[Schedule, ...] = field(metadata={"positional": True})
    at: Any = field(
        default=None, converter=Converter(_boundaries, takes_self=True, takes_field=True), validator=_rising
    )
    carry: bool = field(default=False, validator=argument(true_or_false))
    over: Any = durations_field(default=None)

    def __init__(self, *parts: Schedule, at: Any = None, carry: bool = False, over: Any = None) -> None:
        """Parts are positional."""
        self.__attrs_init__(parts, at, carry, over)  # type: ignore[attr-defined]

    def __attrs_post_init__(self) -> None:
        """Check the parts and the number of boundaries."""
        schedules_only(self, fields_dict(join)["parts"], self.parts)  # type: ignore[arg-type]
        if self.at is None and len(self.parts) < 2:
            msg = refusal("join(a, b)", "must be given two or more schedules", list(self.parts))
            raise InputError(msg)
        for part in self.parts[:-1] if self.at is None else ():
            if part.lasts is None:
                msg = refusal("join(at=...)", "must be given where a part has no end of its own", part)
                raise InputError(msg)
        if self.at is not None and len(self.at) != len(self.parts) - 1:
            rule = f"must have one boundary fewer than there are schedules ({len(self.parts)})"
            msg = refusal("join(at=...)", rule, list(self.at))
            raise InputError(msg)
        for part in self.parts[1:] if self.carry else ():
            if is_open(part):
                cure = "The first part carries the rate; the others may start at 1."
                msg = refusal("join(carry=True)", "must have stated peaks in all parts but the first", part, cure)
                raise InputError(msg)

    @property
    def first_leads(self) -> bool:
        """Whether the rate is the first part's alone."""
        return self.carry

    def __repr__(self) -> str:
        at = "" if self.at is None else f", at={list(self.at)!r}"
        carry = ", carry=True" if self.carry else ""
        over = "" if self.over is None else f", over={self.over!r}"
        return f"join({', '.join(map(repr, self.parts))}{at}{carry}{over})"

    def body(self) -> Place:
        """A join at the stated edges, or at the sums of the lengths."""
        if self.at is None:
            lengths = [part.lasts or () for part in self.parts[:-1]]
            edges = tuple(map(Edge, itertools.accumulate(lengths)))
        else:
            edges = tuple(Edge((d,)) for d in self.at)
        joined = Join(tuple(p.expand() for p in self.parts), edges)
        return Carried(joined) if self.carry else joined
