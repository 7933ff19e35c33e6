"""torch's schedulers, ``torch.optim.lr_scheduler`` and ``SWALR``: the rate at update t after t plain ``step()`` calls.

torch moves most rates by recursion, lr(t) from lr(t - 1); what follows are the closed forms of that. Those that go
round are in `torch_cycles`, those made of others in `torch_joined`. Momentum, which some of them move too, is left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from lrdecay.dialects import torch_cycles, torch_joined  # noqa: F401  (they register their own)
from lrdecay.dialects.base import Run, says
from lrdecay.dialects.stretches import MOST_PARTS, follow, glide, listed, whole
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, constant, exponential, multi_step, piecewise, polynomial, step

__all__ = [
    "constant_lr",
    "cosine_annealing_lr",
    "exponential_lr",
    "lambda_lr",
    "linear_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "polynomial_lr",
    "reduce_lr_on_plateau",
    "step_lr",
    "swa_lr",
]


@says("torch", "StepLR", ends="goes on", bug="step_size=0 is accepted and divides by zero at the first step()")
def step_lr(run: Run, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> Schedule:  # noqa: ARG001
    """lr·gamma^⌊t/step_size⌋."""
    every = whole("torch.StepLR(step_size=...)", step_size, 1, "torch divides by it at the first step().")
    if 0 < gamma <= 1:
        return step(run.base, factor=gamma, every=every)
    return listed("torch.StepLR(gamma=...)", _powers(run, gamma, np.arange(run.steps) // every))


@says("torch", "MultiStepLR", differs="a milestone listed twice multiplies twice", ends="holds")
def multi_step_lr(
    run: Run,
    milestones: Iterable[int],
    gamma: float = 0.1,
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """lr·gamma^(milestones m <= t); one at 0 speaks at once, one before it never."""
    call = "torch.MultiStepLR(milestones=...)"
    counts = Counter(m for m in (whole(call, m, -(2**53)) for m in milestones) if m >= 0)
    passed = counts.pop(0, 0)
    at = sorted(counts)
    first = run.base * gamma**passed
    if not at:
        return constant(first)
    if 0 < gamma <= 1 and set(counts.values()) == {1}:
        return multi_step(first, factor=gamma, at=at)
    values = [first]
    for m in at:
        values.append(values[-1] * gamma ** counts[m])
    return piecewise(values, at=at)


@says("torch", "ConstantLR", differs="not constant: lr·factor, then lr", ends="lr", bug="factor=0 divides by zero")
def constant_lr(
    run: Run,
    factor: float = 1 / 3,
    total_iters: int = 5,
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """lr·factor while t < total_iters, then lr; with total_iters <= 0 torch never gets back to lr."""
    iters = whole("torch.ConstantLR(total_iters=...)", total_iters, -(2**53))
    _between("torch.ConstantLR(factor=...)", factor, 0 <= factor <= 1)
    if factor == 0:
        instead = f"Write piecewise([0, {run.base!r}], at=[{max(iters, 1)}])."
        msg = refusal("torch.ConstantLR(factor=...)", "must be above 0: torch divides by it", factor, instead)
        raise InputError(msg)
    if iters <= 0 or factor == 1:
        return constant(run.base * factor)
    return piecewise([run.base * factor, run.base], at=[iters])


@says("torch", "LinearLR", ends="holds lr·end_factor")
def linear_lr(
    run: Run,
    start_factor: float = 1 / 3,
    end_factor: float = 1.0,
    total_iters: int = 5,
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """A line from lr·start_factor to lr·end_factor over total_iters; with none, torch stays at the start."""
    iters = whole("torch.LinearLR(total_iters=...)", total_iters, -(2**53))
    _between("torch.LinearLR(start_factor=...)", start_factor, 0 < start_factor <= 1)
    _between("torch.LinearLR(end_factor=...)", end_factor, 0 <= end_factor <= 1)
    start = run.base * start_factor
    return constant(start) if iters <= 0 else glide(start, run.base * end_factor, "linear", iters)


@says("torch", "ExponentialLR", ends="goes on")
def exponential_lr(run: Run, gamma: float, last_epoch: int = -1) -> Schedule:  # noqa: ARG001
    """lr·gamma^t."""
    if 0 < gamma <= 1:
        return exponential(run.base, factor=gamma)
    return listed("torch.ExponentialLR(gamma=...)", _powers(run, gamma, np.arange(run.steps)))


@says("torch", "PolynomialLR", differs="no floor but 0", ends="holds 0")
def polynomial_lr(run: Run, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> Schedule:  # noqa: ARG001
    """lr·(1 - t/total_iters)^power; with no iterations torch stays at lr."""
    iters = whole("torch.PolynomialLR(total_iters=...)", total_iters, -(2**53))
    return constant(run.base) if iters <= 0 or power == 0 else polynomial(run.base, power=power, over=iters)


@says(
    "torch", "CosineAnnealingLR", ends="bounces back up to lr, with period 2·T_max; without a length, speaks to T_max"
)
def cosine_annealing_lr(
    run: Run,
    T_max: int,  # noqa: N803
    eta_min: float = 0.0,
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """eta_min + (lr - eta_min)(1 + cos(πt/T_max))/2, for all t: down, and up again past T_max, and down."""
    over = whole("torch.CosineAnnealingLR(T_max=...)", T_max, 1, "torch divides by it.")
    halves = 1 if run.length is None else math.ceil(run.length / over)
    if halves <= MOST_PARTS:
        ends = [(run.base, eta_min), (eta_min, run.base)]
        return follow([glide(*ends[i % 2], "cosine", over) for i in range(max(halves, 1))])
    wave = (1 + np.cos(np.pi * (np.arange(run.steps) % (2 * over)) / over)) / 2
    return listed("torch.CosineAnnealingLR(...)", run.base * wave + eta_min * (1 - wave))


@says("torch", "SWALR", differs="starts at whatever rate it finds", ends="holds swa_lr")
def swa_lr(
    run: Run,
    swa_lr: float,
    anneal_epochs: int = 10,
    anneal_strategy: str = "cos",
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """From lr to swa_lr over anneal_epochs, along a line or half a cosine; with none, swa_lr at once."""
    over = whole("torch.SWALR(anneal_epochs=...)", anneal_epochs, 0)
    _between("torch.SWALR(anneal_strategy=...)", anneal_strategy, anneal_strategy in ("cos", "linear"))
    if over == 0:
        return constant(swa_lr)
    return glide(run.base, swa_lr, "cosine" if anneal_strategy == "cos" else "linear", over)


@says("torch", "LambdaLR", differs="a Python function is tabulated", ends="goes on")
def lambda_lr(run: Run, lr_lambda: Callable[[int], float], last_epoch: int = -1) -> Schedule:  # noqa: ARG001
    """lr·lr_lambda(t)."""
    _callable("torch.LambdaLR(lr_lambda=...)", lr_lambda)
    return listed("torch.LambdaLR(lr_lambda=...)", (run.base * float(lr_lambda(t)) for t in range(run.steps)))


@says(
    "torch",
    "MultiplicativeLR",
    differs="a Python function is tabulated; it is first called at update 1",
    ends="goes on",
)
def multiplicative_lr(run: Run, lr_lambda: Callable[[int], float], last_epoch: int = -1) -> Schedule:  # noqa: ARG001
    """lr·lr_lambda(1)·...·lr_lambda(t)."""
    _callable("torch.MultiplicativeLR(lr_lambda=...)", lr_lambda)
    factors = [run.base, *(float(lr_lambda(t)) for t in range(1, run.steps))]
    return listed("torch.MultiplicativeLR(lr_lambda=...)", np.cumprod(factors))


@says("torch", "ReduceLROnPlateau", differs="a rule that looks at the loss, which no schedule does")
def reduce_lr_on_plateau(run: Run, *_given: Any, **_named: Any) -> NoReturn:  # noqa: ARG001
    """Refused."""
    cure = "It is a rule: what it does depends on the losses of the run. Write down the drops it made as multi_step."
    msg = refusal("torch.ReduceLROnPlateau(...)", "must be a schedule of the update alone", "a rule", cure)
    raise InputError(msg)


def _powers(run: Run, gamma: float, exponents: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        return run.base * np.power(float(gamma), exponents)


def _between(call: str, value: object, holds: bool) -> None:
    """What torch itself refuses."""
    if not holds:
        msg = refusal(call, "must be what torch accepts", value, "torch refuses it as well.")
        raise InputError(msg)


def _callable(call: str, value: object) -> None:
    if not callable(value):
        cure = "A text cannot hold one. Read the live scheduler: lrdecay.adapters.torch.from_peer(scheduler, steps=N)."
        msg = refusal(call, "must be a Python function", value, cure)
        raise InputError(msg)
