"""torch's schedulers that go up and down: CyclicLR, CosineAnnealingWarmRestarts, OneCycleLR.

All three are closed forms in torch as well, and replace whatever rate they find. The functions ``*_rate`` are torch's
own arithmetic at one update; `torch_formulas` uses them too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict

from lrdecay.dialects.base import Run, says
from lrdecay.dialects.stretches import MOST_PARTS, follow, glide, listed, listed_if_asked, whole
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, one_cycle, triangular, warm_restarts

__all__ = [
    "cosine_annealing_warm_restarts",
    "cyclic_lr",
    "cyclic_rate",
    "one_cycle_lr",
    "one_cycle_phases",
    "one_cycle_rate",
    "restarts_rate",
    "scaling",
]

_SCALES: dict[str, str] = {"triangular": "constant", "triangular2": "halve", "exp_range": "exp"}


@says("torch", "CyclicLR", differs="lr of the optimizer is replaced by base_lr", ends="goes on")
def cyclic_lr(
    run: Run,
    base_lr: float,
    max_lr: float,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Any = None,  # Callable[[float], float]; a text may hold anything
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,  # noqa: ARG001
    base_momentum: float = 0.8,  # noqa: ARG001
    max_momentum: float = 0.9,  # noqa: ARG001
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """base_lr + (max_lr - base_lr)·h·scale, h up over step_size_up and down over step_size_down."""
    up, down = float(step_size_up), float(step_size_up if step_size_down is None else step_size_down)
    if scale_fn is not None and not callable(scale_fn):
        cure = "A text cannot hold one. Read the live scheduler: lrdecay.adapters.torch.from_peer(scheduler, steps=N)."
        msg = refusal("torch.CyclicLR(scale_fn=...)", "must be a Python function", scale_fn, cure)
        raise InputError(msg)
    if (mode not in _SCALES and scale_fn is None) or up <= 0 or down <= 0:
        rule = f"must have mode= one of {', '.join(_SCALES)} and positive sizes"
        msg = refusal("torch.CyclicLR(...)", rule, (mode, step_size_up, step_size_down))
        raise InputError(msg)
    rising = scale_fn is None and base_lr <= max_lr
    if rising and up == down and up.is_integer() and 0 < gamma <= 1:
        gamma = gamma if mode == "exp_range" else 1.0
        return triangular(base_lr, max_lr, half_cycle=int(up), scale=_SCALES[mode], gamma=gamma)
    if scale_fn is None and mode == "triangular" and up.is_integer() and down.is_integer():
        cycles = math.ceil(run.steps / (up + down))
        if 2 * cycles <= MOST_PARTS:
            rise, fall = (base_lr, max_lr, "linear", int(up)), (max_lr, base_lr, "linear", int(down))
            return follow([glide(*rise) if i % 2 == 0 else glide(*fall) for i in range(2 * cycles)])
    rate = partial(
        cyclic_rate, low=base_lr, high=max_lr, up=up, down=down, **scaling(mode, gamma, scale_fn, scale_mode)
    )
    return listed("torch.CyclicLR(...)", map(rate, range(run.steps)))


class Scaling(TypedDict):
    """What `cyclic_rate` is told of the height of a cycle."""

    scale: Callable[[float], float]
    by_cycle: bool


def scaling(mode: str, gamma: float, scale_fn: Callable[[float], float] | None, scale_mode: str) -> Scaling:
    """How high a cycle is, and whether that is told by the cycle (from 1 on) or by the update."""
    if scale_fn is not None:
        return {"scale": scale_fn, "by_cycle": scale_mode == "cycle"}
    scales: dict[str, Callable[[float], float]] = {
        "triangular": lambda _: 1.0,
        "triangular2": lambda cycle: 1 / (2.0 ** (cycle - 1)),
        "exp_range": lambda t: gamma**t,
    }
    return {"scale": scales[mode], "by_cycle": mode != "exp_range"}


def cyclic_rate(
    t: int, low: float, high: float, up: float, down: float, scale: Callable[[float], float], by_cycle: bool
) -> float:
    """The rate of torch's CyclicLR at update t."""
    total, ratio = up + down, up / (up + down)
    cycle = math.floor(1 + t / total)
    x = 1.0 + t / total - cycle
    height = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
    return low + (high - low) * height * float(scale(cycle if by_cycle else t))


@says(
    "torch", "CosineAnnealingWarmRestarts", ends="goes on", bug="step(epoch) gives 0 at some restarts; step() does not"
)
def cosine_annealing_warm_restarts(
    run: Run,
    T_0: int,  # noqa: N803
    T_mult: int = 1,  # noqa: N803
    eta_min: float = 0.0,
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """Cycles of T_0·T_mult^i updates, each eta_min + (lr - eta_min)(1 + cos πu)/2; what plain ``step()`` does."""
    first = whole("torch.CosineAnnealingWarmRestarts(T_0=...)", T_0)
    growth = whole("torch.CosineAnnealingWarmRestarts(T_mult=...)", T_mult)
    if eta_min <= run.base and growth <= 1000:
        return warm_restarts(run.base, first=first, growth=growth, floor=eta_min)
    parts: list[Schedule] = []
    start, length = 0, first
    while start < run.steps and len(parts) < MOST_PARTS:
        parts.append(glide(run.base, eta_min, "cosine", length))
        start, length = start + length, length * growth
    if start >= run.steps:
        return follow(parts)
    rate = partial(restarts_rate, lr=run.base, first=first, growth=growth, floor=eta_min)
    return listed("torch.CosineAnnealingWarmRestarts(...)", map(rate, range(run.steps)))


def restarts_rate(t: int, lr: float, first: int, growth: int, floor: float) -> float:
    """The rate of torch's CosineAnnealingWarmRestarts at update t, by its plain ``step()``."""
    length = first
    if growth == 1:
        t %= first
    while t >= length:
        t, length = t - length, length * growth
    return floor + (lr - floor) * (1 + math.cos(math.pi * t / length)) / 2


@says(
    "torch",
    "OneCycleLR",
    differs="peaks at pct_start·T - 1 and ends at T - 1; lr of the optimizer is replaced",
    ends="at T - 1; one more step() is let through, the next one raises",
    bug="the value one past the end is off the curve: below 0 where it is linear",
)
def one_cycle_lr(
    run: Run,
    max_lr: float,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,  # noqa: ARG001
    base_momentum: float = 0.85,  # noqa: ARG001
    max_momentum: float = 0.95,  # noqa: ARG001
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """max_lr/div_factor to max_lr to max_lr/(div_factor·final_div_factor), in two or three phases."""
    call = "torch.OneCycleLR(total_steps=...)"
    if total_steps is None and epochs is not None and steps_per_epoch is not None:
        total_steps = epochs * steps_per_epoch
    total = whole(call, total_steps, 1, "Give it, or epochs= and steps_per_epoch=.")
    if anneal_strategy not in ("cos", "linear") or not 0 <= pct_start <= 1:
        rule = "must have anneal_strategy= cos or linear, and pct_start= from 0 to 1"
        msg = refusal("torch.OneCycleLR(...)", rule, (anneal_strategy, pct_start))
        raise InputError(msg)
    phases = one_cycle_phases(total, pct_start, three_phase)
    if phases[0] == 0:
        cure = "torch divides by zero at once. Use another pct_start, or cosine(peak), which starts at its peak."
        msg = refusal("torch.OneCycleLR(pct_start=...)", "must not be one single update", pct_start, cure)
        raise InputError(msg)
    start = max_lr / div_factor
    levels = (start, max_lr, *([start] if three_phase else []), start / final_div_factor)
    rate = partial(one_cycle_rate, levels=levels, phases=phases, linear=anneal_strategy == "linear")
    length = total if run.length is None else run.length
    if length > total + 1:
        msg = refusal(call, f"must be the whole run of {length} updates", total, "torch itself raises after its end.")
        raise InputError(msg)
    if length > total:
        rule = f"must be the whole run of {length} updates"
        cure = f"torch's rate past the end is a bug: {rate(total)!r}."
        return listed_if_asked(run, call, map(rate, range(length)), rule, total, cure)
    shape = "linear" if anneal_strategy == "linear" else "cosine"
    ends = [round(end) for end in phases]
    neat = all(abs(end - exact) <= 1e-12 * total for end, exact in zip(ends, phases, strict=True))
    if neat and 0 < ends[0] < ends[-1] and ends == sorted(set(ends)):
        if div_factor >= 1 and final_div_factor >= 1:
            return one_cycle(max_lr, ends[0], div_factor, final_div_factor, shape, three_phase, over=ends[-1])
        lengths = [b - a for a, b in itertools.pairwise([0, *ends])]
        ramps = zip(itertools.pairwise(levels), lengths, strict=True)
        return follow([glide(a, b, shape, over) for (a, b), over in ramps])
    return listed(call, map(rate, range(total)))


def one_cycle_phases(total: int, pct_start: float, three_phase: bool) -> tuple[float, ...]:
    """Where torch's phases end, in updates that need not be whole."""
    peak = float(pct_start * total) - 1
    return (peak, float(2 * pct_start * total) - 2, total - 1) if three_phase else (peak, total - 1)


def one_cycle_rate(t: int, levels: tuple[float, ...], phases: tuple[float, ...], linear: bool) -> float:
    """The rate of torch's OneCycleLR at update t, also past its end."""
    i = next((i for i, end in enumerate(phases) if t <= end), len(phases) - 1)
    begin = phases[i - 1] if i else 0.0
    pct = (t - begin) / (phases[i] - begin)
    a, b = levels[i], levels[i + 1]
    return (b - a) * pct + a if linear else b + (a - b) / 2.0 * (math.cos(math.pi * pct) + 1)
