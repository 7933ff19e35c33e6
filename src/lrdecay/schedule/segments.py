"""Segments: places with their numbers filled in. Functions from absolute update indices to float64 rates.

`places` makes them; nothing else does. Each takes an int64 array and returns a float64 array of its shape.
Counts of staircases and cycles are integer arithmetic (`ticks`); no logarithm is ever floored.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lrdecay.schedule.shapes import Shape
from lrdecay.schedule.ticks import Ticks
from lrdecay.schedule.value import value

if TYPE_CHECKING:
    from lrdecay.schedule.batch_clock import ClockTicks

__all__ = [
    "ClampSegment",
    "HoldSegment",
    "JoinSegment",
    "ProgressionSegment",
    "RampSegment",
    "ScaleSegment",
    "Segment",
    "StairSegment",
    "TableSegment",
    "WarmSegment",
    "between",
]

Steps = NDArray[np.int64]
Rates = NDArray[np.float64]
Segment = Callable[[Steps], Rates]


@final
@value
class HoldSegment:
    """value, everywhere."""

    value: float

    def __call__(self, t: Steps) -> Rates:
        """The held value."""
        return np.full(t.shape, self.value)


@final
@frozen(eq=False)
class TableSegment:
    """A value for each update from a on, the last one held."""

    a: int
    values: Rates

    def __call__(self, t: Steps) -> Rates:
        """values[t - a]."""
        rate: Rates = self.values[np.clip(t - self.a, 0, len(self.values) - 1)]
        return rate


@final
@value
class RampSegment:
    """A closed shape from ``start`` at update a to ``end`` at update b, held outside."""

    a: int
    b: int  # > a
    start: float
    end: float
    shape: Shape

    def __call__(self, t: Steps) -> Rates:
        """start·f(u) + end·(1 - f(u)): exact at both ends."""
        u = np.clip(t - self.a, 0, self.b - self.a) / (self.b - self.a)
        return between(self.start, self.end, self.shape(u, np))


@final
@value
class ProgressionSegment:
    """An open shape on a smooth clock, held from update b on."""

    a: int
    b: int
    tick: float  # updates, > 0
    peak: float
    shape: Shape

    def __call__(self, t: Steps) -> Rates:
        """peak·f((t - a) / tick)."""
        x = np.clip(t - self.a, 0, self.b - self.a) / self.tick
        rate: Rates = self.shape(x, np)
        rate *= self.peak
        return rate


@final
@value
class StairSegment:
    """An open shape on whole ticks, up to the last update before b: a tick at b is no longer taken."""

    b: int
    ticks: Ticks | ClockTicks
    peak: float
    shape: Shape

    def __call__(self, t: Steps) -> Rates:
        """peak·f(k(t))."""
        k = self.ticks.passed(np.minimum(t, self.b - 1))
        rate: Rates = self.shape(k.astype(np.float64), np)
        rate *= self.peak
        return rate


@final
@value
class WarmSegment:
    """target/(n+1) at update a, rising linearly to target = rest at update b = a + n, then rest."""

    a: int
    b: int
    rest: Segment

    def __call__(self, t: Steps) -> Rates:
        """rest(b)·(t - a + 1) / (n + 1) before b."""
        target = self.rest(np.array(self.b))

        def ramp(early: Steps) -> Rates:
            rate: Rates = target * ((early - self.a + 1) / (self.b - self.a + 1))
            return rate

        return _in_parts((ramp, self.rest), (self.b,), t)


@final
@value
class JoinSegment:
    """Parts with integer edges; each part is evaluated only where it speaks."""

    parts: tuple[Segment, ...]
    edges: tuple[int, ...]  # ascending, one fewer than parts

    def __call__(self, t: Steps) -> Rates:
        """At an edge the new part speaks."""
        return _in_parts(self.parts, self.edges, t)


@final
@value
class ScaleSegment:
    """inner times a constant."""

    inner: Segment
    factor: float

    def __call__(self, t: Steps) -> Rates:
        """factor·inner(t)."""
        return self.factor * self.inner(t)


@final
@value
class ClampSegment:
    """inner kept within [low, high]."""

    inner: Segment
    low: float
    high: float

    def __call__(self, t: Steps) -> Rates:
        """min(max(inner(t), low), high)."""
        return np.clip(self.inner(t), self.low, self.high)


def between(start: float, end: float, f: Rates) -> Rates:
    """start·f + end·(1 - f), for f in [0, 1], in place: a new array costs more than what is computed in it."""
    if end == 0.0:
        f *= start
        return f
    rest = 1.0 - f
    rest *= end
    f *= start
    f += rest
    return f


def _in_parts(parts: Sequence[Segment], edges: Sequence[int], t: Steps) -> Rates:
    """Each part where it speaks, from its edge on; a run in order is cut into slices, anything else is picked apart."""
    out = np.empty(t.shape)
    if t.ndim == 1 and bool(np.all(t[1:] >= t[:-1])):
        cuts = [0, *np.searchsorted(t, edges).tolist(), len(t)]
        for part, (first, last) in zip(parts, itertools.pairwise(cuts), strict=True):
            if first < last:
                out[first:last] = part(t[first:last])
        return out
    which = np.searchsorted(np.array(edges, dtype=np.int64), t, side="right")
    for i in np.unique(which):
        mask = which == i
        out[mask] = parts[i](t[mask])
    return out
