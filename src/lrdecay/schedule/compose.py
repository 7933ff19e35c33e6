"""Putting schedules together: *then*, scale, clamp.

warmup(500) + cosine(0.1)             warmup, then cosine on its own clock over what is left
warmup(500, shape="cosine") + cosine(0.1)
constant(0.1, over="30%") + linear(0.1)
scale(cosine(0.1), 0.5), 0.5 * cosine(0.1)
clamp(exponential(0.1, factor=0.99), low=0.001)

Stated boundaries are in `compose_join`; what multiplies one schedule by another, or by something that changes with the
update, is in `compose_factors`.
"""

from __future__ import annotations

from typing import Any, final

from attrs import field, fields_dict

from lrdecay.errors import InputError, argument, non_negative, one_of, refusal
from lrdecay.schedule.base import Prefix, Schedule, durations_field, family, number
from lrdecay.schedule.duration import Duration
from lrdecay.schedule.places import Clamp, Edge, Join, Place, Scale, Warm
from lrdecay.schedule.shapes import RISES

__all__ = ["chain", "clamp", "scale", "schedules_only", "then", "warmup"]


@final
@family
class warmup(Prefix):  # noqa: N801
    """A warmup before a schedule s: s(0)·f((t+1)/(n+1)) for t < n, so that the peak is reached at t = n.

    f is linear, u; cosine, (1 - cos πu)/2; or exponential, (1 - e^(-2u))/(1 - e^-2). No update is spent at a rate of
    zero, and s starts its own clock at n.
    """

    over: Any = durations_field()
    shape: str = field(default="linear", validator=argument(one_of(RISES)))


def schedules_only(instance: Any, attribute: Any, value: Any) -> None:
    """A validator: a schedule, or a tuple of them; a chain that ends in a warmup is none."""
    for given in value if isinstance(value, tuple) else (value,):
        if not isinstance(given, Schedule):
            msg = refusal(f"{type(instance).__name__}({attribute.name}=...)", "must be a schedule", given)
            raise InputError(msg)
        _ = given.lasts  # refuses a chain that ends in a warmup


def _flat(parts: Any) -> tuple[Any, ...]:
    """Chains inside a chain are opened, so that (a + b) + c is a + (b + c)."""
    return tuple(part for given in parts for part in (given.parts if isinstance(given, then) else (given,)))


@final
@family
class then(Schedule):  # noqa: N801
    """Parts one after the other; written ``a + b``. All but the last must say how long they last.

    Raises:
        InputError: a part that fills the rest of the horizon is followed by another; there are fewer than two parts.
    """

    parts: tuple[Schedule | Prefix, ...] = field(converter=_flat)

    def __attrs_post_init__(self) -> None:
        """Check the parts, and that only the last one is open-ended."""
        if len(self.parts) < 2 or not all(isinstance(part, Schedule | Prefix) for part in self.parts):
            msg = refusal("a + b", "must chain two or more schedules or warmups", self.parts)
            raise InputError(msg)
        for part in self.parts[:-1]:
            if isinstance(part, Schedule) and part.lasts is None:
                cure = 'Say how long it lasts, such as over="30%".'
                msg = refusal(f"{part!r} + ...", "must have an end before something can follow", None, cure)
                raise InputError(msg)

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """The sum of the parts, where the last one has an end."""
        last = self._last()
        if last.lasts is None:
            return None
        return tuple(d for part in self.parts for d in _length(part))

    def expand(self) -> Place:
        """Warmups wrap what follows them; the rest is joined at the sums of the lengths."""
        self._last()
        return _expand(self.parts)

    def _last(self) -> Schedule:
        last = self.parts[-1]
        if not isinstance(last, Schedule):
            msg = refusal("warmup(...)", "must be followed by a schedule", self, "Write warmup(500) + cosine(0.1).")
            raise InputError(msg)
        return last


def _length(part: Schedule | Prefix) -> tuple[Duration, ...]:
    if isinstance(part, warmup):
        return (part.over,)
    return (isinstance(part, Schedule) and part.lasts) or ()


def _expand(parts: tuple[Schedule | Prefix, ...]) -> Place:
    """A warmup ramps to the first value of all that follows it."""
    first = parts[0]
    if isinstance(first, warmup):
        rest = _expand(parts[1:])
        if first.shape == "linear":
            return Warm(first.over, rest)
        from lrdecay.schedule.places_rising import ShapedWarm

        return ShapedWarm(first.over, rest, RISES[first.shape])
    nodes: list[Place] = []
    edges: list[Edge] = []
    passed: tuple[Duration, ...] = ()
    for i, part in enumerate(parts):
        if isinstance(part, Schedule):
            nodes.append(part.expand())
        else:
            nodes.append(_expand(parts[i:]))
            break
        if i + 1 < len(parts):
            passed += _length(part)
            edges.append(Edge(passed))
    return nodes[0] if len(nodes) == 1 else Join(tuple(nodes), tuple(edges))


def chain(a: Schedule | Prefix, b: Schedule | Prefix) -> then:
    """``a + b``."""
    return then((a, b))


@final
@family
class scale(Schedule):  # noqa: N801
    """A schedule times a constant; also written ``0.5 * schedule``."""

    schedule: Schedule = field(validator=schedules_only)
    factor: Any = field(converter=number, validator=argument(non_negative))

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """As the schedule inside."""
        return self.schedule.lasts

    def expand(self) -> Place:
        """The inner nodes, scaled."""
        return Scale(self.schedule.expand(), self.factor)


@final
@family
class clamp(Schedule):  # noqa: N801
    """A schedule kept within [low, high]."""

    schedule: Schedule = field(validator=schedules_only)
    low: float = field(default=0.0, converter=number, validator=argument(non_negative))
    high: float | None = field(default=None, converter=number)

    def __attrs_post_init__(self) -> None:
        """Check that the bounds are in order."""
        if self.high is not None:
            argument(non_negative)(self, fields_dict(clamp)["high"], self.high)  # type: ignore[arg-type]
            if self.high < self.low:
                msg = refusal("clamp(high=...)", f"must be at least low={self.low!r}", self.high)
                raise InputError(msg)

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """As the schedule inside."""
        return self.schedule.lasts

    def expand(self) -> Place:
        """The inner nodes, clipped."""
        return Clamp(self.schedule.expand(), self.low, float("inf") if self.high is None else self.high)
