"""What transformers' schedules mean: the functions behind ``get_scheduler`` (5.23), without their optimizer.

Each is the optimizer's rate times a factor of t. Its warmup starts at 0, so that the first update moves nothing: that
is kept. w is ``num_warmup_steps``, T is ``num_training_steps``, k = t - w:

    constant                   1
    constant with warmup       t/w, then 1
    linear                     t/w, then (T - t)/(T - w), at least 0
    polynomial                 t/w, then lr_end + (lr - lr_end)(1 - k/(T - w))^power
    inverse square root        t/w, then (1 + k/timescale)^-1/2
    warmup, stable, decay      three parts; min_lr_ratio lifts both ends

The cosines are in `lrdecay.dialects.transformers_cosines`. Plateau and greedy look at a metric and are refused.
"""

from __future__ import annotations

import math
from typing import Any

from lrdecay.dialects.base import Call, Run, says, translate
from lrdecay.dialects.pieces import held, known_bug, to_floor, warmed, whole
from lrdecay.dialects.transformers_cosines import HF, START, counted, dip, length, listed_after_warmup
from lrdecay.errors import InputError, did_you_mean, non_negative, one_of, positive, refusal
from lrdecay.schedule import Schedule, constant, noam, polynomial, ramp, scale, tabulated

__all__ = ["SCHEDULER_TYPES"]

SCHEDULER_TYPES = {
    "linear": "get_linear_schedule_with_warmup",
    "cosine": "get_cosine_schedule_with_warmup",
    "cosine_with_restarts": "get_cosine_with_hard_restarts_schedule_with_warmup",
    "polynomial": "get_polynomial_decay_schedule_with_warmup",
    "constant": "get_constant_schedule",
    "constant_with_warmup": "get_constant_schedule_with_warmup",
    "inverse_sqrt": "get_inverse_sqrt_schedule",
    "reduce_lr_on_plateau": "get_reduce_on_plateau_schedule",
    "cosine_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup",
    "cosine_warmup_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    "warmup_stable_decay": "get_wsd_schedule",
    "greedy": "get_greedy_schedule",
}
"""The names that ``get_scheduler`` and ``lr_scheduler_type=`` take, and the function behind each."""

POLYNOMIAL = SCHEDULER_TYPES["polynomial"]
WAITS = "must be a function of t: it waits for a metric"
WSD_SHAPES = ("linear", "cosine", "1-sqrt")


@says(HF, "get_constant_schedule", ends="holds")
def constant_schedule(run: Run, last_epoch: int = -1) -> Schedule:
    """The optimizer's rate."""
    counted(last_epoch)
    return constant(run.base)


@says(HF, "get_constant_schedule_with_warmup", differs=START, ends="holds")
def constant_with_warmup(run: Run, num_warmup_steps: int, last_epoch: int = -1) -> Schedule:
    """t/w, then 1."""
    (w,) = counted(last_epoch, num_warmup_steps=num_warmup_steps)
    return warmed(w, run.base, constant(run.base))


@says(HF, "get_linear_schedule_with_warmup", differs=START, ends="holds 0")
def linear_with_warmup(run: Run, num_warmup_steps: int, num_training_steps: int, last_epoch: int = -1) -> Schedule:
    """t/w, then (T - t)/(T - w)."""
    w, total = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_training_steps=num_training_steps)
    return warmed(w, run.base, to_floor(run.base, 0.0, max(0, total - w)))


@says(
    HF,
    POLYNOMIAL,
    differs=START,
    ends="holds lr_end",
    bug="divides 0 by 0 at T where num_warmup_steps = num_training_steps; takes lr_end relative to optimizer.defaults",
)
def polynomial_with_warmup(
    run: Run,
    num_warmup_steps: int,
    num_training_steps: int,
    lr_end: float = 1e-7,
    power: float = 1.0,
    last_epoch: int = -1,
) -> Schedule:
    """t/w, then lr_end + (lr - lr_end)(1 - k/(T - w))^power."""
    w, total = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_training_steps=num_training_steps)
    positive.check(f"{POLYNOMIAL}(power=...)", power)
    non_negative.check(f"{POLYNOMIAL}(lr_end=...)", lr_end)
    if not run.base > lr_end:
        msg = refusal(f"{POLYNOMIAL}(lr_end=...)", f"must be below the optimizer's rate, {run.base!r}", lr_end)
        raise InputError(msg)
    if w == total and not (run.as_is and length(run, total) <= total):
        rule = f"must not equal num_training_steps: it divides 0 by 0 at t = {total}"
        msg = known_bug(f"{POLYNOMIAL}(num_warmup_steps=...)", rule, w)
        raise InputError(msg)
    if w >= total:
        return warmed(w, run.base, held(lr_end, run.base))
    if power == 1:
        return warmed(w, run.base, to_floor(run.base, lr_end, total - w))
    return warmed(w, run.base, polynomial(run.base, floor=lr_end, power=power, over=total - w))


@says(HF, "get_inverse_sqrt_schedule", differs=START, ends="goes on falling")
def inverse_sqrt_schedule(
    run: Run, num_warmup_steps: int, timescale: int | None = None, last_epoch: int = -1
) -> Schedule:
    """t/w, then (1 + k/timescale)^-1/2; the timescale is w, or 10000 without a warmup.

    With a timescale of w it is min(t/w, √(w/t)): noam's curve, which counts from 1, an update late.
    """
    (w,) = counted(last_epoch, num_warmup_steps=num_warmup_steps)
    tau = timescale if timescale is not None else (w or 10_000)
    positive.check("get_inverse_sqrt_schedule(timescale=...)", tau)
    if tau == w and (run.length is None or run.length > w):
        return scale(constant(run.base, over=1), 0.0) + noam(1, warmup=w, scale=run.base * math.sqrt(w))
    return listed_after_warmup(run, run.steps, w, lambda t: 1.0 / math.sqrt((t + tau - w) / tau))


@says(
    HF,
    "get_wsd_schedule",
    differs="the first update is made at min_lr_ratio times the rate; the cooldown starts by count, not at T minus it",
    ends="holds min_lr_ratio times the rate",
)
def wsd_schedule(
    run: Run,
    num_warmup_steps: int,
    num_decay_steps: int,
    num_training_steps: int | None = None,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> Schedule:
    """The warmup from r, 1 for as long as stable, then the decay to r = min_lr_ratio, which is held."""
    w, d = counted(last_epoch, num_warmup_steps=num_warmup_steps, num_decay_steps=num_decay_steps)
    one_of(WSD_SHAPES).check("get_wsd_schedule(warmup_type=...)", warmup_type)
    one_of(WSD_SHAPES).check("get_wsd_schedule(decay_type=...)", decay_type)
    non_negative.check("get_wsd_schedule(min_lr_ratio=...)", min_lr_ratio)
    if num_stable_steps is None and num_training_steps is None:
        msg = refusal("get_wsd_schedule(...)", "must be given num_training_steps or num_stable_steps", None)
        raise InputError(msg)
    if num_stable_steps is None:
        (total,) = counted(last_epoch, num_training_steps=num_training_steps)
        stable = total - w - d
    else:
        stable = num_stable_steps if num_stable_steps < 0 else whole("get_wsd_schedule(...)", num_stable_steps)
    floor = min_lr_ratio * run.base
    skipped = max(0, -stable)  # of the decay, where the warmup and the decay do not fit into T
    if skipped >= d:
        rest = held(floor, run.base)
    elif skipped or (decay_type == "cosine" and num_cycles != 0.5):
        rates = [_between(run.base, floor, _fallen(decay_type, k / d, num_cycles)) for k in range(skipped, d)]
        rest = tabulated(rates, over=d - skipped) + held(floor, run.base)
    else:
        rest = to_floor(run.base, floor, d, decay_type)
    if stable > 0:
        rest = constant(run.base, over=stable) + rest
    return _rise(run.base, floor, w, warmup_type) + rest if w else rest


def _between(peak: float, floor: float, factor: float) -> float:
    """A factor of 1 is the peak, one of 0 the floor."""
    return peak * factor + floor * (1.0 - factor)


def _fallen(decay_type: str, u: float, cycles: float) -> float:
    """The factor of the decay, as there."""
    if decay_type == "cosine":
        return dip(u, cycles)
    return 1.0 - u if decay_type == "linear" else 1.0 - math.sqrt(u)


def _rise(peak: float, floor: float, over: int, warmup_type: str) -> Schedule:
    """From the floor to the peak; "1-sqrt" rises as 1 - √(1 - u), which is no closed shape upside down."""
    if warmup_type == "1-sqrt":
        rates = [_between(peak, floor, 1.0 - math.sqrt(1.0 - k / over)) for k in range(over)]
        return tabulated(rates, over=over) if max(rates) > 0 else scale(constant(peak, over=over), 0.0)
    return ramp(floor, peak, shape=warmup_type, over=over)


@says(HF, "get_reduce_on_plateau_schedule", ends="looks at a metric: no function of t")
def reduce_on_plateau_schedule(run: Run, **kwargs: Any) -> Schedule:  # noqa: ARG001
    """ReduceLROnPlateau of torch: refused."""
    msg = refusal("get_reduce_on_plateau_schedule(...)", WAITS, kwargs)
    raise InputError(msg)


@says(HF, "get_greedy_schedule", ends="looks at a metric: no function of t")
def greedy_schedule(run: Run, **kwargs: Any) -> Schedule:  # noqa: ARG001
    """GreedyLR, arXiv:2512.14527: refused."""
    msg = refusal("get_greedy_schedule(...)", WAITS, kwargs)
    raise InputError(msg)


@says(HF, "get_scheduler", differs="as the function that it names")
def get_scheduler(
    run: Run,
    name: str,
    num_warmup_steps: int | None = None,
    num_training_steps: int | None = None,
    scheduler_specific_kwargs: dict[str, Any] | None = None,
) -> Schedule:
    """The function that the name stands for, given what that function takes, as there."""
    spelled = str(getattr(name, "value", name))
    if spelled not in SCHEDULER_TYPES:
        cure = did_you_mean(spelled, SCHEDULER_TYPES)
        msg = refusal("transformers.get_scheduler(name=...)", "must be a known scheduler", name, cure)
        raise InputError(msg)
    named = dict(scheduler_specific_kwargs or {})
    if spelled in ("constant", "constant_with_warmup"):
        named = {}
    if spelled not in ("constant", "reduce_lr_on_plateau", "greedy"):
        named["num_warmup_steps"] = num_warmup_steps
        if spelled not in ("constant_with_warmup", "inverse_sqrt"):
            named["num_training_steps"] = num_training_steps
    return translate(Call(HF, SCHEDULER_TYPES[spelled], (), named), run)
