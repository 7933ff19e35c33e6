"""Ticks: a clock that counts boundaries at exact rational distances, each rounded to an update once, half up.

Tick k >= 1 falls on round(start + k·every). Counting and placing are integer arithmetic, at the same cost at update
10 as at update 10^9; in arbitrary precision where 64 bits would overflow.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import final

import numpy as np
from numpy.typing import NDArray

from lrdecay.schedule.value import value

__all__ = ["Ticks"]

Whole = NDArray[np.int64]


@final
@value
class Ticks:
    """Ticks from ``start`` on, ``every`` apart.

    round(x) <= t  ⟺  x < t + 1/2, so k(t) = ceil((t + 1/2 - start) / every) - 1 = floor((m·t + c) / d) in integers.
    The position of a tick is floor(start + k·every + 1/2) = floor((p·k + q) / r).
    """

    counting: tuple[int, int, int]  # m > 0, c, d > 0
    placing: tuple[int, int, int]  # p > 0, q, r > 0

    @classmethod
    def of(cls, start: Fraction, every: Fraction) -> Ticks:
        """Bring start and distance (> 0) to one denominator."""
        half = Fraction(1, 2)
        m, c, d = _integers(1 / every, (half - start) / every)
        return cls(_reduced(m, c - 1, d), _reduced(*_integers(every, start + half)))  # ceil(n / d) - 1 = ⌊(n - 1) / d⌋

    def passed(self, t: Whole) -> Whole:
        """How many ticks lie at or before update t; 0 before the first."""
        k = _floor(self.counting, t)
        return np.maximum(k, 0, out=k)

    def position(self, k: Whole) -> Whole:
        """The update that tick k falls on; tick 0 is the start."""
        return _floor(self.placing, k)

    def reach(self, k: Whole) -> Whole | int:
        """Updates from tick k to the next; one number where they are all as far apart."""
        p, _, r = self.placing
        return p if r == 1 else self.position(k + 1) - self.position(k)


def _integers(slope: Fraction, offset: Fraction) -> tuple[int, int, int]:
    common = slope.denominator * offset.denominator
    return int(slope * common), int(offset * common), common


def _reduced(m: int, c: int, d: int) -> tuple[int, int, int]:
    """The same floor((m·x + c) / d) for every integer x, without what m and d have in common."""
    g = math.gcd(m, d)
    return m // g, c // g, d // g


def _floor(line: tuple[int, int, int], x: Whole) -> Whole:
    """floor((m·x + c) / d), elementwise."""
    m, c, d = line
    most = int(np.max(x, initial=1))
    if most * abs(m) + abs(c) + d < 2**62:
        down = np.array(x)  # worked on in place: a new array costs more than what is computed in it
        if m != 1:
            down *= m
        down += c
        if d != 1:
            down //= d
        return down
    return np.array([(m * int(i) + c) // d for i in x.ravel()], dtype=np.int64).reshape(x.shape)
