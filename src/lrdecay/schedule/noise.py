"""Noise as a pure function of the update: the same rate at the same update, however it was reached.

eps(n) is drawn from the n-th block of a counter-based generator keyed by the seed (Philox 4x64-10, Salmon et al. 2011,
doi:10.1145/2063384.2063405, as numpy has it), so that update 10^9 costs what update 10 does and no state is kept.

    uniform  eps = pct·(2v - 1)
    normal   eps normal with deviation std, drawn again until |eps| < pct

A block is four words of 64 bits; v and w are the first two as numbers in [0, 1), at multiples of 2^-53. Try k uses the
key (seed, k). For a narrow normal (std <= pct) a try is std·√(-2 ln(1 - w))·cos 2πv, taken if it lies within the
pct; for a wide one it is pct·(2v - 1), taken with probability e^(-eps²/2std²). Both give the truncated normal, and
neither needs more than two or three tries, whatever std and pct are.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import final

import numpy as np
from attrs import field
from numpy.typing import NDArray

from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import NoRoomError, Place, Steps
from lrdecay.schedule.segments import Rates, Segment
from lrdecay.schedule.value import value

__all__ = ["Noise", "Noisy", "NoisySegment"]

_CHUNK = 2**12  # updates whose blocks are drawn together


@final
@value
class Noise:
    """eps(n), n >= 0: a relative deviation below ``pct`` in size. Equal by content."""

    kind: str  # "normal" or "uniform"
    pct: float  # in (0, 1]
    std: float  # > 0; of the normal before it is cut
    seed: int  # 0 to 2**64 - 1

    def __call__(self, n: Steps) -> Rates:
        """One deviation for each count, shape of n; equal counts have equal deviations."""
        counts, where = np.unique(n, return_inverse=True)
        eps, left = np.zeros(counts.shape), np.arange(len(counts))
        for k in itertools.count():
            if not len(left):
                break
            v, w = _uniforms(self.seed, k, counts[left])
            tried, good = self._try(v, w)
            eps[left[good]] = tried[good]
            left = left[~good]
        spread: Rates = eps[where].reshape(n.shape)
        return spread

    def _try(self, v: Rates, w: Rates) -> tuple[Rates, NDArray[np.bool_]]:
        if self.kind == "normal" and self.std <= self.pct:
            eps = self.std * np.sqrt(-2.0 * np.log1p(-w)) * np.cos(2.0 * math.pi * v)
            return eps, np.abs(eps) < self.pct
        eps = self.pct * (2.0 * v - 1.0)
        within = np.abs(eps) < self.pct
        return eps, within if self.kind == "uniform" else within & (w < np.exp(-0.5 * (eps / self.std) ** 2))


def _uniforms(seed: int, k: int, counts: Steps) -> tuple[Rates, Rates]:
    """Two numbers in [0, 1) for each count, ascending: from the blocks that follow those counters."""
    key = np.array([seed, k], dtype=np.uint64)
    words = np.empty((len(counts), 2), dtype=np.uint64)
    edges = np.flatnonzero(np.diff(counts // _CHUNK, prepend=-1))
    for a, b in zip(edges, [*edges[1:], len(counts)], strict=True):
        first = int(counts[a])
        blocks = np.random.Philox(key=key, counter=first).random_raw(4 * (int(counts[b - 1]) - first + 1))
        words[a:b] = blocks.reshape(-1, 4)[counts[a:b] - first, :2]
    units = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return units[:, 0], units[:, 1]


@final
@value
class NoisySegment:
    """inner·(1 + eps) from update a to update b; inner elsewhere, also at b and after it."""

    start: int  # where the count begins
    a: int
    b: int
    inner: Segment
    noise: Noise

    def __call__(self, t: Steps) -> Rates:
        """inner(t)·(1 + eps(t - start)) for a <= t < b."""
        rate = np.array(self.inner(t))
        heard = (self.a <= t) & (t < self.b)
        rate[heard] += rate[heard] * self.noise(t[heard] - self.start)
        return rate


@final
@value
class Noisy(Place):
    """A node whose rates are noisy, throughout or between two boundaries."""

    inner: Place
    noise: Noise
    between: tuple[Duration, Duration] | None = field(default=None)

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """Boundaries count from the start of the span, and so does the noise; past the end there is none.

        Raises:
            NoRoomError: the second boundary lies before the first.
        """
        a, b = round_half_up(start), round_half_up(end)
        low, high = a, b
        if self.between is not None:
            low, high = (round_half_up(horizon.after(start, d)) for d in self.between)
            if high <= low:
                what = "the noise"
                raise NoRoomError(what, low, high)
        return NoisySegment(a, low, min(high, b), self.inner.place(start, end, horizon), self.noise)
