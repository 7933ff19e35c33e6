"""Families that rise again. t counts from where the family starts, T is how long it speaks.

    warm_restarts(p, first, g, s, m)   cycle i lasts first·g^i: m + (p - m)·s^i·(1 + cos πu)/2 on each
    triangular(low, high, half)        up and down in straight lines, each over `half`
    one_cycle(p, w, a, b)              p/a to p over w, then to p/(a·b) at T

A cycle that would start at T never starts: the end value is the one the last cycle was heading for.
"""

from __future__ import annotations

from typing import Any, final

from attrs import field

from lrdecay.errors import (
    Constraint,
    InputError,
    argument,
    factor_in_unit_interval,
    non_negative,
    one_of,
    positive,
    refusal,
    true_or_false,
)
from lrdecay.schedule.base import MOVES, Family, check_floor, durations_field, family, number, peak_field
from lrdecay.schedule.cycles import Restarts, Triangles
from lrdecay.schedule.families_curves import COSINE, at_least_1
from lrdecay.schedule.fields import floor_field
from lrdecay.schedule.places import Edge, Join, Place, Ramp
from lrdecay.schedule.shapes import CLOSED_SHAPES

__all__ = ["one_cycle", "triangular", "warm_restarts"]

_growth = Constraint(
    "must be 1, or from 1.01 to 1000",
    lambda v: positive.holds(v) and (v == 1 or 1.01 <= v <= 1000),
    "Cycles keep their length or grow.",
)


@final
@family
class warm_restarts(Family):  # noqa: N801
    """Cosine annealing with warm restarts: in cycle i, floor + (peak - floor)·shrink^i·(1 + cos πu)/2.

    SGDR, Loshchilov & Hutter 2017, arXiv:1608.03983. Cycle i lasts first·growth^i; growth need not be an integer and
    is taken as the decimal that was written. Each restart is rounded to an update once from its exact position, and
    gives the peak exactly.
    """

    peak: Any = peak_field()
    first: Any = durations_field()
    growth: float = field(default=1.0, converter=number, validator=argument(_growth))
    shrink: float = field(default=1.0, converter=number, validator=argument(factor_in_unit_interval))
    floor: float = floor_field(default=0.0)
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """Restarts along a cosine."""
        return Restarts(self.peak, self.floor, COSINE, self.first, self.growth, self.shrink)


@final
@family
class triangular(Family):  # noqa: N801
    """Cyclical learning rates: from low up to high over ``half_cycle``, down again over the same, and so on.

    Smith 2017, arXiv:1506.01186, with its three scales of the height above low: "constant", "halve" (by cycle) and
    "exp" (gamma^t). ``high`` stands for the peak.

    Raises:
        InputError: high is below low, or gamma is given where the scale is not "exp".
    """

    low: float = field(converter=number, validator=argument(non_negative))
    high: float = field(converter=number, validator=argument(positive), metadata=MOVES)
    half_cycle: Any = durations_field()
    scale: str = field(default="constant", validator=argument(one_of(("constant", "halve", "exp"))))
    gamma: float = field(default=1.0, converter=number, validator=argument(factor_in_unit_interval))
    over: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """Low is below high, and gamma has something to do."""
        if self.high < self.low:
            msg = refusal("triangular(high=...)", f"must be at least low, {self.low!r}", self.high)
            raise InputError(msg)
        if self.gamma != 1.0 and self.scale != "exp":
            msg = refusal("triangular(gamma=...)", "must come with scale='exp'", self.gamma)
            raise InputError(msg)

    def body(self) -> Place:
        """Triangles."""
        shrink = 0.5 if self.scale == "halve" else 1.0
        return Triangles(self.low, self.high, self.half_cycle, shrink, self.gamma)


@final
@family
class one_cycle(Family):  # noqa: N801
    """Up once, down once: peak/start_div to peak over ``warmup``, then to peak/(start_div·end_div) at the end.

    Smith & Topin 2018, arXiv:1708.07120; rates only. With ``three_phase`` it first comes back to peak/start_div, over
    as long as the warmup. A percentage is one of the whole horizon.
    """

    peak: Any = peak_field()
    warmup: Any = durations_field(default="30%")
    start_div: float = field(default=25.0, converter=number, validator=argument(at_least_1))
    end_div: float = field(default=1e4, converter=number, validator=argument(at_least_1))
    shape: str = field(default="cosine", validator=argument(one_of(CLOSED_SHAPES)))
    three_phase: bool = field(default=False, validator=argument(true_or_false))
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Two or three ramps."""
        start, shape = self.peak / self.start_div, CLOSED_SHAPES[self.shape]
        points = (start, self.peak, start) if self.three_phase else (start, self.peak)
        ramps = tuple(Ramp(a, b, shape) for a, b in zip(points, (*points[1:], start / self.end_div), strict=True))
        return Join(ramps, tuple(Edge((self.warmup,) * i) for i in range(1, len(points))), whole=True)
