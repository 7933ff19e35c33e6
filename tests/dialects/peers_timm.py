"""timm's real schedulers beside ours. timm itself needs torchvision; its schedulers do not, and are imported alone."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lrdecay.dialects.base import Call

STEPS = 300
Draw = Callable[[np.random.Generator], Call]


def timm_schedulers() -> Any:
    """``timm.scheduler``, without what ``timm`` imports."""
    if "timm" not in sys.modules:
        found = importlib.util.find_spec("timm")
        assert found is not None
        assert found.origin is not None
        package = types.ModuleType("timm")
        package.__path__ = [str(Path(found.origin).parent)]
        sys.modules["timm"] = package
    return importlib.import_module("timm.scheduler")


def timm_call(name: str, **named: Any) -> Call:
    return Call("timm", name, (), named)


def build(call: Call, optimizer: torch.optim.Optimizer) -> Any:
    named = {k: v for k, v in call.named.items() if k != "steps_per_epoch"}
    return getattr(timm_schedulers(), call.name)(optimizer, **named)


def rates_of(call: Call, lr: float, steps: int = STEPS) -> np.ndarray:
    """What timm shows to each update, stepped as its own training script does."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = build(call, optimizer)
    return np.array(following(optimizer, scheduler, steps, call.named.get("steps_per_epoch")))


def following(
    optimizer: torch.optim.Optimizer, scheduler: Any, steps: int, steps_per_epoch: int | None, start: int = 0
) -> list[float]:
    """The rates of so many updates from ``start`` on; each is read, made, and followed by timm's two calls."""
    used = []
    for t in range(start + 1, start + steps + 1):
        used.append(float(optimizer.param_groups[0]["lr"]))
        scheduler.step_update(t)
        if steps_per_epoch is not None and t % steps_per_epoch == 0:
            scheduler.step(t // steps_per_epoch)
    return used


def _shared(r: np.random.Generator) -> dict[str, Any]:
    """Warmup, and what a tick is."""
    named: dict[str, Any] = {"t_in_epochs": bool(r.uniform() < 0.4)}
    if named["t_in_epochs"]:
        named["steps_per_epoch"] = int(r.integers(1, 9))
    if r.uniform() < 0.6:
        named |= {"warmup_t": int(r.integers(1, 16)), "warmup_lr_init": float(r.choice([0.0, r.uniform(0, 0.01)]))}
    if r.uniform() < 0.7:
        named["warmup_prefix"] = bool(r.uniform() < 0.5)
    return named


def _cycles(r: np.random.Generator) -> dict[str, Any]:
    named = {"t_initial": int(r.integers(16, 200)), "lr_min": float(r.choice([0.0, r.uniform(0, 0.01)]))}
    if r.uniform() < 0.5:
        named |= {
            "cycle_mul": float(r.choice([1.0, 1.5, 2.0, 3.0])),
            "cycle_decay": float(r.uniform(0.3, 1.0)),
            "cycle_limit": int(r.integers(1, 6)),
        }
    return named


def _bend(r: np.random.Generator) -> dict[str, Any]:
    return {"k_decay": float(r.choice([1.0, 1.0, r.uniform(0.5, 3.0)]))}


def _wsd(r: np.random.Generator) -> dict[str, Any]:
    total = int(r.integers(20, 250))
    named = {k: v for k, v in _shared(r).items() if k != "warmup_prefix"}
    return named | {
        "t_initial": total,
        "decay_t": int(r.integers(1, total)),
        "lr_min": float(r.choice([0.0, 0.005])),
        "stable_fn": str(r.choice(["constant", "constant", "rsqrt", "power"])),
        "stable_timescale": float(r.uniform(5, 50)),
        "stable_power": float(r.uniform(0.2, 1.0)),
        "decay_fn": str(r.choice(["linear", "1-sqrt", "cosine", "power", "exp"])),
        "decay_power": float(r.uniform(0.3, 3.0)),
    }


RANDOM: dict[str, Draw] = {
    "CosineLRScheduler": lambda r: timm_call("CosineLRScheduler", **_shared(r), **_cycles(r), **_bend(r)),
    "PolyLRScheduler": lambda r: timm_call(
        "PolyLRScheduler", **_shared(r), **_cycles(r), **_bend(r), power=float(r.choice([1.0, 2.0, r.uniform(0.3, 3)]))
    ),
    "TanhLRScheduler": lambda r: timm_call(
        "TanhLRScheduler", **_shared(r), **_cycles(r), lb=float(r.uniform(-9, -3)), ub=float(r.uniform(1, 5))
    ),
    "StepLRScheduler": lambda r: timm_call(
        "StepLRScheduler",
        **_shared(r),
        decay_t=float(r.choice([int(r.integers(1, 90)), round(r.uniform(1, 90), 1)])),
        decay_rate=float(r.uniform(0.1, 1.0)),
    ),
    "MultiStepLRScheduler": lambda r: timm_call(
        "MultiStepLRScheduler",
        **_shared(r),
        decay_t=np.sort(r.integers(0, 280, size=int(r.integers(1, 6)))).tolist(),
        decay_rate=float(r.uniform(0.1, 1.0)),
    ),
    "WSDLRScheduler": lambda r: timm_call("WSDLRScheduler", **_wsd(r)),
}


def published() -> list[str]:
    """The schedulers that timm offers."""
    return [name for name in vars(timm_schedulers()) if name.endswith("LRScheduler")]
