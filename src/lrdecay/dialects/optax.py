"""What optax means: the factories of ``optax.schedules`` (0.2.8). They hold the rate: the optimizer's is not asked.

Single curves are in `lrdecay.dialects.optax_curves`; these are put together from them:

    piecewise_interpolate_schedule      from knot to knot, linear or cosine; scales multiply
    linear_ and cosine_onecycle_        init = peak/div at 0, peak at ⌊pct·T⌋, peak/(div·final_div) at T
    warmup_constant_, warmup_cosine_decay_, warmup_exponential_decay_     a line from init to peak, then the rest
    sgdr_schedule                       warmup_cosine_decay_ again and again, decay_steps apart
    join_schedules                      parts on their own clocks; the new part at its boundary

Left out are inject_hyperparams and inject_stateful_hyperparams: they put a schedule into an optimizer and make none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lrdecay.dialects.base import Call, Run, says, translate
from lrdecay.dialects.optax_curves import (
    OPTAX,
    STAYS,
    cosine_decay_schedule,
    exponential_decay,
    linear_schedule,
    whole_or_none,
)
from lrdecay.dialects.pieces import held, known_bug, listed, warmed, whole
from lrdecay.errors import InputError, non_negative, one_of, positive, refusal
from lrdecay.schedule import Schedule, constant, join, ramp

__all__ = ["join_schedules", "piecewise_interpolate_schedule", "sgdr_schedule"]

Knots = Mapping[float, float]
LOST = "two of its knots at the same update are one: for small T a factor is lost, or there is no warmup"


@says(OPTAX, "piecewise_interpolate_schedule", differs="scales multiply", ends=STAYS)
def piecewise_interpolate_schedule(
    run: Run,  # noqa: ARG001
    interpolate_type: str,
    init_value: float,
    boundaries_and_scales: Knots | None = None,
) -> Schedule:
    """From init to init·s1 at b1, to init·s1·s2 at b2, ..."""
    one_of(("linear", "cosine")).check("optax.piecewise_interpolate_schedule(interpolate_type=...)", interpolate_type)
    knots = [(0.0, float(init_value))]
    for boundary, scale in sorted((boundaries_and_scales or {}).items()):
        non_negative.check("optax.piecewise_interpolate_schedule(boundaries_and_scales=...)", scale)
        non_negative.check("optax.piecewise_interpolate_schedule(boundaries_and_scales=...)", boundary)
        knots.append((float(boundary), knots[-1][1] * scale))
    if knots[-1][0] == 0:
        return constant(knots[-1][1])
    pairs = [(a, b) for a, b in itertools.pairwise(knots) if b[0] > a[0]]
    peak = max(v for _, v in knots)
    if any(whole_or_none(t) is None for t, _ in knots):
        return _between_updates(interpolate_type, pairs)
    lines = [_line(a[1], b[1], int(b[0] - a[0]), interpolate_type, peak) for a, b in pairs]
    chained = lines[0]
    for line in lines[1:]:
        chained = chained + line
    return chained


def _line(start: float, end: float, over: int, shape: str, peak: float) -> Schedule:
    return ramp(start, end, shape=shape, over=over) if start or end else 0.0 * constant(peak, over=over)


def _between_updates(shape: str, pairs: list[Any]) -> Schedule:
    """The knots that lie between two updates, listed; stretches shorter than an update are taken as one long there."""

    def rate(t: int) -> float:
        for (a, start), (b, end) in pairs:
            if a <= t < b:
                u = (t - a) / max(b - a, 1.0)
                f = 1 - u if shape == "linear" else (1 + math.cos(math.pi * u)) / 2
                return float(end + (start - end) * f)
        return float(pairs[-1][1][1])

    return listed(math.ceil(pairs[-1][1][0]) + 1, rate)


def _one_cycle(run: Run, name: str, shape: str, start: float, knots: Sequence[tuple[int, float]]) -> Schedule:
    """Knots go into a dict there: of two at the same update the later is kept."""
    at = [t for t, _ in knots]
    if (at[0] <= 0 or len(set(at)) < len(at)) and not run.as_is:
        rule = f"must be long enough for its knots, which stand at {', '.join(map(str, at))}"
        msg = known_bug(f"optax.{name}(transition_steps=...)", rule, at[-1])
        raise InputError(msg)
    return piecewise_interpolate_schedule(run, shape, start, dict(knots))


@says(
    OPTAX,
    "linear_onecycle_schedule",
    differs="ends at peak/(div_factor·final_div_factor), whatever its docstring says; knots are cut to whole updates",
    ends=STAYS,
    bug=LOST,
)
def linear_onecycle_schedule(
    run: Run,
    transition_steps: int,
    peak_value: float,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up over pct_start of T, back down until pct_final of T, then to nearly nothing."""
    total = _total("linear_onecycle_schedule", transition_steps, div_factor, final_div_factor)
    knots = [
        (int(pct_start * total), div_factor),
        (int(pct_final * total), 1.0 / div_factor),
        (total, 1.0 / final_div_factor),
    ]
    return _one_cycle(run, "linear_onecycle_schedule", "linear", peak_value / div_factor, knots)


@says(
    OPTAX,
    "cosine_onecycle_schedule",
    differs="the peak is at t = ⌊pct_start·T⌋ and the end at t = T, one update after torch's",
    ends=STAYS,
    bug=LOST,
)
def cosine_onecycle_schedule(
    run: Run,
    transition_steps: int,
    peak_value: float,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up over pct_start of T, then down to nearly nothing."""
    total = _total("cosine_onecycle_schedule", transition_steps, div_factor, final_div_factor)
    knots = [(int(pct_start * total), div_factor), (total, 1.0 / (div_factor * final_div_factor))]
    return _one_cycle(run, "cosine_onecycle_schedule", "cosine", peak_value / div_factor, knots)


def _total(name: str, steps: int, div: float, final: float) -> int:
    positive.check(f"optax.{name}(transition_steps=...)", steps)
    positive.check(f"optax.{name}(div_factor=...)", div)
    positive.check(f"optax.{name}(final_div_factor=...)", final)
    return whole(f"optax.{name}(transition_steps=...)", steps)


@says(
    OPTAX,
    "warmup_constant_schedule",
    differs="the first update is made at init_value",
    ends=STAYS,
    bug="warmup_steps <= 0 gives init_value for ever, and not the peak: only the log says so",
)
def warmup_constant_schedule(run: Run, init_value: float, peak_value: float, warmup_steps: int) -> Schedule:
    """A line from init to peak, which is held."""
    return linear_schedule(run, init_value, peak_value, warmup_steps)


@says(
    OPTAX,
    "warmup_cosine_decay_schedule",
    differs="decay_steps counts the warmup too; the first update is made at init_value",
    ends=STAYS,
)
def warmup_cosine_decay_schedule(
    run: Run,
    init_value: float,
    peak_value: float,
    warmup_steps: int,
    decay_steps: int,
    end_value: float = 0.0,
    exponent: float = 1.0,
) -> Schedule:
    """A line from init to peak, then half a cosine until decay_steps."""
    w = whole("optax.warmup_cosine_decay_schedule(warmup_steps=...)", warmup_steps)
    if decay_steps <= w:
        rule = f"must be above warmup_steps={w}, which it counts too"
        msg = refusal("optax.warmup_cosine_decay_schedule(decay_steps=...)", rule, decay_steps)
        raise InputError(msg)
    if peak_value == 0:
        return warmed(w, 0.0, held(0.0, init_value), start=init_value)
    fall = cosine_decay_schedule(run, peak_value, decay_steps - w, end_value / peak_value, exponent)
    return warmed(w, peak_value, fall, start=init_value)


@says(
    OPTAX,
    "warmup_exponential_decay_schedule",
    differs="transition_steps does not count the warmup; the first update is made at init_value",
    ends="goes on, or holds end_value",
    bug="as exponential_decay",
)
def warmup_exponential_decay_schedule(
    run: Run,
    init_value: float,
    peak_value: float,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: float | None = None,
) -> Schedule:
    """A line from init to peak, then the exponential on its own clock."""
    w = whole("optax.warmup_exponential_decay_schedule(warmup_steps=...)", warmup_steps)
    rest = exponential_decay(run, peak_value, transition_steps, decay_rate, transition_begin, staircase, end_value)
    return warmed(w, peak_value, rest, start=init_value)


@says(OPTAX, "sgdr_schedule", differs="each decay_steps counts its warmup too", ends="holds the last end value")
def sgdr_schedule(run: Run, cosine_kwargs: Iterable[Mapping[str, Any]]) -> Schedule:
    """warmup_cosine_decay_schedule(**kwargs), one after the other."""
    rounds = list(cosine_kwargs)
    calls = [Call(OPTAX, "warmup_cosine_decay_schedule", (), dict(kwargs)) for kwargs in rounds]
    lengths = [kwargs.get("decay_steps", 0) for kwargs in rounds]
    if len(calls) == 1:
        return translate(calls[0], run)
    return join_schedules(run, calls, list(itertools.accumulate(lengths))[:-1])


@says(
    OPTAX,
    "join_schedules",
    differs="as ours: the new part at its boundary",
    ends="as its last part",
    bug="parts beyond the boundaries are left out silently; boundaries out of order skip a part",
)
def join_schedules(run: Run, schedules: Sequence[Call | Schedule], boundaries: Sequence[int]) -> Schedule:
    """Parts on their own clocks; only the one that speaks is evaluated."""
    call, at = "optax.join_schedules(boundaries=...)", [whole("optax.join_schedules(...)", b) for b in boundaries]
    rising = all(a < b for a, b in itertools.pairwise(at))
    if (len(at) != len(schedules) - 1 or not rising) and not run.as_is:
        rule = f"must be in rising order, one fewer than there are schedules ({len(schedules)})"
        msg = known_bug(call, rule, at)
        raise InputError(msg)
    kept: list[tuple[int, Call | Schedule]] = []
    for start, part in zip([0, *at], schedules, strict=False):
        while kept and kept[-1][0] >= start:  # the later part hides what would start with it or after it
            kept.pop()
        kept.append((start, part))
    parts = [p if isinstance(p, Schedule) else translate(p, run) for _, p in kept]
    return parts[0] if len(parts) == 1 else join(*parts, at=[start for start, _ in kept[1:]])
