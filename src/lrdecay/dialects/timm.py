"""timm's schedulers: the rate at update t, in a loop that steps them as timm's own training script does.

That is, ``step(epoch + 1)`` after each epoch, or, with ``t_in_epochs=False``, ``step_update(num_updates)`` after each
update. The first rate is not the formula's but the constructor's: the optimizer's rate, or ``warmup_lr_init``. With
``t_in_epochs=True``, which is timm's default, a rate stands for a whole epoch, and how many updates that is must be said:
``steps_per_epoch=``, an argument of ours.

Warmup is a line from ``warmup_lr_init`` over ``warmup_t``. Unless ``warmup_prefix``, it masks the head of the curve behind
it, which goes on where it would be without; no family says a curve without its head, so that this is a table.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.stretches import follow, glide, hold, only_if_asked, whole
from lrdecay.dialects.timm_clock import Clock, clock_of, said
from lrdecay.dialects.timm_curves import Curve, Cycles, cosine_rate, poly_rate, tanh_rate, wsd_rate
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, constant, k_decay, multi_step, polynomial, ramp, step, tanh, warm_restarts

__all__ = [
    "cosine_lr_scheduler",
    "multi_step_lr_scheduler",
    "plateau_lr_scheduler",
    "poly_lr_scheduler",
    "step_lr_scheduler",
    "tanh_lr_scheduler",
    "wsd_lr_scheduler",
]

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
        return _one_by_one(cycles, lr, lambda peak, over: _bent(peak, lr_min, "cosine", k_decay, over))

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
        return _bent(peak, lr_min, {1: "linear", 2: "square"}.get(power, ""), k_decay, over)

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
            falls = _bent(run.base, lr_min, "linear", decay_power, decay)
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


def _bent(peak: float, floor: float, shape: str, k: float, over: int) -> Schedule | None:
    """A closed shape on the clock u^k."""
    if k == 1 and shape in ("linear", "cosine"):
        return glide(peak, floor, shape, over)
    return k_decay(peak, k, floor, shape, over=over) if peak > floor and shape and k > 0 else None
