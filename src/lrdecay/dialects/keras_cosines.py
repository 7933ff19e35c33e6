"""Keras' cosines: plain with a warmup, and with restarts. See `lrdecay.dialects.keras`.

    CosineDecay           line from initial to target over warmup_steps, then target·(α + (1 - α)(1 + cos πt/D)/2)
    CosineDecayRestarts   cycle i lasts first·t_mul^i: p·(α + (1 - α)·m_mul^i·(1 + cos πu)/2)

Which cycle an update is in is ⌊log(1 - (1 - t_mul)·t/first) / log t_mul⌋ there, in float32. Where a cycle starts
exactly on an update, rounding may put it at the end of the cycle before: α·p instead of the peak. That depends on the
backend's logarithm, and on whether it is compiled. Here cycles are counted exactly; what numpy's float32 gets wrong is
refused, and a live schedule is looked at by `lrdecay.adapters.keras`.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.pieces import known_bug, listed, to_floor, warmed
from lrdecay.errors import InputError, non_negative, positive, refusal
from lrdecay.schedule import Schedule, warm_restarts

__all__ = ["KERAS", "cosine_decay", "cosine_decay_restarts", "exact_restarts", "is_whole", "restarts", "typed"]

KERAS = "keras"


def is_whole(count: float) -> bool:
    """Whether a count of updates is a whole number of them."""
    return float(count).is_integer()


def typed(run: Run, name: str, rate: Any, **numbers: float) -> tuple[float, ...]:
    """The numbers, cast to the type of the first rate as Keras casts them.

    Raises:
        InputError: the rate is an integer and a number is not, unless ``run.as_is``.
    """
    non_negative.check(f"{name}(initial_learning_rate=...)", rate)
    if type(rate) is not int:
        return tuple(float(v) for v in numbers.values())
    for argument, value in numbers.items():
        if int(value) != value and not run.as_is:
            rule = f"must be written as {float(rate)}: as an integer it makes {argument}={value!r} {int(value)}"
            msg = known_bug(f"{name}(initial_learning_rate=...)", rule, rate)
            raise InputError(msg)
    return tuple(float(int(v)) for v in numbers.values())


@says(
    KERAS,
    "CosineDecay",
    differs="alpha is a fraction of the peak; decay_steps does not count the warmup, which starts at the initial rate",
    ends="holds alpha times the peak",
)
def cosine_decay(
    run: Run,
    initial_learning_rate: float,
    decay_steps: float,
    alpha: float = 0.0,
    name: str = "CosineDecay",
    warmup_target: float | None = None,
    warmup_steps: float = 0,
) -> Schedule:
    """A line up to the target, then half a cosine down to alpha times it."""
    start, target = initial_learning_rate, initial_learning_rate if warmup_target is None else warmup_target
    steps = 0 if warmup_target is None else warmup_steps
    over, w, peak = typed(run, name, start, decay_steps=decay_steps, warmup_steps=steps, warmup_target=target)
    positive.check(f"{name}(decay_steps=...)", over)
    for argument, value in (("warmup_target", peak), ("warmup_steps", w), ("alpha", alpha)):
        non_negative.check(f"{name}({argument}=...)", value)
    if is_whole(over) and is_whole(w) and peak > 0:
        return warmed(int(w), peak, to_floor(peak, alpha * peak, int(over), "cosine"), start=float(start))

    def rate(t: int) -> float:
        if t < w:
            return (peak - start) * t / w + start
        return float(peak * ((1 - alpha) * _dip(min((t - w) / over, 1.0)) + alpha))

    return listed(run.steps, rate)


def _dip(u: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * u))


@says(
    KERAS,
    "CosineDecayRestarts",
    differs="alpha is a fraction of the peak; a restart between two updates is not rounded to one",
    ends="goes on",
    bug="a restart that falls exactly on an update may give alpha times the peak: a quotient of float32 logs decides",
)
def cosine_decay_restarts(
    run: Run,
    initial_learning_rate: float,
    first_decay_steps: float,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str = "SGDRDecay",
) -> Schedule:
    """p·(alpha + (1 - alpha)·m_mul^i·(1 + cos πu)/2) in cycle i."""
    peak = initial_learning_rate
    first, growth, m, low = typed(run, name, peak, first=first_decay_steps, t_mul=t_mul, m_mul=m_mul, alpha=alpha)
    for argument, value in (("initial_learning_rate", peak), ("first_decay_steps", first), ("m_mul", m)):
        positive.check(f"{name}({argument}=...)", value)
    non_negative.check(f"{name}(alpha=...)", low)
    if not growth >= 1:
        rule = "must be at least 1: cycles that shrink pile up, and then there is no number"
        msg = refusal(f"{name}(t_mul=...)", rule, t_mul)
        raise InputError(msg)
    starts = exact_restarts(first, growth, run.steps)
    late = [i for i, s in enumerate(starts) if s < run.steps and s.denominator == 1 and _float32(s, first, growth) < i]
    if late and not run.as_is:
        rule = f"must restart at t = {starts[late[0]]}, where rounding makes it give alpha times the peak"
        msg = known_bug(f"{name}(t_mul=...)", rule, t_mul)
        raise InputError(msg)
    return restarts(run, peak, first, growth, m, low, [int(starts[i]) for i in late])


def restarts(
    run: Run, peak: float, first: float, growth: float, m: float, low: float, late: Sequence[int] = ()
) -> Schedule:
    """Cycles of first, first·growth, ..., from peak·m^i to low·peak; ``late`` restarts are missed by an update."""
    starts = exact_restarts(first, growth, run.steps)
    on_updates = all(s.denominator == 1 for s in starts)
    if on_updates and not late and (growth == 1 or growth >= 1.01) and m <= 1 and low <= 1:
        return warm_restarts(peak, first=int(first), growth=growth, shrink=m, floor=low * peak)

    def rate(t: int) -> float:
        i = (t // Fraction(first) if growth == 1 else bisect.bisect_right(starts, t) - 1) - (t in late)
        start = i * Fraction(first) if growth == 1 else starts[i]
        u = float(t - start) / (first * growth**i)
        return float(peak * ((1 - low) * m**i * _dip(u) + low))

    return listed(run.steps, rate)


def exact_restarts(first: float, growth: float, steps: int) -> list[Fraction]:
    """Where growing cycles start, exactly, up to the first at or after ``steps``; of equal ones the first two."""
    length, ratio = Fraction(repr(float(first))), Fraction(repr(float(growth)))
    starts = [Fraction(0), length]
    while growth > 1 and starts[-1] < steps:
        length *= ratio
        starts.append(starts[-1] + length)
    return starts


def _float32(start: Fraction, first: float, growth: float) -> float:
    """The index of the cycle at an update as there, by numpy."""
    if growth == 1.0:
        return math.floor(start / Fraction(first))
    q, one = np.float32(growth), np.float32(1)
    x = np.float32(float(start)) / np.float32(first)
    return float(np.floor(np.log(one - x * (one - q)) / np.log(q)))
