"""The optimizers of the built-in tasks: SGD with momentum, and AdamW.

Both are made with a learning rate of 1, since a schedule says the rate of every update.

    sgd     v <- momentum v + g + weight_decay w;  w <- w - rate v
    adamw   w <- w - rate (m / (sqrt(s) + eps) + weight_decay w), with bias-corrected moments m and s of g

AdamW: Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, arXiv:1711.05101.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from lrdecay.errors import InputError, non_negative, refusal, true_or_false
from lrdecay.tasks.arguments import below_one, check_choice, check_unused

__all__ = ["OPTIMIZERS", "make_optimizer"]

OPTIMIZERS = ("sgd", "adamw")


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
        momentum: of sgd, in [0, 1); 0.9 where not given.
        weight_decay: >= 0; 0 for sgd and 0.01 for adamw where not given.
        nesterov: of sgd; False where not given.

    Raises:
        InputError: an unknown name, a number out of range, or an argument the optimizer does not have.
    """
    check_choice(f"{task}(optimizer=...)", name, OPTIMIZERS)
    if weight_decay is not None:
        non_negative.check(f"{task}(weight_decay=...)", weight_decay)
    if name == "adamw":
        check_unused(task, "optimizer='adamw'", momentum=momentum, nesterov=nesterov)
        return torch.optim.AdamW(parameters, lr=1.0, weight_decay=0.01 if weight_decay is None else weight_decay)
    momentum = 0.9 if momentum is None else momentum
    nesterov = False if nesterov is None else nesterov
    below_one.check(f"{task}(momentum=...)", momentum)
    true_or_false.check(f"{task}(nesterov=...)", nesterov)
    if nesterov and momentum == 0:
        msg = refusal(f"{task}(nesterov=...)", "must come with a momentum above 0", nesterov, "Leave it out.")
        raise InputError(msg)
    return torch.optim.SGD(parameters, lr=1.0, momentum=momentum, weight_decay=weight_decay or 0.0, nesterov=nesterov)
