"""Cycles: places that divide their span into equal or growing parts. They stand beside `places`.

    Halvings(p)                          p / 2^⌊n·(t - start)/(end - start)⌋, n = ⌊log2(end - start)⌋ equal phases
    Restarts(p, m, shape, first, g, s)   cycle i lasts first·g^i; m + (p - m)·s^i·f(u), u from 0 to 1 in each
    Triangles(low, high, half, s, r)     up for ``half``, down for ``half``; low + (high - low)·s^i·r^t·h

i counts cycles from 0, h is the height in the triangle, from 0 to 1. Every boundary is rounded to an update once, half
up, from its exact position; a cycle that would start at the end of the span or after it never starts, so that the end
value is the one that the last cycle was heading for.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol, final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.batch_clock import ClockTicks
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import NoRoomError, Place, Steps
from lrdecay.schedule.segments import Rates, Segment, StairSegment, between
from lrdecay.schedule.shapes import Shape, geometric_shape
from lrdecay.schedule.ticks import Ticks
from lrdecay.schedule.value import value

__all__ = ["CycleSegment", "EvenClock", "GrowingClock", "Halvings", "Restarts", "TriangleSegment", "Triangles"]


class _Clock(Protocol):
    """Says which cycle an update is in, and from where to where that cycle goes."""

    def __call__(self, t: Steps) -> tuple[Steps, Steps, Steps | int]:
        """Index of the cycle, its first update, how many updates it has; one number where all have as many."""


@final
@value
class EvenClock:
    """Cycles of one length, up to the last update before b."""

    b: int
    ticks: Ticks | ClockTicks

    def __call__(self, t: Steps) -> tuple[Steps, Steps, Steps | int]:
        """Counted in integers, at the same cost everywhere."""
        k = self.ticks.passed(np.minimum(t, self.b - 1))
        return k, self.ticks.position(k), self.ticks.reach(k)


@final
@frozen(eq=False)
class GrowingClock:
    """Cycles that grow: few enough to be listed."""

    edges: NDArray[np.int64]  # rising: where each cycle starts, and where the last one would end

    def __call__(self, t: Steps) -> tuple[Steps, Steps, Steps | int]:
        """Looked up; before the first it is the first, after the last the last."""
        k = np.clip(np.searchsorted(self.edges, t, side="right") - 1, 0, len(self.edges) - 2)
        a = self.edges[k]
        return k, a, self.edges[k + 1] - a


@final
@value
class CycleSegment:
    """A closed shape, again and again, held from update b on."""

    b: int
    clock: _Clock
    peak: float
    floor: float
    shrink: float
    shape: Shape

    def __call__(self, t: Steps) -> Rates:
        """The floor + (peak - floor)·shrink^k·f(u), exact at both ends of a cycle."""
        last = np.minimum(t, self.b)
        k, a, length = self.clock(last)
        height: Rates = self.shape(np.maximum(last - a, 0) / length, np)
        if self.shrink != 1.0:
            height *= np.power(self.shrink, k.astype(np.float64))
        return between(self.peak, self.floor, height)


@final
@value
class TriangleSegment:
    """Up and down again in equal halves, held from update b on."""

    a: int
    b: int
    halves: Ticks | ClockTicks
    low: float
    high: float
    shrink: float  # by cycle
    gamma: float  # by update

    def __call__(self, t: Steps) -> Rates:
        """The low + (high - low)·shrink^⌊k/2⌋·gamma^(t - a)·h, with k halves passed."""
        last = np.minimum(t, self.b)
        k = self.halves.passed(np.minimum(t, self.b - 1))
        u = np.maximum(last - self.halves.position(k), 0) / self.halves.reach(k)
        height: Rates = np.asarray(u)
        np.subtract(1.0, height, out=height, where=(k & 1).astype(np.bool_))
        if self.shrink != 1.0:
            height *= np.power(self.shrink, (k >> 1).astype(np.float64))
        if self.gamma != 1.0:
            height *= np.power(self.gamma, np.maximum(last - self.a, 0).astype(np.float64))
        return between(self.high, self.low, height)


@final
@value
class Halvings(Place):
    """Equal phases, as many as the span can be halved, each at half the rate of the one before it."""

    peak: float

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:  # noqa: ARG002
        """⌊log2(updates)⌋ phases, at least one; the logarithm is the length of an integer in bits."""
        a, b = (round_half_up(start), round_half_up(end))
        if b <= a:
            what = "a decay"
            raise NoRoomError(what, a, b)
        phases = max((b - a).bit_length() - 1, 1)
        return StairSegment(b, Ticks.of(start, (end - start) / phases), self.peak, Shape(geometric_shape, (0.5,)))


@final
@value
class Restarts(Place):
    """A closed shape that starts again from the peak, in cycles of first, first·growth, first·growth², ..."""

    peak: float
    floor: float
    shape: Shape  # closed
    first: Duration
    growth: float  # 1, or at least 1.01; the decimal that was written, exactly
    shrink: float = field(default=1.0)  # of the peak above the floor, by cycle

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """Cycles of one length are counted; those that grow are listed, there being only logarithmically many."""
        a, b = round_half_up(start), round_half_up(end)
        length = _room("a cycle", a, b, horizon.length(self.first))
        clock: _Clock
        if self.growth == 1.0:
            clock = EvenClock(b, horizon.ticks(start, self.first))
        elif horizon.clock is not None:
            msg = refusal("warm_restarts(growth=...)", "must be 1 where the batch size changes", self.growth)
            raise InputError(msg)
        else:
            clock = GrowingClock(np.array(_growing(start, length, Fraction(repr(self.growth)), b), dtype=np.int64))
        return CycleSegment(b, clock, self.peak, self.floor, self.shrink, self.shape)


@final
@value
class Triangles(Place):
    """Straight up and straight down, each over ``half``, again and again."""

    low: float
    high: float
    half: Duration
    shrink: float = 1.0
    gamma: float = 1.0

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """The top of a triangle is a boundary of its own, so that an update always reaches it."""
        a, b = round_half_up(start), round_half_up(end)
        _room("half a cycle", a, b, horizon.length(self.half))
        return TriangleSegment(a, b, horizon.ticks(start, self.half), self.low, self.high, self.shrink, self.gamma)


def _room(what: str, a: int, b: int, length: Fraction) -> Fraction:
    """The length, if the span has an update and the length is one or more."""
    if b <= a or length < 1:
        raise NoRoomError(what, a, min(b, a))
    return length


def _growing(start: Fraction, first: Fraction, growth: Fraction, b: int) -> list[int]:
    """round(start + first·(1 + g + ... + g^(i-1))) for i = 0, 1, ..., up to the first at or after b, exactly.

    With g = p/q the sum of i + 1 terms is n/q^i, n' = n·q + p^(i+1): integers only, no greatest common divisors.
    """
    p, q = growth.numerator, growth.denominator
    edges = [round_half_up(start)]
    total, power, scale = 1, 1, 1  # (1 + ... + g^i)·q^i, p^i, q^i
    common = 2 * start.denominator * first.denominator
    offset, length = int((start + Fraction(1, 2)) * common), int(first * common)
    while edges[-1] < b:
        edges.append((offset * scale + length * total) // (common * scale))
        power *= p
        total = total * q + power
        scale *= q
    return edges
