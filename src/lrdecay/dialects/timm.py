"""timm's schedulers: the rate at update t, in a loop that steps them as timm's own training script does.

That is, ``step(epoch + 1)`` after each epoch, or, with ``t_in_epochs=False``, ``step_update(num_updates)`` after each
update. The first rate is not the formula's but the constructor's: the optimizer's rate, or ``warmup_lr_init``. With
``t_in_epochs=True``, which is timm's default, a rate stands for a whole epoch, and how many updates that is must be
said: ``steps_per_epoch=``, an argument of ours, or the horizon's.

Warmup is a line from ``warmup_lr_init`` over ``warmup_t``. Unless ``warmup_prefix``, it masks the head of the curve
behind it, which goes on where it would be without; no family says a curve without its head, so that this is a table.

The three curves with cycles are here, the rest is in `timm_steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrdecay.dialects import timm_steps  # noqa: F401  (it registers its own)
from lrdecay.dialects.base import Run, says
from lrdecay.dialects.stretches import bent, follow, hold, only_if_asked, whole
from lrdecay.dialects.timm_clock import Clock, clock_of, said
from lrdecay.dialects.timm_curves import Cycles, cosine_rate, poly_rate, tanh_rate
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, polynomial, tanh, warm_restarts

__all__ = ["cosine_lr_scheduler", "poly_lr_scheduler", "tanh_lr_scheduler"]

_MASKED = "warmup masks the head of the curve unless warmup_prefix"
_MISFIRE = "at some restarts ⌊log⌋ rounds down to the cycle before, whose floor is then used instead of the peak"


@says("timm", "CosineLRScheduler", differs=_MASKED, ends="holds lr_min after cycle_limit cycles", bug=_MISFIRE)
def cosine_lr_scheduler(
    run: Run,
    t_initial: int,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
    t_in_epochs: bool = True,
    k_decay: float = 1.0,
    steps_per_epoch: int | None = None,
    **noise: Any,
) -> Schedule:
    """Cosine cycles of t_initial·cycle_mul^i, each from lr·cycle_decay^i."""
    clock = clock_of(run, noise, t_in_epochs, steps_per_epoch, warmup_t, warmup_lr_init, warmup_prefix)
    cycles = _cycles(run, "timm.CosineLRScheduler", clock, t_initial, cycle_mul, cycle_decay, cycle_limit)
    lr, curve = run.base, cosine_rate(run.base, lr_min, cycles, k_decay)

    def words() -> Schedule | None:
        plain = lr > lr_min and 0 < cycle_decay <= 1 and (cycle_decay == 1 or lr_min == 0) and cycle_mul <= 1000
        if k_decay == 1 and cycles.limit > 1 and plain:
            over = int(cycles.start(cycles.limit))
            return warm_restarts(lr, cycles.first, float(cycle_mul), float(cycle_decay), lr_min, over=over)
        return _one_by_one(cycles, lr, lambda peak, over: bent(peak, lr_min, "cosine", k_decay, over))

    return said(run, "timm.CosineLRScheduler", clock, curve, words if _countable(clock, cycles) else None, cycles)


@says("timm", "PolyLRScheduler", differs=_MASKED, ends="holds lr_min after cycle_limit cycles", bug=_MISFIRE)
def poly_lr_scheduler(
    run: Run,
    t_initial: int,
    power: float = 0.5,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
    t_in_epochs: bool = True,
    k_decay: float = 1.0,
    steps_per_epoch: int | None = None,
    **noise: Any,
) -> Schedule:
    """Cycles of (1 - (t/T)^k_decay)^power."""
    clock = clock_of(run, noise, t_in_epochs, steps_per_epoch, warmup_t, warmup_lr_init, warmup_prefix)
    cycles = _cycles(run, "timm.PolyLRScheduler", clock, t_initial, cycle_mul, cycle_decay, cycle_limit)
    curve = poly_rate(run.base, lr_min, cycles, k_decay, power)

    def piece(peak: float, over: int) -> Schedule | None:
        if k_decay == 1:
            return polynomial(peak, lr_min, power, over=over) if peak > lr_min else None
        return bent(peak, lr_min, {1.0: "linear", 2.0: "square"}.get(float(power), ""), k_decay, over)

    def words() -> Schedule | None:
        return _one_by_one(cycles, run.base, piece)

    return said(run, "timm.PolyLRScheduler", clock, curve, words if _countable(clock, cycles) else None, cycles)


@says("timm", "TanhLRScheduler", differs=_MASKED, ends="jumps to lr_min after cycle_limit cycles", bug=_MISFIRE)
def tanh_lr_scheduler(
    run: Run,
    t_initial: int,
    lb: float = -7.0,
    ub: float = 3.0,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
    t_in_epochs: bool = True,
    steps_per_epoch: int | None = None,
    **noise: Any,
) -> Schedule:
    """Cycles of (1 - tanh(lb(1 - u) + ub·u))/2; without a warmup the first update is made at lr, a little above it."""
    target = run.base
    cycles = _cycles(run, "timm.TanhLRScheduler", None, t_initial, cycle_mul, cycle_decay, cycle_limit)
    curve = tanh_rate(run.base, lr_min, cycles, lb, ub)
    if warmup_t and not warmup_prefix:
        target = curve(warmup_t)
    clock = clock_of(run, noise, t_in_epochs, steps_per_epoch, warmup_t, warmup_lr_init, warmup_prefix, target)
    _cycles(run, "timm.TanhLRScheduler", clock, t_initial, cycle_mul, cycle_decay, cycle_limit)

    def words() -> Schedule | None:
        falls = _one_by_one(cycles, run.base, lambda p, n: tanh(p, lr_min, lb, ub, over=n) if p > lr_min else None)
        return None if falls is None else follow([falls, hold(lr_min, run.base)])

    return said(run, "timm.TanhLRScheduler", clock, curve, words if _countable(clock, cycles) else None, cycles)


def _cycles(run: Run, call: str, clock: Clock | None, first: Any, mul: float, decay: float, limit: int) -> Cycles:
    """What timm asserts; and whether its logarithm finds every restart of the run."""
    cycles = Cycles(whole(f"{call}(t_initial=...)", first), mul, decay, whole(f"{call}(cycle_limit=...)", limit, 0))
    if not mul > 0:
        msg = refusal(f"{call}(cycle_mul=...)", "must be a positive number", mul)
        raise InputError(msg)
    if clock is not None:
        missed = cycles.misfire(clock.ticks(run, clock.natural(cycles)) - (clock.warmup if clock.prefix else 0))
        if missed >= clock.warmup * (not clock.prefix) and missed >= 0:
            cure = f"At {missed}, where a cycle starts, timm takes it for the end of the cycle before."
            only_if_asked(
                run, f"{call}(cycle_mul=...)", "must restart at its peak, which a bug of timm prevents", mul, cure
            )
    return cycles


def _countable(clock: Clock, cycles: Cycles) -> bool:
    """Whether the curve starts at its start, moves at each update, and its cycles end on ticks."""
    head = clock.prefix or not clock.warmup
    return clock.every == 1 and head and cycles.limit > 0 and (cycles.limit == 1 or float(cycles.mul).is_integer())


def _one_by_one(cycles: Cycles, lr: float, piece: Callable[[float, int], Schedule | None]) -> Schedule | None:
    """The cycles one after the other, if there are few and each can be said."""
    if cycles.limit > 20:
        return None
    lengths = [int(cycles.start(i + 1) - cycles.start(i)) for i in range(cycles.limit)]
    pieces = [piece(lr * cycles.decay**i, length) for i, length in enumerate(lengths)]
    parts = [p for p in pieces if p is not None]
    return follow(parts) if len(parts) == len(pieces) else None
