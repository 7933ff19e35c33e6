"""A clock for runs whose batch size changes: from samples to updates and back, exactly.

The batch size is constant between changes. Change i lies at s_i samples from the start of the run, exactly; from it on,
an update takes B_i samples. Updates are counted in the exact rational

    updates(s) = u_i + (s - s_i) / B_i  for s_i <= s,    u_{i+1} = updates(s_{i+1}),  u_0 = s_0 = 0

and ``samples`` is its inverse. The update from which on the new batch size is used is u_i, rounded half up like every
boundary; ``consumed`` counts the whole samples that updates really took, which is off ``samples`` by less than the
larger batch at each change.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lrdecay.schedule.duration import round_half_up
from lrdecay.schedule.ticks import Ticks
from lrdecay.schedule.value import value

__all__ = ["BatchClock", "ClockTicks"]

Steps = NDArray[np.int64]


@final
@value
class BatchClock:
    """Pieces of constant batch size, in the order of time; the first starts at 0."""

    starts: tuple[Fraction, ...]  # s_i, samples, rising
    sizes: tuple[int, ...]  # B_i, samples in one update
    positions: tuple[Fraction, ...]  # u_i, updates, exact

    @classmethod
    def of(cls, first: int) -> BatchClock:
        """One batch size for the whole run."""
        return cls((Fraction(0),), (first,), (Fraction(0),))

    def then(self, start: Fraction, size: int) -> BatchClock:
        """This clock with another change after its last one."""
        return BatchClock((*self.starts, start), (*self.sizes, size), (*self.positions, self.updates(start)))

    def updates(self, samples: Fraction) -> Fraction:
        """How many updates the first ``samples`` samples are, exact."""
        i = max(i for i, s in enumerate(self.starts) if s <= samples or i == 0)
        return self.positions[i] + (samples - self.starts[i]) / self.sizes[i]

    def samples(self, updates: Fraction) -> Fraction:
        """How many samples the first ``updates`` updates are, exact."""
        i = max(i for i, u in enumerate(self.positions) if u <= updates or i == 0)
        return self.starts[i] + (updates - self.positions[i]) * self.sizes[i]

    @property
    def edges(self) -> tuple[int, ...]:
        """The update from which on each size is used, rounded half up; the first is 0."""
        return tuple(map(round_half_up, self.positions))

    def sizes_at(self, t: Steps) -> Steps:
        """The batch size of update t, elementwise: int64."""
        which = np.searchsorted(np.array(self.edges[1:], dtype=np.int64), t, side="right")
        size: Steps = np.array(self.sizes, dtype=np.int64)[which]
        return size

    def consumed(self, t: Steps) -> Steps:
        """The whole samples taken by the updates before t, elementwise: int64."""
        edges, sizes = np.array(self.edges, dtype=np.int64), np.array(self.sizes, dtype=np.int64)
        before = np.concatenate(([0], np.cumsum(np.diff(edges) * sizes[:-1])))
        which = np.searchsorted(edges[1:], t, side="right")
        taken: Steps = before[which] + (t - edges[which]) * sizes[which]
        return taken

    def step_of(self, consumed: int) -> int:
        """The first update before which at least ``consumed`` samples were taken."""
        low, high = 0, max(consumed // min(self.sizes) + 1, 1)
        while low < high:
            middle = (low + high) // 2
            if int(self.consumed(np.array(middle))) >= consumed:
                high = middle
            else:
                low = middle + 1
        return low


@final
@value
class ClockTicks:
    """Ticks that are evenly many samples apart on a clock, each rounded to an update half up, as those of `Ticks`.

    Between two changes of the batch size they are evenly many updates apart too: one `Ticks` for each piece.
    """

    edges: tuple[int, ...]  # the update from which on each piece counts
    firsts: tuple[int, ...]  # the tick from which on each piece places
    pieces: tuple[Ticks, ...]

    @classmethod
    def of(cls, clock: BatchClock, start: Fraction, every: Fraction) -> ClockTicks:
        """Tick k lies at start + k·every samples; both exact, every > 0."""
        pieces = tuple(
            Ticks.of(u + (start - s) / size, every / size)
            for s, u, size in zip(clock.starts, clock.positions, clock.sizes, strict=True)
        )
        return cls(clock.edges, tuple(math.ceil((s - start) / every) for s in clock.starts), pieces)

    def passed(self, t: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many ticks lie at or before update t; 0 before the first."""
        return self._by_piece(self.edges, t, [piece.passed for piece in self.pieces])

    def position(self, k: NDArray[np.int64]) -> NDArray[np.int64]:
        """The update that tick k falls on; tick 0 is the start."""
        return self._by_piece(self.firsts, k, [piece.position for piece in self.pieces])

    def reach(self, k: Steps) -> Steps:
        """Updates from tick k to the next."""
        return self.position(k + 1) - self.position(k)

    def _by_piece(self, edges: tuple[int, ...], x: Any, answers: list[Callable[[Any], Any]]) -> NDArray[np.int64]:
        which = np.searchsorted(np.array(edges[1:], dtype=np.int64), x, side="right")
        out = np.empty(np.shape(x), dtype=np.int64)
        for i in np.unique(which):
            out[which == i] = answers[i](x[which == i])
        return out
