"""timm's arithmetic at one tick of its clock, where a tick is an epoch or an update; and its cycles.

Cycle i lasts t_initial·cycle_mul^i. timm finds it by ⌊log(1 - t/t_initial·(1 - cycle_mul), cycle_mul)⌋, which rounding
puts one too low at some restarts: that update is made at the floor, where the cycle's peak was meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from attrs import frozen

__all__ = ["Curve", "Cycles", "cosine_rate", "poly_rate", "tanh_rate", "wsd_rate"]

Curve = Callable[[int], float]
"""The rate at a tick of a clock without warmup."""


@frozen
class Cycles:
    """How timm divides its clock: cycles that grow by ``mul``, start at lr·decay^i, and are ``limit`` in number."""

    first: int  # ticks, > 0
    mul: float = 1.0  # > 0
    decay: float = 1.0
    limit: int = 1

    def at(self, t: int) -> tuple[int, float, float]:
        """Index of the cycle, its length, and how far t is into it, as timm computes them."""
        if self.mul == 1:
            i = t // self.first
            return i, self.first, t - self.first * i
        i = math.floor(math.log(1 - t / self.first * (1 - self.mul), self.mul))
        return i, self.mul**i * self.first, t - (1 - self.mul**i) / (1 - self.mul) * self.first

    def start(self, i: int) -> Fraction:
        """The tick that cycle i starts at, exactly, cycle_mul taken as the decimal that was written."""
        mul = Fraction(repr(self.mul))
        return self.first * (Fraction(i) if mul == 1 else (mul**i - 1) / (mul - 1))

    def misfire(self, ticks: int) -> int:
        """The first tick below ``ticks`` that starts a cycle and that timm takes for the cycle before; -1 for none."""
        i = 1
        while self.mul > 1 and i < self.limit and self.start(i) < ticks:
            t = self.start(i)
            if t.denominator == 1 and self.at(int(t))[0] < i:
                return int(t)
            i += 1
        return -1


def cosine_rate(lr: float, floor: float, cycles: Cycles, k: float) -> Curve:
    """CosineLRScheduler: floor + (lr·decay^i - floor)(1 + cos(π(t/T)^k))/2 within a cycle, the floor after the last."""

    def rate(t: int) -> float:
        i, length, into = cycles.at(t)
        if i >= cycles.limit:
            return floor
        return floor + 0.5 * (lr * cycles.decay**i - floor) * (1 + math.cos(math.pi * into**k / length**k))

    return rate


def poly_rate(lr: float, floor: float, cycles: Cycles, k: float, power: float) -> Curve:
    """PolyLRScheduler: floor + (lr·decay^i - floor)(1 - (t/T)^k)^power."""

    def rate(t: int) -> float:
        i, length, into = cycles.at(t)
        if i >= cycles.limit:
            return floor
        return floor + (lr * cycles.decay**i - floor) * float((1 - into**k / length**k) ** power)

    return rate


def tanh_rate(lr: float, floor: float, cycles: Cycles, lower: float, upper: float) -> Curve:
    """TanhLRScheduler: floor + (lr·decay^i - floor)(1 - tanh(lower(1 - u) + upper·u))/2, u = t/T."""

    def rate(t: int) -> float:
        i, length, into = cycles.at(t)
        if i >= cycles.limit:
            return floor
        u = into / length
        return floor + 0.5 * (lr * cycles.decay**i - floor) * (1 - math.tanh(lower * (1.0 - u) + upper * u))

    return rate


def wsd_rate(lr: float, floor: float, stable: Curve, hold: int, decay: int, shape: Callable[[float], float]) -> Curve:
    """WSDLRScheduler after its warmup: stable(t) for ``hold`` ticks, then towards the floor over ``decay``."""

    def rate(t: int) -> float:
        level = max(lr * stable(t), floor)
        return level if t <= hold else floor + (level - floor) * shape(min((t - hold) / decay, 1.0))

    return rate
