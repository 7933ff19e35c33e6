"""What translators put together: a warmup from 0, a held rate that may be 0, half waves up and down, and a list.

A peer's schedule is said in families where they say it. What falls between updates, such as a cosine whose half wave
is 33.3 updates long, is listed by the peer's own formula as `tabulated`, for as long as the run is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, constant, cosine, join, linear, ramp, scale, tabulated

__all__ = ["half_waves", "held", "known_bug", "listed", "to_floor", "warmed", "whole"]

MOST_PIECES = 12
"""Half waves that are written out; more of them are listed."""


def whole(call: str, value: object) -> int:
    """A count of updates >= 0; a float that is whole is taken as the integer it is.

    Raises:
        InputError: it is negative or not whole.
    """
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or value < 0:
        msg = refusal(call, "must be a whole number of updates >= 0", value)
        raise InputError(msg)
    return value


def known_bug(call: str, rule: str, value: object) -> str:
    """The refusal of what is plainly wrong in the peer, as `refusal` words it."""
    return refusal(call, rule, value, "It is a bug of the peer; --as-is keeps its numbers.")


def held(rate: float, peak: float) -> Schedule:
    """A constant rate >= 0; nothing is said as nothing times the peak, which is above 0."""
    return constant(rate) if rate > 0 else scale(constant(peak), 0.0)


def warmed(over: int, peak: float, rest: Schedule, start: float = 0.0) -> Schedule:
    """A straight line from ``start`` to the peak over so many updates, then the rest on its own clock."""
    return ramp(start, peak, over=over) + rest if over else rest


def to_floor(peak: float, floor: float, over: int, shape: str = "linear") -> Schedule:
    """From the peak to the floor along a closed shape by name; the floor is held afterwards, and may be the higher."""
    if over == 0:
        return held(floor, peak)
    if shape in ("linear", "cosine") and floor <= peak:
        family = linear if shape == "linear" else cosine
        return family(peak, floor=floor, over=over)
    return ramp(peak, floor, shape=shape, over=over)


def listed(steps: int, rate: Callable[[int], float]) -> Schedule:
    """rate(0), rate(1), ..., for the length of the run.

    Raises:
        InputError: a rate is negative, infinite or not a number, or all are 0.
    """
    return tabulated([rate(t) for t in range(steps)])


def half_waves(peak: float, floor: float, half: Fraction, steps: int) -> Schedule | None:
    """Cosines down, up, down, ..., each over ``half``, for so many updates; None where they cannot be written out.

    They cannot where a half wave is not a whole number of updates, or where there are too many of them.
    """
    if half.denominator != 1:
        return None
    over = int(half)
    ends = [peak, floor]
    count = max(1, -(-(steps - 1) // over))  # one that only speaks where the one before it ends is left out
    if count > MOST_PIECES:
        return None
    if count == 1:
        return to_floor(peak, floor, over, "cosine")
    rates = list(itertools.islice(itertools.cycle(ends), count + 1))
    parts = [ramp(a, b, shape="cosine", over=over) for a, b in itertools.pairwise(rates)]
    return join(*parts, at=[over * i for i in range(1, count)])
