"""The optimizers of the built-in tasks: SGD with momentum, AdamW, the schedule-free form of both, and adaptive ones.

All are made with a learning rate of 1, since a schedule says the rate of every update.

    sgd     v <- momentum v + g + weight_decay w;  w <- w - rate v
    adamw   w <- w - rate (m / (sqrt(s) + eps) + weight_decay w), with bias-corrected moments m and s of g

    schedulefree        AdamW's step on z, gradients at y = (1 - beta) z + beta x, x an average of z that is measured
    schedulefree_sgd    the same with SGD's step

AdamW: Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, arXiv:1711.05101. Schedule-free: Defazio et
al., The Road Less Scheduled, 2024, arXiv:2405.15682, from its authors' package schedulefree; a warmup is written into
the schedule, such as ``warmup(100) + constant(peak)``. Those that find their own rate:
`lrdecay.tasks.optimizers_adaptive`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from lrdecay.errors import InputError, non_negative, refusal, true_or_false
from lrdecay.tasks.arguments import below_one, check_choice, check_unused, missing_extra
from lrdecay.tasks.optimizers_adaptive import ADAPTIVE, average_for, make_adaptive, peak_for

__all__ = ["OPTIMIZERS", "average_for", "make_optimizer", "peak_for"]

OPTIMIZERS = ("sgd", "adamw", "schedulefree", "schedulefree_sgd", *ADAPTIVE)


def make_optimizer(
    task: str,
    parameters: Iterable[torch.nn.Parameter],
    name: str,
    *,
    momentum: float | None = None,
    weight_decay: float | None = None,
    nesterov: bool | None = None,
) -> torch.optim.Optimizer:
    """An optimizer by name, its rate 1.0.

    Args:
        task: the task's name, for messages.
        parameters: what it updates.
        name: one of `OPTIMIZERS`.
        momentum: of sgd, dadapt_sgd and momo, in [0, 1), and of schedulefree_sgd, in (0, 1); 0.9 where not given.
        weight_decay: >= 0; where not given 0.01 for adamw, schedulefree, prodigy and dadapt_adam, else 0.
        nesterov: of sgd; False where not given.

    Raises:
        InputError: an unknown name, a number out of range, or an argument the optimizer does not have.
        MissingExtraError: its package is not installed.
    """
    check_choice(f"{task}(optimizer=...)", name, OPTIMIZERS)
    if weight_decay is not None:
        non_negative.check(f"{task}(weight_decay=...)", weight_decay)
    if name == "adamw":
        check_unused(task, "optimizer='adamw'", momentum=momentum, nesterov=nesterov)
        return torch.optim.AdamW(parameters, lr=1.0, weight_decay=0.01 if weight_decay is None else weight_decay)
    if name in ADAPTIVE:
        given: dict[str, Any] = {"momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        return make_adaptive(task, parameters, name, **given)
    if name.startswith("schedulefree"):
        return _schedule_free(task, parameters, name, momentum, weight_decay, nesterov)
    momentum = 0.9 if momentum is None else momentum
    nesterov = False if nesterov is None else nesterov
    below_one.check(f"{task}(momentum=...)", momentum)
    true_or_false.check(f"{task}(nesterov=...)", nesterov)
    if nesterov and momentum == 0:
        msg = refusal(f"{task}(nesterov=...)", "must come with a momentum above 0", nesterov, "Leave it out.")
        raise InputError(msg)
    return torch.optim.SGD(parameters, lr=1.0, momentum=momentum, weight_decay=weight_decay or 0.0, nesterov=nesterov)


def _schedule_free(
    task: str,
    parameters: Iterable[torch.nn.Parameter],
    name: str,
    momentum: float | None,
    weight_decay: float | None,
    nesterov: bool | None,
) -> torch.optim.Optimizer:
    try:
        from schedulefree import AdamWScheduleFree, SGDScheduleFree
    except ModuleNotFoundError as problem:
        error = missing_extra(f"{task}(optimizer={name!r})", problem, "tasks")
        raise error from problem
    check_unused(task, f"optimizer={name!r}", nesterov=nesterov)
    made: torch.optim.Optimizer
    if name == "schedulefree":
        check_unused(task, f"optimizer={name!r}", momentum=momentum)
        made = AdamWScheduleFree(parameters, lr=1.0, weight_decay=0.01 if weight_decay is None else weight_decay)
        return made
    momentum = 0.9 if momentum is None else momentum
    below_one.check(f"{task}(momentum=...)", momentum)
    if momentum == 0:
        msg = refusal(f"{task}(momentum=...)", f"must be above 0 with optimizer={name!r}", momentum)
        raise InputError(msg)
    made = SGDScheduleFree(parameters, lr=1.0, momentum=momentum, weight_decay=weight_decay or 0.0)
    return made
