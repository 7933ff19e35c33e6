"""Walking along one update: the weights at w + r d, where d is what the optimizer did per unit of rate.

Updates are proportional to the rate for SGD, Adam and most others (momentum, preconditioning and decoupled weight decay
included), so one update at rate 1 says d. Both w and d are kept on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.optim import Optimizer

__all__ = ["walk"]


def walk(optimizer: Optimizer, update: Callable[[], object]) -> Callable[[float], None]:
    """Call ``update()``, which updates the optimizer's parameters at rate 1; gives what puts them at w + r d.

    The weights are left where the update put them.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    before = [p.detach().to("cpu", copy=True) for p in parameters]
    update()
    wide = [torch.promote_types(p.dtype, torch.float32) for p in parameters]
    moves = [p.detach().cpu().to(t) - w.to(t) for p, w, t in zip(parameters, before, wide, strict=True)]

    @torch.no_grad()
    def place(rate: float) -> None:
        for p, w, d, t in zip(parameters, before, moves, wide, strict=True):
            p.copy_(w if rate == 0 else w.to(t) + rate * d)

    return place
