"""Schedules to choose among, in the notation, and how unlike the logs each is.

Two schedules are as unlike as the area between their rates, in peaks, over relative time u after the warmup:

    unlikeness = ∫ |r(u) - q(u)| du,    0 where they are the same, 0.5 for a constant rate and a line to 0

A log may end before its run did, so it is also looked at as the first part of runs up to a twentieth longer, and the
likest counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.losslaws.curve import Curve, FloatArray, decays
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import parse
from lrdecay.schedule.shapes import CLOSED_SHAPES

__all__ = ["FLOORS", "LENGTHS", "SHAPES", "Family", "cooldowns", "families", "nearest", "profile", "unlikeness"]

LENGTHS = tuple(range(5, 95, 5))
"""Percent of the horizon."""

SHAPES = (*CLOSED_SHAPES, "power", "exponential")
"""What `wsd` takes; power is 1.5, which is where Luo et al.'s optimised schedules end (2025, arXiv:2503.12811)."""

FLOORS = (0.0, 0.1)
"""Of the peak; "exponential" needs one above 0."""

_POINTS = 400  # of a profile
_STRETCHES = (1.0, 1.005, 1.01, 1.015, 1.02, 1.03, 1.04, 1.05)
_ALIKE = 0.03  # unlikeness up to which a log is one of a family


@frozen(eq=False)
class Family:
    """A schedule that scales with the horizon.

    Attributes:
        spec: in the notation; lengths in percent.
        rates: of every update at the horizon, shape (T,).
        warmup: updates.
    """

    spec: str
    rates: FloatArray = field(repr=False)
    warmup: int

    @classmethod
    def of(cls, spec: str, steps: int, warmup: int) -> Family:
        """Bound to a horizon.

        Raises:
            InputError: the spec cannot be read, or does not fit the horizon.
        """
        return cls(spec, parse(spec).bind(Horizon(steps=steps)).values(), warmup)


def cooldowns(
    peak: float, warmup: int, shapes: Sequence[str] = SHAPES, floors: Sequence[float] = FLOORS
) -> tuple[str, ...]:
    """Specs of `wsd` of every length."""
    return tuple(
        f'wsd({peak:g}, warmup={warmup}, cooldown="{length}%"{_shaped(shape)}{_floored(peak * floor)})'
        for shape in shapes
        for floor in floors
        for length in LENGTHS
        if floor or shape != "exponential"
    )


def families(peak: float, warmup: int, steps: int) -> tuple[Family, ...]:
    """Every cooldown that fits beside the warmup, and whole cosines and lines, bound to a horizon."""
    rise = f"warmup({warmup}) + " if warmup else ""
    whole = [f"{rise}{name}({peak:g}{_floored(peak * floor)})" for name in ("cosine", "linear") for floor in FLOORS]
    room = 100 * (steps - warmup) / steps
    fitting = [s for s in cooldowns(peak, warmup) if int(s.split('"')[1].rstrip("%")) <= room]
    return tuple(Family.of(spec, steps, warmup) for spec in (*whole, *fitting))


def profile(rates: FloatArray, warmup: int) -> FloatArray:
    """Rates in peaks at even points of relative time after the warmup, shape (400,)."""
    at = (np.arange(_POINTS) + 0.5) / _POINTS * (len(rates) - warmup) - 0.5
    return np.asarray(np.interp(at + warmup, np.arange(len(rates)), rates) / rates.max())


def unlikeness(curves: Sequence[Curve], rates: FloatArray, warmup: int) -> float:
    """Of a schedule and the likest log that decays; inf where none does."""
    own = profile(rates, warmup)
    return min((_apart(profile(c.rates, c.warmup), own) for c in curves if decays(c)), default=float("inf"))


def nearest(curves: Sequence[Curve], among: Sequence[Family]) -> Family | None:
    """The family that the longest decaying log is one of; None where it is like none."""
    falling = [c for c in curves if decays(c)]
    if not falling:
        return None
    logged = max(falling, key=lambda c: c.last)
    own = profile(logged.rates, logged.warmup)
    off = [_apart(own, profile(f.rates, f.warmup)) for f in among]
    best = int(np.argmin(off))
    return among[best] if off[best] <= _ALIKE else None


def _apart(logged: FloatArray, own: FloatArray) -> float:
    u = (np.arange(_POINTS) + 0.5) / _POINTS
    return min(float(np.abs(logged - np.interp(u / k, u, own)).mean()) for k in _STRETCHES)


def _shaped(shape: str) -> str:
    if shape == "linear":
        return ""
    return f', shape="{shape}"' + (", power=1.5" if shape == "power" else "")


def _floored(floor: float) -> str:
    return f", floor={floor:g}" if floor else ""
