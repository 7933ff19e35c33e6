"""Optimizers that find their own rate, from their authors' packages, to be compared with tuned ones.

A schedule multiplies what they find, eta: with ``constant(1.0)`` they are as published, and with ``linear(1.0)`` they
decay. D, the distance they estimate from below, grows from 1e-6 of its own.

    prodigy      Adam, eta = D         Mishchenko and Defazio 2023, arXiv:2306.06101; package prodigyopt
    dadapt_adam  Adam, eta = D         Defazio and Mishchenko 2023, arXiv:2301.07733; package dadaptation
    dadapt_sgd   SGD,  eta = D / |g_0|     the same
    dog          SGD,  eta = max_i |w_i - w_0| / sqrt(sum |g_i|^2)     Ivgi et al. 2023, arXiv:2302.12022; dog-optimizer
    ldog         dog, for each tensor apart     the same
    momo         SGD with momentum, momo_adam Adam; a step of min(rate, what a loss of 0 in sight allows)
                                       Schaipp et al. 2023, arXiv:2305.07583; package momo-opt

For momo and momo_adam the schedule is that largest step, and the loss of the update is handed over. DoG is to be
measured on an average of its weights: `average_for` says which, where nothing else is asked for. Everything not named
here is the package's default, but for a weight decay that is decoupled, times eta and the schedule, in those of Adam.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any

import torch
from attrs import field, frozen
from torch.optim import Optimizer

from lrdecay.errors import RunError, refusal
from lrdecay.tasks.arguments import below_one, check_unused, missing_extra

__all__ = ["ADAPTIVE", "average_for", "make_adaptive", "peak_for"]


@frozen
class _Published:
    """Where a package has an optimizer, and how it calls what we call otherwise."""

    module: str
    kind: str
    momentum: str | None = None  # its word for it; None: it has none to choose
    weight_decay: float = 0.0  # where none is given
    group: Mapping[str, Any] = field(factory=dict)


_PUBLISHED = MappingProxyType(
    {
        "prodigy": _Published("prodigyopt", "Prodigy", weight_decay=0.01),
        "dadapt_adam": _Published("dadaptation", "DAdaptAdam", weight_decay=0.01, group={"decouple": True}),
        "dadapt_sgd": _Published("dadaptation", "DAdaptSGD", momentum="momentum"),
        "dog": _Published("dog", "DoG"),
        "ldog": _Published("dog", "LDoG"),
        "momo": _Published("momo", "Momo", momentum="beta"),
        "momo_adam": _Published("momo", "MomoAdam"),
    }
)

ADAPTIVE = tuple(_PUBLISHED)


def make_adaptive(
    task: str,
    parameters: Iterable[torch.nn.Parameter],
    name: str,
    *,
    momentum: float | None = None,
    weight_decay: float | None = None,
    nesterov: bool | None = None,
) -> Optimizer:
    """One of `ADAPTIVE` by name, its rate 1.0.

    Args:
        task: the task's name, for messages.
        parameters: what it updates.
        name: one of `ADAPTIVE`.
        momentum: of dadapt_sgd and momo, in [0, 1); 0.9 where not given.
        weight_decay: >= 0; 0.01 for prodigy and dadapt_adam where not given, else 0.
        nesterov: none of them has it.

    Raises:
        InputError: an argument the optimizer does not have, or a momentum out of range.
        MissingExtraError: its package is not installed.
    """
    published = _PUBLISHED[name]
    check_unused(task, f"optimizer={name!r}", nesterov=nesterov)
    own: dict[str, float] = {}
    if published.momentum is None:
        check_unused(task, f"optimizer={name!r}", momentum=momentum)
    else:
        own[published.momentum] = 0.9 if momentum is None else momentum
        below_one.check(f"{task}(momentum=...)", own[published.momentum])
    try:
        package = import_module(published.module)
    except ModuleNotFoundError as problem:
        error = missing_extra(f"{task}(optimizer={name!r})", problem, "adaptive")
        raise error from problem
    decay = published.weight_decay if weight_decay is None else weight_decay
    # by the group, not by the constructor, which prints what it is told of weight decay
    group = {"params": list(parameters), "weight_decay": decay, **published.group}
    made: Optimizer = getattr(package, published.kind)([group], lr=1.0, **own)
    if name == "dadapt_sgd":
        made.register_step_pre_hook(lambda optimizer, *_: _above_zero(task, optimizer))
    if published.module == "dog":
        made.register_step_pre_hook(lambda optimizer, *_: _lost(optimizer))
    return made


def average_for(optimizer: str, average: str | Sequence[str] | None) -> str | Sequence[str]:
    """What a task measures: what was asked for, else "polynomial" for dog and ldog, as their authors do, and "none"."""
    if average is not None:
        return average
    return "polynomial" if optimizer in ("dog", "ldog") else "none"


def peak_for(optimizer: str) -> float | None:
    """Where the search for a peak begins: at 1 for those of `ADAPTIVE`, by a range test (None) for others."""
    return 1.0 if optimizer in ADAPTIVE else None


def _above_zero(task: str, optimizer: Optimizer) -> None:
    """The package divides by the rate: at 0 it would fail with an error that does not say so."""
    if any(group["lr"] == 0 for group in optimizer.param_groups):
        cure = "Give the schedule a floor, such as 1e-6."
        msg = refusal(f"{task}(optimizer='dadapt_sgd')", "must be trained at rates above 0", 0, cure)
        raise RunError(msg)


@torch.no_grad()
def _lost(optimizer: Optimizer) -> None:
    """A gradient that is not a number makes the weights so, as with any other optimizer; the package would stop."""
    updated = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if updated and bool(torch.stack([p.grad.sum() for p in updated]).isnan().any()):
        for p in updated:
            p.fill_(torch.nan)
            p.grad.zero_()
