"""The edge of a property on a geometric grid of rates, by bisection: where it is had, and one grid step on it is not.

The grid is tuned · 2^(i/4), i whole, so an edge is known within a factor 2^(1/4) = 1.19. It is assumed that along the
grid the property is lost once; where runs near the edge do now this and now that, another of its changes may be found,
which counts as this seed's edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from lrdecay.errors import InputError, refusal

__all__ = ["PER_DOUBLING", "edge", "rate_at"]

PER_DOUBLING = 4
"""Grid steps in a factor of two."""


def edge(has: Callable[[int], bool], inside: int, outside: int) -> int | None:
    """The last grid index, going from ``inside`` to ``outside``, that has the property; None: ``outside`` has it too.

    Args:
        has: whether the rate of an index has it; called for about log2 |outside - inside| of them.
        inside: an index that has it; it is not asked again.
        outside: an index far enough away.

    Raises:
        InputError: both are the same.
    """
    if inside == outside:
        msg = refusal("edge(outside=...)", f"must not be inside, {inside}", outside)
        raise InputError(msg)
    if has(outside):
        return None
    good, bad = inside, outside
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if has(middle) else (good, middle)
    return good


def rate_at(tuned: float, index: int) -> float:
    """Tuned · 2^(index/4), in 12 digits, so that the same rate is the same run."""
    if index == 0:
        return tuned
    found = tuned * 2 ** (index / PER_DOUBLING)
    return round(found, 12 - math.floor(math.log10(abs(found))))
