"""MosaicML composer 0.32: its stateless schedulers, which multiply the optimizer's rate by α(t).

t is read before the batch that uses it, so that the first update is made with α(0). Every warmup starts from a rate of
0. Times carry units, see `composer_time`. ``ssr=``, the trainer's scale schedule ratio, is written here as one more
argument of the scheduler: ``composer.StepScheduler(step_size='10ep', ssr=0.5)``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.composer_curves import cosine_to, length_of, line, polynomial_to, steps_down, times, warmed
from lrdecay.dialects.composer_time import in_updates, stated
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import (
    Duration,
    Schedule,
    constant,
    duration,
    exponential,
    piecewise,
    step,
    warm_restarts,
)

__all__ = [
    "constant_scheduler",
    "constant_with_warmup",
    "cosine_annealing",
    "cosine_annealing_warm_restarts",
    "cosine_annealing_with_warmup",
    "exponential_scheduler",
    "linear_scheduler",
    "linear_with_warmup",
    "multi_step_scheduler",
    "multi_step_with_warmup",
    "polynomial_scheduler",
    "polynomial_with_warmup",
    "step_scheduler",
]

_FROM_ZERO = "the warmup starts from 0, so that the first update is made at a rate of 0"
_SCALED_WARMUP = "scale_warmup scales the slope of the warmup by ssr and not its time: above 1 it is cut off and jumps"
_MOST_CYCLES = 200


@says("composer", "StepScheduler", ends="goes on")
def step_scheduler(run: Run, step_size: str, gamma: float = 0.1, *, ssr: float = 1.0) -> Schedule:
    """B·gamma^⌊t/step_size⌋."""
    every = length_of(stated(step_size, run, "StepScheduler(step_size=...)", ssr), run)
    return step(run.base, factor=gamma, every=every)


@says(
    "composer", "MultiStepScheduler", differs="milestones may be unordered; one named twice counts twice", ends="holds"
)
def multi_step_scheduler(run: Run, milestones: Sequence[str], gamma: float = 0.1, *, ssr: float = 1.0) -> Schedule:
    """B·gamma^#{m in milestones : m <= t}."""
    return steps_down(run, milestones, gamma, ssr, duration(0, zero=True))


@says("composer", "ConstantScheduler", differs="α·B until t_max, then B itself", ends="B")
def constant_scheduler(run: Run, alpha: float = 1.0, t_max: str = "1dur", *, ssr: float = 1.0) -> Schedule:
    """α·B for t < t_max, then B."""
    over = stated(t_max, run, "ConstantScheduler(t_max=...)", ssr)
    if over is None:
        return constant(run.base * alpha)
    return piecewise([run.base * alpha, run.base], at=[over]) if over.amount else constant(run.base)


@says("composer", "LinearScheduler", ends="holds")
def linear_scheduler(
    run: Run, alpha_i: float = 1.0, alpha_f: float = 0.0, t_max: str = "1dur", *, ssr: float = 1.0
) -> Schedule:
    """B·(α_i + (α_f - α_i)·min(t/t_max, 1))."""
    return line(run, alpha_i, alpha_f, stated(t_max, run, "LinearScheduler(t_max=...)", ssr))


@says("composer", "ExponentialScheduler", ends="goes on")
def exponential_scheduler(run: Run, gamma: float, decay_period: str = "1ep", *, ssr: float = 1.0) -> Schedule:
    """B·gamma^(t/decay_period)."""
    every = length_of(stated(decay_period, run, "ExponentialScheduler(decay_period=...)", ssr), run)
    return exponential(run.base, factor=gamma, every=every)


@says("composer", "CosineAnnealingScheduler", ends="holds the floor")
def cosine_annealing(run: Run, t_max: str = "1dur", alpha_f: float = 0.0, *, ssr: float = 1.0) -> Schedule:
    """B·(α_f + (1 - α_f)(1 + cos πu)/2), u = min(t/t_max, 1)."""
    return cosine_to(run, alpha_f, stated(t_max, run, "CosineAnnealingScheduler(t_max=...)", ssr))


@says(
    "composer",
    "CosineAnnealingWarmRestartsScheduler",
    differs="every cycle is cut to whole updates before the next is counted from it",
    ends="goes on",
)
def cosine_annealing_warm_restarts(
    run: Run, t_0: str, t_mult: float = 1.0, alpha_f: float = 0.0, *, ssr: float = 1.0
) -> Schedule:
    """Cycle i lasts int(t_mult·(the cycle before)): B·(α_f + (1 - α_f)(1 + cos πu)/2) in each."""
    call = "CosineAnnealingWarmRestartsScheduler"
    first = length_of(stated(t_0, run, f"{call}(t_0=...)", ssr), run)
    if t_mult >= 1 and t_mult == int(t_mult) and 0 <= alpha_f <= 1:
        return warm_restarts(run.base, first=first, growth=float(t_mult), floor=run.base * alpha_f)
    if isinstance(first, Duration) and first.unit in ("samples", "tok"):
        msg = refusal(f"{call}(t_0=...)", "must be in batches where t_mult is no whole number", t_0)
        raise InputError(msg)
    length, passed = in_updates(first, run), 0
    parts: list[Schedule] = []
    while passed < run.steps:
        if length < 1:
            cure = "Composer raises a ValueError."
            msg = refusal(f"{call}(t_mult=...)", "must leave every cycle an update", t_mult, cure)
            raise InputError(msg)
        if len(parts) == _MOST_CYCLES:
            rule = f"must make at most {_MOST_CYCLES} cycles in the run where it is no whole number"
            msg = refusal(f"{call}(t_mult=...)", rule, t_mult)
            raise InputError(msg)
        parts.append(cosine_to(run, alpha_f, length))
        passed += length
        length = int(t_mult * length)
    return functools.reduce(operator.add, parts)


@says("composer", "PolynomialScheduler", ends="holds the floor")
def polynomial_scheduler(
    run: Run, power: float, t_max: str = "1dur", alpha_f: float = 0.0, *, ssr: float = 1.0
) -> Schedule:
    """B·(α_f + (1 - α_f)(1 - u)^power), u = min(t/t_max, 1)."""
    return polynomial_to(run, power, alpha_f, stated(t_max, run, "PolynomialScheduler(t_max=...)", ssr))


@says("composer", "MultiStepWithWarmupScheduler", differs=_FROM_ZERO, ends="holds", bug=_SCALED_WARMUP)
def multi_step_with_warmup(
    run: Run,
    t_warmup: str,
    milestones: Sequence[str],
    gamma: float = 0.1,
    scale_warmup: bool = False,
    *,
    ssr: float = 1.0,
) -> Schedule:
    """B·t/t_warmup, then as `multi_step_scheduler`; milestones count from the start of the run."""
    warm = stated(t_warmup, run, "MultiStepWithWarmupScheduler(t_warmup=...)")
    rest = steps_down(run, milestones, gamma, ssr, warm)
    return warmed(run, "MultiStepWithWarmupScheduler", t_warmup, 1.0, scale_warmup, ssr, rest)


@says("composer", "ConstantWithWarmupScheduler", differs=_FROM_ZERO, ends="holds", bug=_SCALED_WARMUP)
def constant_with_warmup(
    run: Run, t_warmup: str, alpha: float = 1.0, t_max: str = "1dur", scale_warmup: bool = False, *, ssr: float = 1.0
) -> Schedule:
    """α·B·t/t_warmup, then α·B."""
    times(run, "ConstantWithWarmupScheduler", t_warmup, t_max, ssr)  # refuses what composer refuses
    rest = constant(run.base * alpha)
    return warmed(run, "ConstantWithWarmupScheduler", t_warmup, alpha, scale_warmup, ssr, rest)


@says("composer", "LinearWithWarmupScheduler", differs=_FROM_ZERO, ends="raises past t_max", bug=_SCALED_WARMUP)
def linear_with_warmup(
    run: Run,
    t_warmup: str,
    alpha_i: float = 1.0,
    alpha_f: float = 0.0,
    t_max: str = "1dur",
    scale_warmup: bool = False,
    *,
    ssr: float = 1.0,
) -> Schedule:
    """α_i·B·t/t_warmup, then a line from α_i·B to α_f·B that ends at t_max, counted from the start of the run."""
    _, left = times(run, "LinearWithWarmupScheduler", t_warmup, t_max, ssr)
    rest = constant(run.base * alpha_i) if left == 0 else line(run, alpha_i, alpha_f, left)
    return warmed(run, "LinearWithWarmupScheduler", t_warmup, alpha_i, scale_warmup, ssr, rest)


@says(
    "composer", "CosineAnnealingWithWarmupScheduler", differs=_FROM_ZERO, ends="raises past t_max", bug=_SCALED_WARMUP
)
def cosine_annealing_with_warmup(
    run: Run, t_warmup: str, t_max: str = "1dur", alpha_f: float = 0.0, scale_warmup: bool = False, *, ssr: float = 1.0
) -> Schedule:
    """B·t/t_warmup, then half a cosine to α_f·B that ends at t_max, counted from the start of the run."""
    _, left = times(run, "CosineAnnealingWithWarmupScheduler", t_warmup, t_max, ssr)
    rest = constant(run.base) if left == 0 else cosine_to(run, alpha_f, left)
    return warmed(run, "CosineAnnealingWithWarmupScheduler", t_warmup, 1.0, scale_warmup, ssr, rest)


@says("composer", "PolynomialWithWarmupScheduler", differs=_FROM_ZERO, ends="raises past t_max", bug=_SCALED_WARMUP)
def polynomial_with_warmup(
    run: Run,
    t_warmup: str,
    power: float = 2.0,
    t_max: str = "1dur",
    alpha_f: float = 0.0,
    scale_warmup: bool = False,
    *,
    ssr: float = 1.0,
) -> Schedule:
    """B·t/t_warmup, then B·(α_f + (1 - α_f)(1 - u)^power) up to t_max, counted from the start of the run."""
    _, left = times(run, "PolynomialWithWarmupScheduler", t_warmup, t_max, ssr)
    rest = constant(run.base) if left == 0 else polynomial_to(run, power, alpha_f, left)
    return warmed(run, "PolynomialWithWarmupScheduler", t_warmup, 1.0, scale_warmup, ssr, rest)
