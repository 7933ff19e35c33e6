"""torch's real schedulers beside ours: the same call made in both, and the rates that torch's uses.

A call is a `Call`; `build` makes the real scheduler of it, on an optimizer of its own. `RANDOM` draws calls.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import SWALR

from lrdecay.dialects.base import Call

STEPS = 300
Draw = Callable[[np.random.Generator], Call]


def torch_call(name: str, *positional: Any, **named: Any) -> Call:
    return Call("torch", name, positional, named)


def optimizer_at(*lrs: float) -> torch.optim.Optimizer:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in lrs]
    return torch.optim.SGD(groups, lr=lrs[0], momentum=0.9)


def build(call: Call, optimizer: torch.optim.Optimizer) -> Any:
    """The real scheduler; parts first, as in Python."""
    named = {k: [build(c, optimizer) for c in v] if k == "schedulers" else v for k, v in call.named.items()}
    positional = [
        [build(c, optimizer) for c in v] if isinstance(v, list) and v and isinstance(v[0], Call) else v
        for v in call.positional
    ]
    if call.name == "SWALR":
        return SWALR(optimizer, *positional, **named)
    if call.name == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(*positional, **named)
    return getattr(lr_scheduler, call.name)(optimizer, *positional, **named)


def rates_of(call: Call, lr: float, steps: int = STEPS) -> np.ndarray:
    """What torch shows to each update."""
    optimizer = optimizer_at(lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # as `following`
        scheduler = build(call, optimizer)
    return following(optimizer, scheduler, steps)


def following(optimizer: torch.optim.Optimizer, scheduler: Any, steps: int) -> np.ndarray:
    """The rates of the next updates."""
    used = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch's own remarks on SequentialLR's step(0)
        for t in range(steps):
            used.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if t < steps - 1:
                scheduler.step()
    return np.array(used)


def _exponent(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.3, 3.0))


RANDOM: dict[str, Draw] = {
    "StepLR": lambda r: torch_call("StepLR", int(r.integers(1, 120)), gamma=float(r.uniform(0.05, 1.0))),
    "MultiStepLR": lambda r: torch_call(
        "MultiStepLR", r.integers(0, 320, size=int(r.integers(1, 7))).tolist(), gamma=float(r.uniform(0.05, 1.0))
    ),
    "ConstantLR": lambda r: torch_call("ConstantLR", float(r.uniform(0.01, 1.0)), int(r.integers(0, 320))),
    "LinearLR": lambda r: torch_call(
        "LinearLR", float(r.uniform(0.001, 1.0)), float(r.choice([0.0, 1.0, r.uniform()])), int(r.integers(0, 320))
    ),
    "ExponentialLR": lambda r: torch_call("ExponentialLR", float(r.uniform(0.9, 1.01))),
    "PolynomialLR": lambda r: torch_call("PolynomialLR", int(r.integers(0, 320)), _exponent(r)),
    "CosineAnnealingLR": lambda r: torch_call(
        "CosineAnnealingLR", int(r.integers(1, 320)), float(r.choice([0.0, r.uniform(0, 0.5)]))
    ),
    "SWALR": lambda r: torch_call(
        "SWALR", float(r.uniform(0.001, 0.5)), int(r.integers(0, 320)), str(r.choice(["cos", "linear"]))
    ),
    "LambdaLR": lambda r: torch_call("LambdaLR", _lambda(_exponent(r))),
    "MultiplicativeLR": lambda r: torch_call("MultiplicativeLR", _factor(_exponent(r))),
    "CyclicLR": lambda r: torch_call(
        "CyclicLR",
        float(r.uniform(0.0, 0.1)),
        float(r.uniform(0.1, 1.0)),
        int(r.integers(1, 90)),
        None if r.uniform() < 0.6 else int(r.integers(1, 90)),
        str(r.choice(["triangular", "triangular2", "exp_range"])),
        float(r.uniform(0.98, 1.0)),
    ),
    "CosineAnnealingWarmRestarts": lambda r: torch_call(
        "CosineAnnealingWarmRestarts",
        int(r.integers(1, 80)),
        int(r.integers(1, 5)),
        float(r.choice([0.0, r.uniform(0, 0.4)])),
    ),
    "OneCycleLR": lambda r: torch_call(
        "OneCycleLR",
        float(r.uniform(0.05, 1.0)),
        total_steps=int(r.integers(STEPS, 600)),
        pct_start=float(r.choice([0.3, 0.25, 0.1, r.uniform(0.02, 0.6)])),
        anneal_strategy=str(r.choice(["cos", "linear"])),
        div_factor=float(r.uniform(1.0, 40.0)),
        final_div_factor=float(r.choice([1.0, 100.0, 1e4])),
        three_phase=bool(r.uniform() < 0.5),
    ),
    "SequentialLR": lambda r: torch_call("SequentialLR", **_sequence(r)),
    "ChainedScheduler": lambda r: torch_call("ChainedScheduler", _parts(r, _RECURSIVE, int(r.integers(2, 4)))),
}

_RECURSIVE = (
    "StepLR",
    "MultiStepLR",
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "PolynomialLR",
    "MultiplicativeLR",
    "SWALR",
)
_SEPARATE = ("CosineAnnealingLR", "CosineAnnealingWarmRestarts", "LambdaLR")


def _lambda(exponent: float) -> Callable[[int], float]:
    return lambda t: float((1 + t) ** -exponent)


def _factor(exponent: float) -> Callable[[int], float]:
    return lambda t: float(1 - exponent / (10 + t))


def _parts(r: np.random.Generator, names: tuple[str, ...], count: int) -> list[Call]:
    return [RANDOM[str(r.choice(names))](r) for _ in range(count)]


def _sequence(r: np.random.Generator) -> dict[str, Any]:
    parts = _parts(r, (*_RECURSIVE[:-2], "SWALR", *_SEPARATE), int(r.integers(1, 4)))
    at = np.sort(r.integers(0, 280, size=len(parts) - 1)).tolist()
    return {"schedulers": parts, "milestones": at}


def any_parts(r: np.random.Generator, count: int) -> list[Call]:
    """Parts that go together, and parts that do not."""
    return _parts(r, (*_RECURSIVE, *_SEPARATE, "CyclicLR", "OneCycleLR"), count)


def published() -> list[str]:
    """The schedulers that torch offers."""
    bases = {"LRScheduler"}
    return [name for name in lr_scheduler.__all__ if name not in bases] + ["SWALR"]


def closed_form_of(call: Call, lr: float, steps: int) -> np.ndarray:
    """torch's own closed form, which ``step()`` does not use."""
    scheduler = build(call, optimizer_at(lr))
    used = []
    for t in range(steps):
        scheduler.last_epoch = t
        used.append(float(scheduler._get_closed_form_lr()[0]))
    return np.array(used)
