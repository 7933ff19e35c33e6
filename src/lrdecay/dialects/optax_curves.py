"""The single curves of optax; see `lrdecay.dialects.optax`.

With T = ``transition_steps`` and u = clip((t - begin) / T, 0, 1):

    constant_schedule             value
    polynomial_schedule           end + (init - end)(1 - u)^power; linear_schedule is power 1
    exponential_decay             init·rate^((t - begin)/T) from t = begin on, bounded by end_value
    cosine_decay_schedule         init·(α + (1 - α)((1 + cos πt/D)/2)^exponent)
    piecewise_constant_schedule   init·(all scales whose boundary is <= t)

Where optax is told something it cannot do, such as T = 0, it writes a line to the log and stays at init: refused here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.pieces import held, known_bug, listed, to_floor
from lrdecay.errors import InputError, non_negative, positive
from lrdecay.schedule import Schedule, clamp, constant, cosine, exponential, multi_step, piecewise, polynomial, product

__all__ = [
    "OPTAX",
    "STAYS",
    "constant_schedule",
    "cosine_decay_schedule",
    "exponential_decay",
    "linear_schedule",
    "piecewise_constant_schedule",
    "polynomial_schedule",
    "whole_or_none",
]

OPTAX = "optax"
_POWERS = (2, 3, 4)  # that are written as products
STAYS = "holds the end value"
LOGGED = "transition_steps <= 0 gives init_value for ever, a negative transition_begin gives 0: only the log says so"


def whole_or_none(count: float) -> int | None:
    """A count of updates as an integer; None where it is not a whole one."""
    return int(count) if float(count).is_integer() else None


def _begin(run: Run, name: str, transition_steps: float, transition_begin: float) -> float | None:
    """Where the transition begins; None where optax gives a constant instead.

    Raises:
        InputError: optax would only log that it does something else, and ``run.as_is`` was not asked for.
    """
    for argument, value, rule in (
        ("transition_steps", transition_steps <= 0, "must be positive: it gives init_value for ever"),
        ("transition_begin", transition_begin < 0, "must be at least 0: it is taken as 0"),
    ):
        if value and not run.as_is:
            got = transition_steps if argument == "transition_steps" else transition_begin
            msg = known_bug(f"optax.{name}({argument}=...)", rule, got)
            raise InputError(msg)
    return None if transition_steps <= 0 else max(0, transition_begin)


def _after(begin: int, rate: float, peak: float, rest: Schedule) -> Schedule:
    """A rate held until ``begin``, then the rest on its own clock."""
    if begin == 0:
        return rest
    before = constant(rate, over=begin) if rate > 0 else 0.0 * constant(peak, over=begin)
    return before + rest


@says(OPTAX, "constant_schedule", ends="holds")
def constant_schedule(run: Run, value: float) -> Schedule:  # noqa: ARG001
    """One rate."""
    return constant(value)


@says(OPTAX, "polynomial_schedule", differs="as ours: the end value at t = begin + T", ends=STAYS, bug=LOGGED)
def polynomial_schedule(
    run: Run,
    init_value: float,
    end_value: float,
    power: float,
    transition_steps: int,
    transition_begin: int = 0,
) -> Schedule:
    """Up or down along (1 - u)^power."""
    non_negative.check("optax.polynomial_schedule(power=...)", power)
    peak, over = max(init_value, end_value), transition_steps
    begin = _begin(run, "polynomial_schedule", over, transition_begin)
    if begin is None or power == 0:
        return held(init_value, peak)
    start, last = whole_or_none(begin), math.ceil(begin + over) + 1
    n = whole_or_none(over)
    if start is not None and n is not None:
        if power == 1:
            return _after(start, init_value, peak, to_floor(init_value, end_value, n))
        if init_value >= end_value:
            return _after(start, init_value, peak, polynomial(init_value, floor=end_value, power=power, over=n))

    def rate(t: int) -> float:
        u = min(max((t - begin) / over, 0.0), 1.0)
        return float((init_value - end_value) * (1 - u) ** power + end_value)

    return listed(last, rate)


@says(OPTAX, "linear_schedule", differs="as ours: the end value at t = begin + T", ends=STAYS, bug=LOGGED)
def linear_schedule(
    run: Run, init_value: float, end_value: float, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """A straight line up or down."""
    return polynomial_schedule(run, init_value, end_value, 1, transition_steps, transition_begin)


@says(
    OPTAX,
    "exponential_decay",
    differs="as ours: a stair counts at its own update",
    ends="goes on, or holds end_value",
    bug=f"decay_rate = 0 gives init_value for ever; {LOGGED}",
)
def exponential_decay(
    run: Run,
    init_value: float,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: float | None = None,
) -> Schedule:
    """Geometric decay from t = begin on, not beyond end_value."""
    non_negative.check("optax.exponential_decay(decay_rate=...)", decay_rate)
    begin = _begin(run, "exponential_decay", transition_steps, transition_begin)
    if decay_rate == 0 and not run.as_is:
        rule = "must be positive: it gives init_value for ever"
        msg = known_bug("optax.exponential_decay(decay_rate=...)", rule, decay_rate)
        raise InputError(msg)
    if begin is None or decay_rate == 0:
        return constant(init_value)
    start, every = whole_or_none(begin), whole_or_none(transition_steps)
    if decay_rate <= 1 and start is not None and every is not None:
        rest = exponential(init_value, factor=decay_rate, every=every, staircase=bool(staircase))
        curve = _after(start, init_value, init_value, rest)
        if end_value is None:
            return curve
        return clamp(curve, low=end_value) if decay_rate < 1 else clamp(curve, high=end_value)

    def rate(t: int) -> float:
        p = (t - begin) / transition_steps
        value = init_value * decay_rate ** (math.floor(p) if staircase else p) if t > begin else init_value
        if end_value is None:
            return float(value)
        return float(max(value, end_value) if decay_rate < 1 else min(value, end_value))

    return listed(run.steps, rate)


@says(OPTAX, "cosine_decay_schedule", differs="alpha is a fraction of init_value", ends=STAYS)
def cosine_decay_schedule(
    run: Run,  # noqa: ARG001
    init_value: float,
    decay_steps: int,
    alpha: float = 0.0,
    exponent: float = 1.0,
) -> Schedule:
    """Half a cosine, to a power."""
    positive.check("optax.cosine_decay_schedule(decay_steps=...)", decay_steps)
    for name, value in (("alpha", alpha), ("exponent", exponent)):
        non_negative.check(f"optax.cosine_decay_schedule({name}=...)", value)
    over = whole_or_none(decay_steps)
    if exponent == 1 and over is not None:
        return to_floor(init_value, alpha * init_value, over, "cosine")
    if exponent in _POWERS and over is not None and alpha == 0 and init_value > 0:
        return product(*(cosine(peak, over=over) for peak in (init_value, *[1.0] * (int(exponent) - 1))))

    def rate(t: int) -> float:
        dip = 0.5 * (1.0 + math.cos(math.pi * min(t / decay_steps, 1.0)))
        return float(init_value * ((1 - alpha) * dip**exponent + alpha))

    return listed(math.ceil(decay_steps) + 1, rate)


@says(
    OPTAX,
    "piecewise_constant_schedule",
    differs="as ours: the new value at its boundary; scales multiply, 10.5 is at=[11]",
    ends="holds the last value",
)
def piecewise_constant_schedule(
    run: Run,  # noqa: ARG001
    init_value: float,
    boundaries_and_scales: Mapping[float, float] | None = None,
) -> Schedule:
    """The first value times the scales that have passed."""
    values = {0: init_value}
    for boundary, scale in sorted((boundaries_and_scales or {}).items()):
        non_negative.check("optax.piecewise_constant_schedule(boundaries_and_scales=...)", scale)
        t = max(0, math.ceil(boundary))
        values[t] = list(values.values())[-1] * scale
    if len(values) == 1:
        return constant(values[0])
    at, scales = list(values)[1:], set((boundaries_and_scales or {}).values())
    if len(scales) == 1 and len(at) == len(boundaries_and_scales or {}) and 0 < min(scales) <= 1:
        return multi_step(init_value, factor=scales.pop(), at=at)
    return piecewise(list(values.values()), at=at)
