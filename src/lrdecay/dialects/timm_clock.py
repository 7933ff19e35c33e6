"""timm's clock: what a tick is, the warmup before the curve, and how the whole is said in updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from lrdecay.dialects.base import Run
from lrdecay.dialects.stretches import first_difference, follow, glide, listed, whole
from lrdecay.dialects.timm_curves import Curve, Cycles
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, piecewise

__all__ = ["Clock", "clock_of", "said"]

_MOST_TICKS = 1_000_000
_NOISE = ("noise_range_t", "noise_pct", "noise_std", "noise_seed", "noise_type", "initialize")


@frozen
class Clock:
    """Ticks of ``every`` updates; for ``warmup`` ticks a line from ``start`` to ``target``."""

    every: int
    lr: float
    warmup: int
    start: float
    target: float
    prefix: bool

    def rate(self, curve: Curve, t: int) -> float:
        """The rate timm has at tick t: the constructor's at first, the line, the curve."""
        if t == 0:
            return self.start if self.warmup else self.lr
        if t < self.warmup:
            return self.start + t * ((self.target - self.start) / self.warmup)
        return curve(t - self.warmup if self.prefix else t)

    def natural(self, cycles: Cycles) -> int:
        """Ticks until after the last cycle."""
        return math.ceil(cycles.start(cycles.limit)) + (self.warmup if self.prefix else 0) + 1

    def ticks(self, run: Run, natural: int | None) -> int:
        """Ticks in the run, or as many as the scheduler has something to say for.

        Raises:
            InputError: neither is known, or it never ends within reason.
        """
        if run.length is None and natural is not None and natural <= _MOST_TICKS:
            return natural
        return math.ceil(run.steps / self.every)


def clock_of(
    run: Run,
    noise: Mapping[str, Any],
    t_in_epochs: bool,
    steps_per_epoch: int | None,
    warmup_t: int,
    start: float,
    prefix: bool,
    target: float | None = None,
) -> Clock:
    """Read the arguments that all of timm's schedulers share.

    Raises:
        InputError: noise is asked for, a tick is an epoch of unknown length, or an argument is not timm's.
    """
    unknown = sorted(set(noise) - set(_NOISE))
    if unknown:
        msg = refusal("timm scheduler(...)", "must be called with its own arguments", unknown)
        raise InputError(msg)
    if noise.get("noise_range_t") is not None:
        cure = "Its numbers come from torch's generator. Read the live scheduler: lrdecay.adapters.torch.from_peer."
        msg = refusal("timm scheduler(noise_range_t=...)", "must be None", noise["noise_range_t"], cure)
        raise InputError(msg)
    epoch = None if run.horizon is None else run.horizon.epoch_length
    if steps_per_epoch is None and epoch is not None and epoch.denominator == 1:
        steps_per_epoch = int(epoch)
    if t_in_epochs and steps_per_epoch is None:
        cure = "timm's t counts epochs: add steps_per_epoch=N, or t_in_epochs=False if you call step_update()."
        msg = refusal("timm scheduler(steps_per_epoch=...)", "must be given where t_in_epochs is True", None, cure)
        raise InputError(msg)
    every = whole("timm scheduler(steps_per_epoch=...)", steps_per_epoch) if t_in_epochs else 1
    warmup = whole("timm scheduler(warmup_t=...)", warmup_t, 0)
    return Clock(every, run.base, warmup, start, run.base if target is None else target, bool(prefix))


def said(
    run: Run,
    call: str,
    clock: Clock,
    curve: Curve,
    words: Callable[[], Schedule | None] | None,
    end: Cycles | int | None = None,
) -> Schedule:
    """The schedule with timm's numbers: in words where those agree with its arithmetic, else as a list.

    Args:
        run: what is known of the run.
        call: the scheduler, for messages.
        clock: its clock and warmup.
        curve: its arithmetic without warmup.
        words: what to try first; it says the curve from the end of the warmup on.
        end: the cycles or the ticks it has something to say for; None where it goes on.
    """
    natural = clock.natural(end) if isinstance(end, Cycles) else end
    spoken = None if words is None else words()
    if spoken is not None:
        schedule = spoken
        if clock.warmup:
            schedule = follow([_warm(clock), spoken])
        ticks = clock.ticks(run, natural or _looked_at(clock, run))
        if first_difference(schedule, lambda t: clock.rate(curve, t // clock.every), ticks * clock.every, 1e-13)[0] < 0:
            return schedule
    ticks = clock.ticks(run, natural)
    rates = [clock.rate(curve, t) for t in range(ticks)]
    if clock.every == 1:
        return listed(call, rates)
    changes = [t for t in range(1, ticks) if rates[t] != rates[t - 1]]
    if not changes:
        return listed(call, rates)
    return piecewise([rates[t] for t in (0, *changes)], at=[t * clock.every for t in changes])


def _warm(clock: Clock) -> Schedule:
    """The line of the warmup, or its steps where a tick is more than one update."""
    if clock.every == 1:
        return glide(clock.start, clock.target, "linear", clock.warmup)
    rates = [clock.start + t * ((clock.target - clock.start) / clock.warmup) for t in range(clock.warmup)]
    if clock.warmup == 1 or clock.start == clock.target:
        return listed("timm scheduler(warmup_lr_init=...)", rates)
    edges = [t * clock.every for t in range(1, clock.warmup)]
    return piecewise(rates, at=edges, over=clock.warmup * clock.every)


def _looked_at(clock: Clock, run: Run) -> int | None:
    """Ticks to compare where neither the run nor the scheduler has an end."""
    return clock.warmup + 300 if run.length is None else None
