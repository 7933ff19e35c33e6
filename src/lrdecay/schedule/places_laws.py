"""Places whose height comes from a law instead of a stated peak: of the model's width, or of the tokens seen.

Noam(d, w, s)              s·d^-1/2·min(n^-1/2, n·w^-3/2),  n = t + 1 counted from the start of the span
TokenLaw(p, c, b, w)       min(p, c·n^-b), n tokens from the start of the span, after a linear warmup
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import final

import numpy as np

from lrdecay.schedule.duration import Duration, duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import NoRoomError, Place, Steps, bounds
from lrdecay.schedule.segments import ProgressionSegment, Rates, Segment, WarmSegment
from lrdecay.schedule.shapes import Shape, power_law_shape
from lrdecay.schedule.value import value

__all__ = ["Noam", "TokenLaw", "TokenLawSegment", "noam_peak", "whole_warmup"]


def whole_warmup(length: Fraction) -> int:
    """Updates in a warmup that is a number in a formula instead of a boundary: rounded half up, at least one."""
    return max(round_half_up(length), 1)


@final
@value
class Noam(Place):
    """A straight rise to s/√(d·w) at update w - 1, then the inverse square root of the count of updates."""

    width: int  # d > 0
    warmup: Duration  # > 0
    scale: float  # s > 0

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """With x = (n - w)/w, (1 + x)^-1/2 = √(w/n); its peak is reached by an update, or there is no room for it."""
        a, b = bounds("a decay", start, end)
        w = whole_warmup(horizon.length(self.warmup))
        if a + w > b:
            what = "a warmup"
            raise NoRoomError(what, a, a + w)
        fall = ProgressionSegment(a + w - 1, b, float(w), noam_peak(self.width, w, self.scale), _ROOT)
        return WarmSegment(a, a + w - 1, fall)


_ROOT = Shape(power_law_shape, (0.5,))


def noam_peak(width: int, warmup: int, scale: float) -> float:
    """Scale / √(width·warmup): the highest rate, at n = warmup."""
    return scale / math.sqrt(width) / math.sqrt(warmup)


@final
@value
class TokenLawSegment:
    """A power law of the tokens seen since update a, under a cap, held from update b on."""

    a: int
    b: int
    cap: float
    amplitude: float  # rate at one token
    exponent: float
    tokens: float  # in one update

    def __call__(self, t: Steps) -> Rates:
        """min(cap, amplitude·n^-exponent) with n = tokens·(t - a); the cap at n = 0."""
        n = np.clip(t - self.a, 0, self.b - self.a) * self.tokens
        law = self.amplitude * np.power(np.where(n > 0, n, 1.0), -self.exponent)
        rate: Rates = np.where(n > 0, np.minimum(self.cap, law), self.cap)
        return rate


@final
@value
class TokenLaw(Place):
    """A linear warmup to where the law stands, then the law; tokens are counted from the start of the warmup."""

    cap: float
    amplitude: float
    exponent: float
    warmup: Duration  # 0 for none

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """The horizon must say what one token is."""
        tokens = float(1 / horizon.length(duration("1tok")))
        a, b = bounds("a decay", start, end)
        law = TokenLawSegment(a, b, self.cap, self.amplitude, self.exponent, tokens)
        if not self.warmup.amount:
            return law
        middle = horizon.after(start, self.warmup)
        _, top = bounds("a warmup", start, middle)
        bounds("what follows the warmup", middle, end)
        return WarmSegment(a, top, law)
