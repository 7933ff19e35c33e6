"""transformers' cosines: plain, with hard restarts, with a floor. See `lrdecay.dialects.transformers`.

w is ``num_warmup_steps``, T is ``num_training_steps``, D = max(1, T - w), k = t - w, c is ``num_cycles``:

    cosine                  t/w, then (1 + cos 2πck/D)/2, which is not clamped at T
    with hard restarts      t/w, then (1 + cos π(ck/D mod 1))/2, and 0 from T on
    with min_lr             as the cosine, between the rate and the floor
    warmup with min_lr      (t + 1)/w, then as the one before at k + 1
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.pieces import half_waves, held, known_bug, listed, warmed, whole
from lrdecay.errors import InputError, non_negative, refusal
from lrdecay.schedule import Schedule, constant, warm_restarts, warmup

__all__ = ["HF", "START", "counted", "dip", "length", "listed_after_warmup", "wave_length"]

HF = "transformers"
START = "the first update is made at a rate of 0; the peak is at t = num_warmup_steps"
BOUNCES = "bounces back up to the peak, and down again"
RESTARTS = "get_cosine_with_hard_restarts_schedule_with_warmup"


def counted(last_epoch: int, **counts: Any) -> list[int]:
    """The counts as whole numbers; ``last_epoch`` must be left alone.

    Raises:
        InputError: a count is negative or not whole, or the schedule is to start elsewhere than at its start.
    """
    if last_epoch != -1:
        cure = "A schedule here is a function of t: resuming is the run's business."
        msg = refusal("transformers(last_epoch=...)", "must be -1", last_epoch, cure)
        raise InputError(msg)
    return [whole(f"transformers({name}=...)", value) for name, value in counts.items()]


def length(run: Run, total: int) -> int:
    """Updates to speak for: the run's, or where nobody has said, the schedule's own."""
    return run.length if run.length is not None else max(total, 1)


def listed_after_warmup(run: Run, steps: int, w: int, factor: Callable[[int], float]) -> Schedule:
    """The warmup from 0 and then the rate times a factor of t, listed."""
    return listed(steps, lambda t: run.base * (t / w if t < w else factor(t)))


def wave_length(span: int, waves: float) -> Fraction | None:
    """The length of one of so many waves in a span, exact; None where there are none."""
    non_negative.check("transformers(num_cycles=...)", waves)
    return Fraction(span) / Fraction(repr(float(waves))) if waves else None


def dip(progress: float, cycles: float, ratio: float = 0.0) -> float:
    """The cosine's factor at any progress, between 1 and the ratio."""
    factor = 0.5 * (1.0 + math.cos(math.pi * float(cycles) * 2.0 * progress))
    return factor * (1 - ratio) + ratio


def _wave(run: Run, w: int, total: int, cycles: float, ratio: float = 0.0) -> Schedule:
    """The warmup, then a cosine that is not clamped, between the rate and ratio times it."""
    span = max(1, total - w)
    wave = wave_length(span, cycles)
    if wave is None:
        return warmed(w, run.base, constant(run.base))
    rest = half_waves(run.base, ratio * run.base, wave / 2, length(run, total) - w)
    if rest is not None:
        return warmed(w, run.base, rest)
    return listed_after_warmup(run, length(run, total), w, lambda t: dip((t - w) / span, cycles, ratio))


@says(HF, "get_cosine_schedule_with_warmup", differs=START, ends=BOUNCES)
def cosine_with_warmup(
    run: Run, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 0.5, last_epoch: int = -1
) -> Schedule:
    """t/w, then (1 + cos 2πck/D)/2."""
    w, total = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_training_steps=num_training_steps)
    return _wave(run, w, total, num_cycles)


@says(
    HF,
    RESTARTS,
    differs=START,
    ends="holds 0",
    bug="where rounding puts ck/D just below a whole number, a restart is one update late, after an update at 0",
)
def hard_restarts_with_warmup(
    run: Run, num_warmup_steps: int, num_training_steps: int, num_cycles: int = 1, last_epoch: int = -1
) -> Schedule:
    """t/w, then c cosines of equal length."""
    w, total = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_training_steps=num_training_steps)
    span, steps = max(1, total - w), length(run, total)
    cycle = wave_length(span, num_cycles)
    if cycle is None:
        return warmed(w, run.base, constant(run.base, over=span) + held(0.0, run.base))

    def factor(t: int) -> float:
        progress = (t - w) / span
        return 0.0 if progress >= 1.0 else dip((float(num_cycles) * progress) % 1.0, 0.5)

    late = [k for k in range(1, min(span, steps - w)) if (k / cycle).denominator == 1 and factor(w + k) < 0.5]
    if late and not run.as_is:
        rule = f"must restart at t = {w + late[0]}, where rounding makes it give 0"
        msg = known_bug(f"{RESTARTS}(num_cycles=...)", rule, num_cycles)
        raise InputError(msg)
    if cycle.denominator == 1 and (span / cycle).denominator == 1 and not late:
        return warmed(w, run.base, warm_restarts(run.base, first=int(cycle), over=span))
    return listed_after_warmup(run, steps, w, factor)


def _ratio(run: Run, min_lr: float | None, min_lr_rate: float | None) -> float:
    """The floor over the optimizer's rate; exactly one of the two says it."""
    if (min_lr is None) == (min_lr_rate is None):
        rule = "must be given min_lr or min_lr_rate, one of them"
        msg = refusal("transformers(min_lr=..., min_lr_rate=...)", rule, (min_lr, min_lr_rate))
        raise InputError(msg)
    ratio = min_lr_rate if min_lr is None else min_lr / run.base
    non_negative.check("transformers(min_lr=..., min_lr_rate=...)", ratio)
    return float(ratio)  # type: ignore[arg-type]


@says(HF, "get_cosine_with_min_lr_schedule_with_warmup", differs=START, ends=BOUNCES)
def cosine_with_min_lr(
    run: Run,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
) -> Schedule:
    """As the cosine, with a floor; the warmup starts at 0 all the same."""
    w, total = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_training_steps=num_training_steps)
    return _wave(run, w, total, num_cycles, _ratio(run, min_lr, min_lr_rate))


@says(
    HF,
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    differs="starts at peak/w; is at the peak at t = w - 1 and at its floor at T - 1, one update before its sibling",
    ends=BOUNCES,
)
def cosine_with_min_lr_and_warmup_rate(
    run: Run,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
    warmup_lr_rate: float | None = None,
) -> Schedule:
    """(t + 1)/w, or from warmup_lr_rate to 1 over w - 1 updates; then the cosine at k + 1."""
    w, total = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_training_steps=num_training_steps)
    ratio, span, steps = _ratio(run, min_lr, min_lr_rate), max(1, total - w), length(run, total)
    wave = wave_length(span, num_cycles)
    start = warmup_lr_rate

    def factor(t: int) -> float:
        if t >= w:
            return dip((t - w + 1) / span, num_cycles, ratio)
        return (t + 1) / w if start is None else start + (1 - start) * t / max(1, w - 1)

    misses_its_peak = w == 0 or (w == 1 and start is not None)
    rest = None
    if not misses_its_peak:
        rest = constant(run.base) if wave is None else half_waves(run.base, ratio * run.base, wave / 2, steps - w + 1)
    if rest is None:
        return listed(steps, lambda t: run.base * factor(t))
    if w == 1:
        return rest
    return warmup(w - 1) + rest if start is None else warmed(w - 1, run.base, rest, start=start * run.base)
