"""timm's schedulers without cycles: steps, milestones, warmup-stable-decay, and plateau, which is refused.

What they share, and what a tick is, is said in `lrdecay.dialects.timm`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.stretches import bent, follow, whole
from lrdecay.dialects.timm_clock import clock_of, said
from lrdecay.dialects.timm_curves import Curve, wsd_rate
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, constant, multi_step, ramp, step

__all__ = ["multi_step_lr_scheduler", "plateau_lr_scheduler", "step_lr_scheduler", "wsd_lr_scheduler"]


@says("timm", "StepLRScheduler", ends="goes on")
def step_lr_scheduler(
    run: Run,
    decay_t: float,
    decay_rate: float = 1.0,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = True,
    t_in_epochs: bool = True,
    steps_per_epoch: int | None = None,
    **noise: Any,
) -> Schedule:
    """lr·decay_rate^⌊t/decay_t⌋; decay_t need not be whole."""
    clock = clock_of(run, noise, t_in_epochs, steps_per_epoch, warmup_t, warmup_lr_init, warmup_prefix)
    if not decay_t > 0:
        msg = refusal("timm.StepLRScheduler(decay_t=...)", "must be a positive number", decay_t)
        raise InputError(msg)
    lr = run.base

    def words() -> Schedule | None:
        every, begun = int(decay_t), 0 if clock.prefix else clock.warmup
        passed, into = divmod(begun, every)
        falling = step(lr * decay_rate ** (passed + bool(into)), decay_rate, every * clock.every)
        if not into:
            return falling
        return constant(lr * decay_rate**passed, over=(every - into) * clock.every) + falling

    sayable = 0 < decay_rate <= 1 and float(decay_t).is_integer()
    return said(
        run, "timm.StepLRScheduler", clock, lambda t: lr * decay_rate ** (t // decay_t), words if sayable else None
    )


@says("timm", "MultiStepLRScheduler", differs="switches one tick early: a milestone m speaks at m - 1", ends="holds")
def multi_step_lr_scheduler(
    run: Run,
    decay_t: Sequence[int],
    decay_rate: float = 1.0,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = True,
    t_in_epochs: bool = True,
    steps_per_epoch: int | None = None,
    **noise: Any,
) -> Schedule:
    """lr·decay_rate^(milestones m <= t + 1), but for the first update, which the constructor makes at lr."""
    clock = clock_of(run, noise, t_in_epochs, steps_per_epoch, warmup_t, warmup_lr_init, warmup_prefix)
    milestones = [whole("timm.MultiStepLRScheduler(decay_t=...)", m, -(2**53)) for m in decay_t]
    if milestones != sorted(milestones):
        msg = refusal(
            "timm.MultiStepLRScheduler(decay_t=...)", "must be in rising order", decay_t, "timm bisects them."
        )
        raise InputError(msg)
    begun = 0 if clock.prefix else clock.warmup
    first = 0 if clock.warmup else 1  # without a warmup, the first update is the constructor's
    switches = [max(m - 1 - begun, first) for m in milestones]
    at = [m for m in switches if m > 0]

    def words() -> Schedule | None:
        peak = run.base * decay_rate ** (len(switches) - len(at))
        if not at:
            return constant(peak)
        return multi_step(peak, decay_rate, [m * clock.every for m in at]) if len(set(at)) == len(at) else None

    def rate(t: int) -> float:
        return run.base * float(decay_rate ** bisect_right(milestones, t + 1))

    last = (milestones[-1] if milestones else 0) + clock.warmup + 2
    return said(run, "timm.MultiStepLRScheduler", clock, rate, words if 0 < decay_rate <= 1 else None, last)


@says("timm", "WSDLRScheduler", ends="holds lr_min")
def wsd_lr_scheduler(
    run: Run,
    t_initial: int,
    decay_t: int,
    lr_min: float = 0.0,
    stable_fn: str = "constant",
    stable_timescale: float | None = None,
    stable_power: float = 0.5,
    decay_fn: str | Callable[[float], float] = "1-sqrt",
    decay_power: float = 0.5,
    decay_ratio: float = 0.1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    t_in_epochs: bool = True,
    steps_per_epoch: int | None = None,
    **noise: Any,
) -> Schedule:
    """Warmup, lr·stable(t), then down to lr_min over the last decay_t of t_initial."""
    clock = clock_of(run, noise, t_in_epochs, steps_per_epoch, warmup_t, warmup_lr_init, prefix=True)
    total = whole("timm.WSDLRScheduler(t_initial=...)", t_initial)
    decay = whole("timm.WSDLRScheduler(decay_t=...)", decay_t)
    shapes: dict[str, Callable[[float], float]] = {
        "linear": lambda u: 1.0 - u,
        "1-sqrt": lambda u: 1.0 - math.sqrt(u),
        "cosine": lambda u: 0.5 * (1.0 + math.cos(math.pi * u)),
        "power": lambda u: 1.0 - float(u**decay_power),
        "exp": lambda u: (decay_ratio**u - decay_ratio) / (1.0 - decay_ratio),
    }
    if (
        decay > total
        or stable_fn not in ("constant", "rsqrt", "power")
        or not (callable(decay_fn) or decay_fn in shapes)
    ):
        rule = "must be what timm accepts"
        msg = refusal(
            "timm.WSDLRScheduler(...)", rule, (t_initial, decay_t, stable_fn, decay_fn), "timm refuses it too."
        )
        raise InputError(msg)
    scale = float(clock.warmup if stable_timescale is None else stable_timescale)
    power = 0.5 if stable_fn == "rsqrt" else stable_power
    stable: Curve = (lambda _: 1.0) if stable_fn == "constant" else (lambda t: float((1.0 + t / scale) ** -power))
    shape = decay_fn if callable(decay_fn) else shapes[decay_fn]
    curve = wsd_rate(run.base, lr_min, stable, total - decay, decay, shape)

    def words() -> Schedule | None:
        stands = [constant(run.base, over=total - decay)] if decay < total else []
        if decay_fn == "power":
            falls = bent(run.base, lr_min, "linear", decay_power, decay)
        else:
            falls = ramp(run.base, lr_min, str(decay_fn), over=decay)
        return None if falls is None else follow([*stands, falls])

    named = isinstance(decay_fn, str) and decay_fn != "exp" and stable_fn == "constant" and run.base > lr_min
    sayable = words if named and clock.every == 1 else None
    return said(run, "timm.WSDLRScheduler", clock, curve, sayable, clock.warmup + total + 1)


@says("timm", "PlateauLRScheduler", differs="a rule that looks at the loss, which no schedule does")
def plateau_lr_scheduler(run: Run, *_given: Any, **_named: Any) -> NoReturn:  # noqa: ARG001
    """Refused."""
    cure = "It is a rule: what it does depends on the losses of the run. Write down the drops it made as multi_step."
    msg = refusal("timm.PlateauLRScheduler(...)", "must be a schedule of the update alone", "a rule", cure)
    raise InputError(msg)
