"""Places where a rate rises to that of the schedule it leads to, or grows into it while it runs.

    ShapedWarm(over, rest, rise)   rest(0)·f((t + 1)/(n + 1)) for t < n = over, then rest on its own clock
    Damped(inner, damper)          inner(t)·ω(t + 1), both on one clock, t from the start of the span

Dampers ω(n), n counted from 1, with β = β2 of Adam:

    linear(p)        min(1, n/p)
    exponential(p)   1 - e^(-n/p)
    radam(β)         √((ρ - 4)(ρ - 2)ρ∞ / ((ρ∞ - 4)(ρ∞ - 2)ρ)),  ρ∞ = 2/(1 - β) - 1,  ρ = ρ∞ - 2k·β^k/(1 - β^k),
                     k = n + the count of updates for which ρ <= 4

Ma & Yarats 2019, arXiv:1910.04209; Liu et al. 2020, arXiv:1908.03265, section 3.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import final

import numpy as np

from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import Place, Steps, bounds
from lrdecay.schedule.segments import Rates, Segment
from lrdecay.schedule.shapes import Shape
from lrdecay.schedule.value import value

__all__ = ["Damped", "DampedSegment", "Damper", "ShapedWarm", "ShapedWarmSegment", "first_rectified"]


@final
@value
class ShapedWarmSegment:
    """Rising along a curve to target = rest at update b, then rest; a is the first update."""

    a: int
    b: int
    rest: Segment
    rise: Shape

    def __call__(self, t: Steps) -> Rates:
        """rest(b)·f((t - a + 1) / (b - a + 1)) before b."""
        target = self.rest(np.array([self.b]))
        u = np.clip(t - self.a + 1, 0, self.b - self.a + 1) / (self.b - self.a + 1)
        rate: Rates = np.where(t < self.b, target[0] * self.rise(u, np), self.rest(np.maximum(t, self.b)))
        return rate


@final
@value
class ShapedWarm(Place):
    """`Warm` along another rise than a straight line: it wastes no update and arrives at update n."""

    over: Duration  # > 0
    rest: Place
    rise: Shape

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """As `Warm`: ``rest`` has its own clock, which starts where the warmup ends."""
        middle = horizon.after(start, self.over)
        a, b = bounds("a warmup", start, middle)
        bounds("what follows the warmup", middle, end)
        return ShapedWarmSegment(a, b, self.rest.place(middle, end, horizon), self.rise)


def first_rectified(beta2: float) -> int:
    """How many updates RAdam takes without its adaptive rate: those with ρ <= 4.

    Args:
        beta2: at least such that ρ∞ = 2/(1 - beta2) - 1 > 4.
    """
    return next(k for k in itertools.count(1) if float(_rho(np.array([float(k)]), beta2)[0]) > 4.0) - 1


def _rho(k: Rates, beta2: float) -> Rates:
    """The length of the approximated simple moving average, ρ_k; k >= 1."""
    past = k * math.log(beta2)
    rho: Rates = (2.0 / (1.0 - beta2) - 1.0) + 2.0 * k * np.exp(past) / np.expm1(past)
    return rho


@final
@value
class Damper:
    """A factor that grows towards 1 with n, the count of updates from 1. Equal by content."""

    by: str  # "linear", "exponential" or "radam"
    period: float  # updates, > 0; for radam the count of updates it skips
    beta2: float = 0.0  # radam's

    def __call__(self, n: Steps) -> Rates:
        """ω(n) in [0, 1], n >= 1."""
        count = n.astype(np.float64)
        if self.by == "linear":
            straight: Rates = np.minimum(1.0, count / self.period)
            return straight
        if self.by == "exponential":
            return -np.expm1(-count / self.period)
        rho, limit = _rho(count + self.period, self.beta2), 2.0 / (1.0 - self.beta2) - 1.0
        square = (rho - 4.0) / (limit - 4.0) * ((rho - 2.0) / (limit - 2.0)) * (limit / rho)
        factor: Rates = np.sqrt(np.clip(square, 0.0, 1.0))
        return factor


@final
@value
class DampedSegment:
    """inner times a damper, held from update b on."""

    a: int
    b: int
    inner: Segment
    damper: Damper

    def __call__(self, t: Steps) -> Rates:
        """inner(t)·ω(t - a + 1)."""
        return self.inner(t) * self.damper(np.clip(t, self.a, self.b) - self.a + 1)


@final
@value
class Damped(Place):
    """A node that is damped at first, on its own clock from its first update."""

    inner: Place
    by: str  # "linear", "exponential" or "radam"
    period: Duration | float  # a duration; or updates, where β2 says it
    beta2: float = 0.0

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """The exact length of the period counts; nothing is rounded."""
        period = float(horizon.length(self.period)) if isinstance(self.period, Duration) else self.period
        a, b = round_half_up(start), round_half_up(end)
        return DampedSegment(a, max(a, b), self.inner.place(start, end, horizon), Damper(self.by, period, self.beta2))
