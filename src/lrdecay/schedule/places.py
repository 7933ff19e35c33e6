"""Places: where a shape stands on the axis of updates. These nodes are all that is ever evaluated.

    Hold(v)                       v
    Ramp(a, b, shape)             a·f(u) + b·(1 - f(u)),  u = (t - start) / (end - start), held at 1 afterwards
    Progression(p, shape, every)  p·f(x),  x = (t - start) / every; with staircase, x = whole `every`s that passed
    Warm(over, rest)              rest(0)·(t + 1) / (n + 1) for t < n = over, then rest on its own clock
    Table(v)                      v[t - start], the last one held
    Join(parts, edges)            part i from edge i on; at an edge the *new* part speaks
    Span(inner, over)             inner on a span of its own length
    Scale(inner, c), Clamp(inner, low, high)

The families are equations in these: step = Progression with a staircase, multi-step = Join of Holds,
WSD = Warm of a Join of Hold and Ramp. What divides its span into equal or growing parts stands in `cycles`.

A node is *placed* on a span [start, end) of exact rational positions, which gives a `Segment`: a function of absolute
update indices. Every boundary is rounded to an update once, half up, from its exact position, so that "every 10 epochs"
does not drift when an epoch is 390.625 updates.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.segments import (
    ClampSegment,
    HoldSegment,
    JoinSegment,
    ProgressionSegment,
    RampSegment,
    ScaleSegment,
    Segment,
    StairSegment,
    TableSegment,
    WarmSegment,
)
from lrdecay.schedule.shapes import Shape
from lrdecay.schedule.value import value

if TYPE_CHECKING:
    from lrdecay.schedule.batch_clock import BatchClock

__all__ = [
    "Clamp",
    "Edge",
    "Hold",
    "Join",
    "NoRoomError",
    "Place",
    "Progression",
    "Ramp",
    "Scale",
    "Span",
    "Steps",
    "Table",
    "Warm",
    "bounds",
]

Steps = NDArray[np.int64]


class NoRoomError(Exception):
    """A part of a schedule has no update to speak for; `bind` words it for the user."""

    def __init__(self, what: str, start: int, end: int) -> None:
        self.what, self.start, self.end = what, start, end


class Place(ABC):
    """A core node. Frozen, equal by content; knows nothing of the horizon until it is placed."""

    @abstractmethod
    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """This node on the span [start, end), positions in exact updates from the start of the run.

        Raises:
            NoRoomError: the span rounds to no update at all, or a part starts before the one before it ends.
        """


@final
@value
class Edge:
    """A boundary: the sum of ``durations`` after the start of the span, or before its end."""

    durations: tuple[Duration, ...]
    before_end: bool = False

    def position(self, start: Fraction, end: Fraction, horizon: Horizon) -> Fraction:
        """The exact position of this edge."""
        position = end if self.before_end else start
        for d in self.durations:
            position = horizon.before(position, d) if self.before_end else horizon.after(position, d)
        return position


def bounds(what: str, start: Fraction, end: Fraction) -> tuple[int, int]:
    """The first update of a span and the first after it; without an update there is no room for ``what``."""
    a, b = round_half_up(start), round_half_up(end)
    if b <= a:
        raise NoRoomError(what, a, b)
    return a, b


def _paced(segment: Segment, clock: BatchClock) -> Segment:
    """A segment of samples on a clock; loaded only where the batch size changes."""
    from lrdecay.schedule.paced import Paced

    return Paced(segment, clock)


@final
@value
class Hold(Place):
    """One value for the whole span."""

    value: float  # >= 0

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:  # noqa: ARG002
        """The same everywhere."""
        return HoldSegment(self.value)


@final
@value
class Table(Place):
    """A value for each update, the last one held; values at or after the end of the span never speak."""

    values: tuple[float, ...]  # at least one, >= 0

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:  # noqa: ARG002
        """Counted from the rounded start."""
        a, b = bounds("a table", start, end)
        return TableSegment(a, np.array(self.values[: b - a]))


@final
@value
class Ramp(Place):
    """From one value to another along a closed shape, over the whole span; the end is reached at its last boundary."""

    start: float  # value at u = 0
    end: float  # value at u = 1
    shape: Shape  # closed

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """Boundaries rounded, then u is a ratio of integers: of updates, or of samples where the batch size changes."""
        a, b = bounds("a ramp", start, end)
        if horizon.clock is None:
            return RampSegment(a, b, self.start, self.end, self.shape)
        first, last = horizon.clock.consumed(np.array([a, b])).tolist()
        return _paced(RampSegment(first, last, self.start, self.end, self.shape), horizon.clock)


@final
@value
class Progression(Place):
    """An open shape on a clock that ticks once per ``every``; with a staircase only whole ticks count."""

    peak: float
    shape: Shape  # open
    every: Duration  # > 0
    staircase: bool = False

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """A staircase rounds the position of each tick; a smooth one divides by the exact length of a tick."""
        a, b = bounds("a decay", start, end)
        if self.staircase:
            return StairSegment(b, horizon.ticks(start, self.every), self.peak, self.shape)
        if horizon.clock is None or self.every.unit == "steps":
            return ProgressionSegment(a, b, float(horizon.length(self.every)), self.peak, self.shape)
        first, last = horizon.clock.consumed(np.array([a, b])).tolist()
        tick = float(horizon.samples(self.every))
        return _paced(ProgressionSegment(first, last, tick, self.peak, self.shape), horizon.clock)


@final
@value
class Warm(Place):
    """A linear warmup that wastes no update: rest(0)/(n+1) at first, rest(0) at update n, then ``rest``."""

    over: Duration  # > 0
    rest: Place

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """``rest`` has its own clock, which starts where the warmup ends."""
        middle = horizon.after(start, self.over)
        a, b = bounds("a warmup", start, middle)
        bounds("what follows the warmup", middle, end)
        return WarmSegment(a, b, self.rest.place(middle, end, horizon))


@final
@value
class Join(Place):
    """Parts one after the other, each with its own clock from its edge on."""

    parts: tuple[Place, ...]
    edges: tuple[Edge, ...]  # one fewer than parts
    whole: bool = False  # whether every part must have room

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """Parts that begin at or after the end of the span never speak: they are left out, or missed if ``whole``."""
        positions = [start, *(edge.position(start, end, horizon) for edge in self.edges)]
        for before, after in itertools.pairwise(positions):
            if after < before:
                part = "a part"
                raise NoRoomError(part, round_half_up(before), round_half_up(after))
        last = round_half_up(end)
        spoken = [i for i, p in enumerate(positions) if i == 0 or round_half_up(p) < last]
        if self.whole and len(spoken) < len(self.parts):
            what = "the last part"
            raise NoRoomError(what, round_half_up(positions[-1]), last)
        ends = [positions[i + 1] if i + 1 in spoken else end for i in spoken]
        segments = tuple(self.parts[i].place(positions[i], e, horizon) for i, e in zip(spoken, ends, strict=True))
        return JoinSegment(segments, tuple(round_half_up(positions[i]) for i in spoken[1:]))


@final
@value
class Span(Place):
    """A node on a span of its own length, counted from where it starts."""

    inner: Place
    over: tuple[Duration, ...]  # summed

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """The end of the surrounding span is replaced, even by a later one."""
        return self.inner.place(start, Edge(self.over).position(start, end, horizon), horizon)


@final
@value
class Scale(Place):
    """A node times a constant."""

    inner: Place
    factor: float  # >= 0

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """On the same span."""
        return ScaleSegment(self.inner.place(start, end, horizon), self.factor)


@final
@value
class Clamp(Place):
    """A node kept within [low, high]."""

    inner: Place
    low: float
    high: float

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """On the same span."""
        return ClampSegment(self.inner.place(start, end, horizon), self.low, self.high)
