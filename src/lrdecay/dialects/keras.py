"""What Keras 3 means: ``keras.optimizers.schedules`` (3.15). They hold the rate: the optimizer's is not asked.

t is the optimizer's ``iterations``, an integer. D is ``decay_steps``, x = t/D, or ⌊t/D⌋ with staircase:

    ExponentialDecay            p·r^x
    InverseTimeDecay            p / (1 + r·x)
    PiecewiseConstantDecay      values[#{b : b < t}]: the old value still speaks at the boundary
    PolynomialDecay             end + (p - end)(1 - min(x, 1))^power; with cycle D grows to the next multiple of itself
    CosineDecay, ...Restarts    in `lrdecay.dialects.keras_cosines`

Keras gives its other numbers the type of the first rate. Where that is an integer, a decay rate of 0.9 becomes 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import lrdecay.dialects.keras_cosines  # noqa: F401
from lrdecay.dialects.base import Run, says
from lrdecay.dialects.keras_cosines import KERAS, is_whole, typed
from lrdecay.dialects.pieces import MOST_PIECES, listed, to_floor
from lrdecay.errors import InputError, non_negative, positive, refusal
from lrdecay.schedule import Schedule, constant, exponential, inverse_time, join, piecewise, polynomial

__all__ = ["exponential_decay", "inverse_time_decay", "piecewise_constant_decay", "polynomial_decay"]

CAST = "a rate written as an integer makes integers of the other numbers: a decay rate of 0.9 becomes 0"


@says(KERAS, "ExponentialDecay", differs="as ours, the step counts at its own update", ends="goes on", bug=CAST)
def exponential_decay(
    run: Run,
    initial_learning_rate: float,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
    name: str = "ExponentialDecay",
) -> Schedule:
    """Geometric decay, p·r^(t/D)."""
    peak = initial_learning_rate
    positive.check(f"{name}(decay_steps=...)", decay_steps)
    non_negative.check(f"{name}(decay_rate=...)", decay_rate)
    decay_steps, rate = typed(run, name, peak, decay_steps=decay_steps, decay_rate=decay_rate)
    if rate == 0 and (is_whole(decay_steps) or not staircase):  # 0^0 = 1
        return piecewise([peak, 0.0], at=[int(decay_steps) if staircase else 1])
    if 0 < rate <= 1 and is_whole(decay_steps):
        return exponential(peak, factor=rate, every=int(decay_steps), staircase=bool(staircase))
    return listed(run.steps, lambda t: peak * rate ** _ticks(t, decay_steps, staircase))


@says(KERAS, "InverseTimeDecay", differs="as ours, the step counts at its own update", ends="goes on", bug=CAST)
def inverse_time_decay(
    run: Run,
    initial_learning_rate: float,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
    name: str = "InverseTimeDecay",
) -> Schedule:
    """Time-based decay, p / (1 + r·t/D)."""
    peak = initial_learning_rate
    positive.check(f"{name}(decay_steps=...)", decay_steps)
    non_negative.check(f"{name}(decay_rate=...)", decay_rate)
    decay_steps, rate = typed(run, name, peak, decay_steps=decay_steps, decay_rate=decay_rate)
    if is_whole(decay_steps):
        return inverse_time(peak, rate=rate, every=int(decay_steps), staircase=bool(staircase))
    return listed(run.steps, lambda t: peak / (1 + rate * _ticks(t, decay_steps, staircase)))


def _ticks(t: int, decay_steps: float, staircase: bool) -> float:
    return math.floor(t / decay_steps) if staircase else t / decay_steps


@says(
    KERAS,
    "PiecewiseConstantDecay",
    differs="at a boundary the old value still speaks: 5 is at=[6]; a boundary of 5.7 is cut to 5",
    ends="holds the last value",
)
def piecewise_constant_decay(
    run: Run,  # noqa: ARG001
    boundaries: Sequence[float],
    values: Sequence[float],
    name: str = "PiecewiseConstant",
) -> Schedule:
    """values[#{b : b < t}], with boundaries cut to whole numbers as Keras casts them to the type of the step."""
    if len(boundaries) != len(values) - 1 or len(boundaries) == 0:
        rule = f"must be one fewer than there are values ({len(values)}), and at least one"
        msg = refusal(f"{name}(boundaries=...)", rule, list(boundaries))
        raise InputError(msg)
    cut = [int(b) for b in boundaries]
    if any(after < before for before, after in itertools.pairwise(cut)):
        msg = refusal(f"{name}(boundaries=...)", "must be in rising order", list(boundaries))
        raise InputError(msg)
    spoken = {max(0, b + 1): value for b, value in zip([-1, *cut], values, strict=True)}  # the last of equal ones
    if len(spoken) == 1:
        return constant(spoken[0])
    return piecewise(list(spoken.values()), at=[t for t in spoken if t > 0])


@says(
    KERAS,
    "PolynomialDecay",
    differs="as ours; with cycle=True D is stretched to the next multiple of itself, and no cycle starts at the peak",
    ends="holds end_learning_rate; with cycle=True goes on",
    bug=CAST,
)
def polynomial_decay(
    run: Run,
    initial_learning_rate: float,
    decay_steps: float,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str = "PolynomialDecay",
) -> Schedule:
    """A power, end + (p - end)(1 - t/D)^power."""
    peak = initial_learning_rate
    positive.check(f"{name}(decay_steps=...)", decay_steps)
    non_negative.check(f"{name}(power=...)", power)
    decay_steps, end, power = typed(run, name, peak, decay_steps=decay_steps, end=end_learning_rate, power=power)
    non_negative.check(f"{name}(end_learning_rate=...)", end)
    if power == 0:
        return constant(peak)
    falls = end <= peak and is_whole(decay_steps)
    if falls and not cycle:
        return _fall(peak, end, power, int(decay_steps))
    if not cycle and power == 1 and is_whole(decay_steps):
        return to_floor(peak, end, int(decay_steps))
    count = math.ceil(run.steps / decay_steps)
    if falls and count <= MOST_PIECES:
        return _stretched(peak, end, power, int(decay_steps), count)

    def rate(t: int) -> float:
        whole = decay_steps * max(1, math.ceil(t / decay_steps)) if cycle else decay_steps
        return float((peak - end) * (1 - min(t / whole, 1.0)) ** power + end)

    return listed(run.steps, rate)


def _fall(peak: float, end: float, power: float, over: int) -> Schedule:
    return to_floor(peak, end, over) if power == 1 else polynomial(peak, floor=end, power=power, over=over)


def _stretched(peak: float, end: float, power: float, over: int, count: int) -> Schedule:
    """Cycle i, from the update after i·D on, falls as from the peak at t = 0 to the end at (i + 1)·D."""
    first = _fall(peak, end, power, over)
    if count == 1 or over == 1:
        return first
    starts = [(over - 1) / ((i + 1) * over) for i in range(1, count)]
    falls = [_fall(end + (peak - end) * u**power, end, power, over - 1) for u in starts]
    return join(first, *falls, at=[i * over + 1 for i in range(1, count)])
