"""What a live scheduler of timm was built with, as the `Call` that would build it; and its noise, as it draws it."""

from __future__ import annotations

import math
from typing import Any

from lrdecay.dialects.base import Call, Run
from lrdecay.dialects.stretches import listed
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule

__all__ = ["noisy", "timm_call"]

_WARMUP = ("warmup_t", "warmup_lr_init", "t_in_epochs")
_CYCLES = ("t_initial", "lr_min", "cycle_mul", "cycle_decay", "cycle_limit", "warmup_prefix", *_WARMUP)
_STABLE = ("stable_fn", "stable_timescale", "stable_power", "decay_fn", "decay_power", "decay_ratio")
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "CosineLRScheduler": (*_CYCLES, "k_decay"),
    "PolyLRScheduler": (*_CYCLES, "k_decay", "power"),
    "TanhLRScheduler": (*_CYCLES, "lb", "ub"),
    "StepLRScheduler": ("decay_t", "decay_rate", "warmup_prefix", *_WARMUP),
    "MultiStepLRScheduler": ("decay_t", "decay_rate", "warmup_prefix", *_WARMUP),
    "WSDLRScheduler": ("t_initial", "decay_t", "lr_min", *_STABLE, *_WARMUP),
    "PlateauLRScheduler": (),
}


def timm_call(scheduler: Any, steps_per_epoch: int | None) -> Call:
    """The call that builds this scheduler, without its noise.

    Raises:
        InputError: it is not one of timm's own classes.
    """
    name = type(scheduler).__name__
    if name not in _ARGUMENTS:
        msg = refusal("from_peer(scheduler)", "must be one of timm's own schedulers", name)
        raise InputError(msg)
    named = {argument: getattr(scheduler, argument) for argument in _ARGUMENTS[name]}
    return Call("timm", name, (), named | {"steps_per_epoch": steps_per_epoch})


def noisy(scheduler: Any, group: int, run: Run, steps_per_epoch: int | None) -> Schedule:
    """Its rates for the whole run, noise included; timm's noise is a function of its seed and t alone.

    Raises:
        InputError: the length of the run or of an epoch is unknown, or the scheduler looks at the loss.
    """
    timm_call(scheduler, steps_per_epoch)
    if type(scheduler).__name__ == "PlateauLRScheduler":
        msg = refusal("from_peer(scheduler)", "must be a schedule of the update alone", "PlateauLRScheduler")
        raise InputError(msg)
    if scheduler.t_in_epochs and steps_per_epoch is None:
        msg = refusal("from_peer(steps_per_epoch=...)", "must be given: this scheduler counts epochs", None)
        raise InputError(msg)
    every = steps_per_epoch if scheduler.t_in_epochs and steps_per_epoch else 1
    ticks = math.ceil(run.steps / every)
    first = scheduler.warmup_lr_init if scheduler.warmup_t else run.base
    rates = [first, *(scheduler._add_noise(scheduler._get_lr(t), t)[group] for t in range(1, ticks))]
    return listed("from_peer(scheduler)", [rates[t // every] for t in range(run.steps)])
