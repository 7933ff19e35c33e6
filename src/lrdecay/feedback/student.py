"""Student's t distribution for whole degrees of freedom, without scipy: rules run where only the core is installed.

P(|T| <= t; k) as a finite sum in θ = arctan(t / √k)      (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4)
"""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["t_within", "two_sided"]


def t_within(t: float, dof: int) -> float:
    """P(|T| <= t) for t >= 0 and dof >= 1."""
    angle = math.atan2(t, math.sqrt(dof))
    sine, cosine = math.sin(angle), math.cos(angle)
    term = cosine if dof % 2 else 1.0
    total = term if dof > 1 else 0.0
    for j in range(2 + dof % 2, dof - 1, 2):
        term *= cosine * cosine * (j - 1) / j
        total += term
    return (angle + sine * total) * 2 / math.pi if dof % 2 else sine * total


@lru_cache(maxsize=1024)
def two_sided(significance: float, dof: int) -> float:
    """The t that |T| exceeds with probability ``significance``, in (0, 1); dof >= 1. To about 1e-12, by bisection."""
    low, high = 0.0, 1.0
    while t_within(high, dof) < 1 - significance:
        low, high = high, 2 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if t_within(middle, dof) < 1 - significance else (low, middle)
    return 0.5 * (low + high)
