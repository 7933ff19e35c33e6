"""Live schedulers of torch, timm and transformers as schedules of ours: `from_peer` reads what one was built with.

It does not run the scheduler, and does not look at how far it has come: update 0 is the first one of its run. To go on
from the middle, say so where the schedule is attached:

    schedule = from_peer(scheduler, steps=10_000)
    scheduler = attach(optimizer, schedule, Horizon(steps=10_000), step=scheduler.last_epoch)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lrdecay.adapters.torch.peers_timm import noisy, timm_call
from lrdecay.adapters.torch.peers_torch import base_rate, torch_call
from lrdecay.adapters.torch.peers_transformers import of_transformers
from lrdecay.dialects import timm as _timm  # noqa: F401  (they register their translators)
from lrdecay.dialects import torch as _torch  # noqa: F401
from lrdecay.dialects.base import Run, translate
from lrdecay.dialects.torch_recursions import rates
from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.schedule import Horizon, Schedule

__all__ = ["from_peer"]

_FAR = 10_000_000  # updates over which groups are compared where nobody says how long the run is
_TORCH = ("torch.optim.lr_scheduler", "torch.optim.swa_utils")


def from_peer(
    scheduler: Any, steps: int | None = None, *, as_is: bool = False, steps_per_epoch: int | None = None
) -> Schedule:
    """The schedule with exactly the rates of a live scheduler, from its first update on.

    Where groups differ by a ratio it is that of the largest; `attach` keeps the ratios of the others.

    Args:
        scheduler: one of ``torch.optim.lr_scheduler``, ``SWALR``, one of ``timm.scheduler``, or what transformers made.
        steps: updates in the run; needed by what no family says, such as a Python function.
        as_is: keep a plain bug of the peer's, as a table of its numbers.
        steps_per_epoch: for a scheduler of timm that counts epochs.

    Raises:
        InputError: it is no such scheduler, looks at the loss, its groups differ by more than a ratio, the length of
            the run is needed, or the peer's rates are a plain bug and ``as_is`` was not asked for.
    """
    if steps is not None:
        positive_int.check("from_peer(steps=...)", steps)
    if type(scheduler).__module__ in _TORCH:
        schedules = _of_torch(scheduler, steps, as_is)
    elif type(scheduler).__module__.startswith("timm.scheduler."):
        schedules = _of_timm(scheduler, steps, as_is, steps_per_epoch)
    else:
        cure = "Give one of torch.optim.lr_scheduler's or timm.scheduler's own classes, or what get_scheduler returned."
        msg = refusal("from_peer(scheduler)", "must be a scheduler that is known", type(scheduler).__qualname__, cure)
        raise InputError(msg)
    return _largest(schedules, steps or _FAR)


def _of_torch(scheduler: Any, steps: int | None, as_is: bool) -> list[Schedule]:
    """One schedule for each group with a rate; what transformers made is the same for all of them."""
    made = of_transformers(scheduler, steps, as_is=as_is)
    if made is not None:
        return [made]
    calls = [(torch_call(scheduler, i), base_rate(scheduler, i)) for i in range(_groups(scheduler))]
    moving = [(call, lr) for call, lr in _distinct(calls) if lr != 0 or any(rates(call, 0.0, 300))]
    return [translate(call, Run(lr, steps, as_is, call="from_peer")) for call, lr in moving]


def _of_timm(scheduler: Any, steps: int | None, as_is: bool, steps_per_epoch: int | None) -> list[Schedule]:
    bases = list(enumerate(float(value) for value in scheduler.base_values))
    moving = [(i, lr) for i, lr in bases if lr != 0]
    if scheduler.noise_range_t is not None:
        return [noisy(scheduler, i, Run(lr, steps, call="from_peer"), steps_per_epoch) for i, lr in moving]
    call = timm_call(scheduler, steps_per_epoch)
    return [translate(call, Run(lr, steps, as_is, call="from_peer")) for _, lr in _distinct(moving, key=1)]


def _groups(scheduler: Any) -> int:
    """The groups it was built with; those added later have no part in its arithmetic."""
    while not hasattr(scheduler, "base_lrs"):
        if not hasattr(scheduler, "_schedulers"):
            return len(scheduler.optimizer.param_groups)
        scheduler = scheduler._schedulers[0]
    return len(scheduler.base_lrs)


def _distinct(pairs: list[tuple[Any, float]], key: int | None = None) -> list[tuple[Any, float]]:
    """Each once: groups with the same call and rate have the same schedule."""
    kept: dict[str, tuple[Any, float]] = {}
    for pair in pairs:
        kept.setdefault(repr(pair if key is None else pair[key]), pair)
    return list(kept.values())


def _largest(schedules: list[Schedule], steps: int) -> Schedule:
    """The schedule with the highest rates, if the others are fractions of it."""
    if not schedules:
        msg = refusal("from_peer(scheduler)", "must have a group whose rate is not zero", 0.0)
        raise InputError(msg)
    if len(schedules) == 1:
        return schedules[0]
    at = np.unique(np.concatenate([np.arange(min(steps, 1000)), np.geomspace(1, steps, 1000).astype(np.int64) - 1]))
    curves = [schedule.bind(Horizon(steps=steps))(at) for schedule in schedules]
    most = max(range(len(curves)), key=lambda i: float(np.max(curves[i])))
    reference, top = curves[most], int(np.argmax(curves[most]))
    for schedule, rate in zip(schedules, curves, strict=True):
        if not np.allclose(rate, reference * (rate[top] / reference[top]), rtol=0, atol=1e-9 * float(np.max(rate))):
            cure = "Attach one schedule per optimizer, or read schedulers whose floors scale with their rates."
            rule = "must have groups that differ by a ratio only"
            msg = refusal("from_peer(scheduler)", rule, [schedules[most], schedule], cure)
            raise InputError(msg)
    return schedules[most]
