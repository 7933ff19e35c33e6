"""What a live torch scheduler was built with, for one parameter group, as the `Call` that would build it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lrdecay.dialects.base import Call
from lrdecay.errors import InputError, refusal

__all__ = ["base_rate", "torch_call"]

_REPLACE_THE_RATE = ("OneCycleLR", "CyclicLR")


def torch_call(scheduler: Any, group: int) -> Call:
    """The call that builds this scheduler for one group.

    Raises:
        InputError: it is not one of torch's own classes, or was not built by its constructor.
    """
    name = type(scheduler).__name__
    if name not in _READERS:
        cure = f"Known: {', '.join(_READERS)}."
        msg = refusal("from_peer(scheduler)", "must be one of torch's own schedulers", name, cure)
        raise InputError(msg)
    return Call("torch", name, (), {k: _plain(v) for k, v in _READERS[name](scheduler, group).items()})


def base_rate(scheduler: Any, group: int) -> float:
    """The optimizer's rate that the scheduler was built on, where something still knows it."""
    if type(scheduler).__name__ == "SWALR":
        return _before_averaging(scheduler, group)
    leaves = _leaves(scheduler)
    for leaf in leaves:
        if type(leaf).__name__ not in _REPLACE_THE_RATE and hasattr(leaf, "base_lrs"):
            return float(leaf.base_lrs[group])
    rates = scheduler.optimizer.param_groups[group]
    return float(rates.get("initial_lr", rates["lr"]))


Reader = Callable[[Any, int], Mapping[str, Any]]


def _attributes(*names: str) -> Reader:
    return lambda scheduler, _: {name: getattr(scheduler, name) for name in names}


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, torch.Tensor) else value


def _leaves(scheduler: Any) -> list[Any]:
    inside = getattr(scheduler, "_schedulers", None)
    return [scheduler] if inside is None else [leaf for part in inside for leaf in _leaves(part)]


def _function(scheduler: Any, group: int) -> Mapping[str, Any]:
    return {"lr_lambda": scheduler.lr_lambdas[group]}


def _cyclic(scheduler: Any, group: int) -> Mapping[str, Any]:
    up = round(scheduler.total_size * scheduler.step_ratio, 9)
    return {
        "base_lr": scheduler.base_lrs[group],
        "max_lr": scheduler.max_lrs[group],
        "step_size_up": up,
        "step_size_down": round(scheduler.total_size - up, 9),
        "mode": scheduler.mode,
        "gamma": scheduler.gamma,
        "scale_fn": scheduler._scale_fn_custom,
        "scale_mode": scheduler.scale_mode,
    }


def _one_cycle(scheduler: Any, group: int) -> Mapping[str, Any]:
    """The rates are in the group, where torch looks for them at each step."""
    rates = scheduler.optimizer.param_groups[group]
    start, high, low = (float(rates[key]) for key in ("initial_lr", "max_lr", "min_lr"))
    return {
        "max_lr": high,
        "total_steps": scheduler.total_steps,
        "pct_start": (scheduler._schedule_phases[0]["end_step"] + 1) / scheduler.total_steps,
        "anneal_strategy": scheduler._anneal_func_type,
        "div_factor": high / start,
        "final_div_factor": start / low,
        "three_phase": len(scheduler._schedule_phases) == 3,
    }


def _averaging(scheduler: Any, group: int) -> Mapping[str, Any]:
    return {
        "swa_lr": scheduler.optimizer.param_groups[group]["swa_lr"],
        "anneal_epochs": scheduler.anneal_epochs,
        "anneal_strategy": scheduler._anneal_strategy,
    }


def _before_averaging(scheduler: Any, group: int) -> float:
    """The rate that SWALR found when it began, from the present one; its base_lrs may be older than that."""
    base, now = float(scheduler.base_lrs[group]), float(scheduler.optimizer.param_groups[group]["lr"])
    u = min(1.0, (scheduler._step_count - 1) / max(1, scheduler.anneal_epochs))
    weight = u if scheduler._anneal_strategy == "linear" else (1 - math.cos(math.pi * u)) / 2
    if weight == 1 or scheduler.anneal_epochs == 0:
        return base
    found = (now - weight * float(scheduler.optimizer.param_groups[group]["swa_lr"])) / (1 - weight)
    return base if math.isclose(found, base, rel_tol=1e-6) else found


_READERS: dict[str, Reader] = {
    "StepLR": _attributes("step_size", "gamma"),
    "MultiStepLR": lambda s, _: {"milestones": sorted(s.milestones.elements()), "gamma": s.gamma},
    "ConstantLR": _attributes("factor", "total_iters"),
    "LinearLR": _attributes("start_factor", "end_factor", "total_iters"),
    "ExponentialLR": _attributes("gamma"),
    "PolynomialLR": _attributes("total_iters", "power"),
    "CosineAnnealingLR": _attributes("T_max", "eta_min"),
    "CosineAnnealingWarmRestarts": _attributes("T_0", "T_mult", "eta_min"),
    "LambdaLR": _function,
    "MultiplicativeLR": _function,
    "CyclicLR": _cyclic,
    "OneCycleLR": _one_cycle,
    "SWALR": _averaging,
    "SequentialLR": lambda s, i: {"schedulers": [torch_call(p, i) for p in s._schedulers], "milestones": s._milestones},
    "ChainedScheduler": lambda s, i: {"schedulers": [torch_call(p, i) for p in s._schedulers]},
    "ReduceLROnPlateau": lambda _s, _i: {},
}
"""How the constructor's arguments are found, by class."""
