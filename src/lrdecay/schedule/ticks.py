"""Ticks: a clock that counts boundaries at exact rational distances, each rounded to an update once, half up.

Tick k >= 1 falls on round(start + k·every). Counting and placing are integer arithmetic, at the same cost at update
10 as at update 10^9; in arbitrary precision where 64 bits would overflow.
"""

from __future__ import annotations

from fractions import Fraction
from typing import final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["Ticks"]

Whole = NDArray[np.int64]


@final
@frozen
class Ticks:
    """Ticks from ``start`` on, ``every`` apart.

    round(x) <= t  ⟺  x < t + 1/2, so k(t) = ceil((t + 1/2 - start) / every) - 1 = ceil((m·t + c) / d) - 1 in integers.
    The position of a tick is floor(start + k·every + 1/2) = floor((p·k + q) / r).
    """

    counting: tuple[int, int, int]  # m > 0, c, d > 0
    placing: tuple[int, int, int]  # p > 0, q, r > 0

    @classmethod
    def of(cls, start: Fraction, every: Fraction) -> Ticks:
        """Bring start and distance (> 0) to one denominator."""
        half = Fraction(1, 2)
        return cls(_integers(1 / every, (half - start) / every), _integers(every, start + half))

    def passed(self, t: Whole) -> Whole:
        """How many ticks lie at or before update t; 0 before the first."""
        m, c, d = self.counting
        return np.maximum(-_floor((-m, -c, d), t) - 1, 0)

    def position(self, k: Whole) -> Whole:
        """The update that tick k falls on; tick 0 is the start."""
        return _floor(self.placing, k)


def _integers(slope: Fraction, offset: Fraction) -> tuple[int, int, int]:
    common = slope.denominator * offset.denominator
    return int(slope * common), int(offset * common), common


def _floor(line: tuple[int, int, int], x: Whole) -> Whole:
    """floor((m·x + c) / d), elementwise."""
    m, c, d = line
    most = int(np.max(x, initial=1))
    if most * abs(m) + abs(c) + d < 2**62:
        down: Whole = (m * x + c) // d
        return down
    return np.array([(m * int(i) + c) // d for i in x.ravel()], dtype=np.int64).reshape(x.shape)
