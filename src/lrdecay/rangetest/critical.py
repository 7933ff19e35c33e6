"""The critical rate: the largest step along the real update that does not raise the loss of the batch it was made on.

With w the weights, d the optimizer's update per unit of rate (momentum, preconditioning and weight decay included) and
L the training loss of one batch,

    critical rate = sup { r : L(w + s d) <= L(w) for all s <= r },   critical sharpness = 2 / critical rate

(Kalra et al. 2026, "A scalable measure of loss landscape curvature", arXiv:2601.16979). It is found by forward passes
alone: factors of four until the loss is raised, or no longer raised, then halving the gap on the logarithmic axis. So
it is a crossing between two tried rates, the first that steps of four can see.

A rate near the critical one is bound by it: larger ones make the loss rise, at the edge of stability. A rate far below
is held down by something else, such as noise, or could be raised. It says nothing about the best rate by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from attrs import asdict, frozen

__all__ = ["MOST_PASSES", "NEAR", "AlongUpdate", "Critical", "critical_rate", "typical"]

MOST_PASSES = 12
"""Forward passes, the one at the weights themselves included."""

NEAR = 0.5
"""A rate above this share of the critical one counts as bound by it; a convention, the ratio itself is reported."""

_FACTOR = 4.0
_CLOSE = 2**0.25  # the two sides of the crossing are at most this far apart


@runtime_checkable
class AlongUpdate(Protocol):
    """A trainable that can look along its next update."""

    def along_update(self) -> Callable[[float], float] | None:
        """Make one real update; f(r) is then the loss of its batch at w + r d. None: the batch cannot be had again.

        It leaves the trainable changed: for the caller to restore.
        """


@frozen
class Critical:
    """Where the loss along one update begins to rise."""

    rate: float | None  # the largest rate tried that does not raise the loss; None: `why_not`
    raises_at: float | None  # the smallest rate tried above it that does; None: none was reached
    passes: int  # forward passes made
    why_not: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def critical_rate(loss: Callable[[float], float], start: float) -> Critical:
    """Search for the crossing.

    Args:
        loss: f(r), the loss at w + r d; f(0) is the loss before the update.
        start: the rate to try first, > 0; the nearer, the fewer passes.
    """
    base, passes = loss(0.0), 1
    if not math.isfinite(base):
        return Critical(None, None, passes, "the loss is not finite at the weights themselves")

    def raised(rate: float) -> bool:
        value = loss(rate)
        return not value <= base  # nan and inf raise it

    below, above = 0.0, math.inf
    rate = start
    while passes < MOST_PASSES:
        passes += 1
        if raised(rate):
            above = rate
        else:
            below = rate
        if below and above < math.inf:
            if above <= below * _CLOSE * (1 + 1e-12):
                break
            rate = math.sqrt(below * above)
        else:
            rate = rate * _FACTOR if below else rate / _FACTOR
    if not below:
        return Critical(None, above, passes, f"every step tried, down to {above:.2g}, raises the loss of its own batch")
    if above == math.inf:
        return Critical(None, None, passes, f"no step tried, up to {below:.2g}, raises the loss of its own batch")
    return Critical(below, above, passes)


def typical(found: Sequence[Critical | None]) -> float | None:
    """The geometric mean of the rates of several repeats; None where any of them has none."""
    rates = [c.rate for c in found if c is not None and c.rate is not None]
    if not rates or len(rates) < len(found):
        return None
    return math.exp(math.fsum(map(math.log, rates)) / len(rates))
