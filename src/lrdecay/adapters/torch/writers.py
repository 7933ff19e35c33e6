"""The quickest way to write a rate into an optimizer's groups, chosen once by how the groups look.

    one group of a float       one assignment
    floats, one multiplier     one product, then assignments
    floats                     a product and an assignment each
    tensors                    in place, never replaced, so that a compiled optimizer step is not compiled again

Tensors in the computer's own memory are written where their number lies; others, on an accelerator or of another type,
by one multiplication on their device and one foreach copy. What a writer puts into group i is ``rate * multipliers[i]``
in float64, rounded to the tensor's type, bit for bit what ``fill_`` would put there (to float32 on MPS, which has no
float64).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd.graph import increment_version

__all__ = ["Group", "Writer", "quickest"]

Group = dict[str, Any]
Writer = Callable[[list[Group], float], None]
"""``writer(groups, rate)``, with the groups it was chosen for, in their order."""


def quickest(groups: Sequence[Group], multipliers: Sequence[float], otherwise: Callable[[], object]) -> Writer:
    """The writer for these groups, at least one, and their multipliers.

    Args:
        groups: what it will be called with; only whether a rate is a float or a tensor is looked at, and which tensor.
        multipliers: one per group.
        otherwise: called instead of writing where a tensor was replaced or moved since.
    """
    tensors = [group["lr"] for group in groups if isinstance(group["lr"], torch.Tensor)]
    if not tensors:
        return _floats(multipliers)
    if len(tensors) < len(groups):
        return _mixed(multipliers)
    at_once = all(map(_plain, tensors)) and _versions_of_lists()
    return (_in_memory if at_once else _foreach)(tensors, multipliers, otherwise)


def _floats(multipliers: Sequence[float]) -> Writer:
    factor = multipliers[0]

    def one(groups: list[Group], rate: float) -> None:
        groups[0]["lr"] = rate * factor

    def alike(groups: list[Group], rate: float) -> None:
        rate *= factor
        for group in groups:
            group["lr"] = rate

    def apart(groups: list[Group], rate: float) -> None:
        for group, multiplier in zip(groups, multipliers):  # noqa: B905  (of one length, by the caller)
            group["lr"] = rate * multiplier

    if len(multipliers) == 1:
        return one
    return alike if set(multipliers) == {factor} else apart


def _mixed(multipliers: Sequence[float]) -> Writer:
    def either(groups: list[Group], rate: float) -> None:
        for group, multiplier in zip(groups, multipliers, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * multiplier)
            else:
                group["lr"] = rate * multiplier

    return either


def _plain(tensor: torch.Tensor) -> bool:
    """Whether it is one float64 or float32 in the computer's own memory, and nothing watches it being written."""
    return (
        type(tensor) is torch.Tensor
        and tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and tensor.dtype in (torch.float64, torch.float32)
        and not (tensor.requires_grad or tensor.is_inference() or tensor.is_neg())
    )


def _versions_of_lists() -> bool:
    """Whether this torch counts the changes of several tensors in one call; it does from 2.5 on."""
    try:
        increment_version([])
    except (TypeError, RuntimeError):
        return False
    return True


def _in_memory(
    tensors: Sequence[torch.Tensor], multipliers: Sequence[float], otherwise: Callable[[], object]
) -> Writer:
    cells: list[Any] = [tensor.numpy().reshape(1).data for tensor in tensors]
    places = [tensor.data_ptr() for tensor in tensors]

    def write(groups: list[Group], rate: float) -> None:
        for group, tensor, place in zip(groups, tensors, places):  # noqa: B905  (of one length, by the caller)
            if group["lr"] is not tensor or tensor.data_ptr() != place:
                otherwise()
                return
        for cell, multiplier in zip(cells, multipliers):  # noqa: B905
            cell[0] = rate * multiplier
        increment_version(tensors)  # a graph that saved the old rate is to notice, as after fill_

    return write


def _foreach(tensors: Sequence[torch.Tensor], multipliers: Sequence[float], otherwise: Callable[[], object]) -> Writer:
    stages = []
    for device in dict.fromkeys(tensor.device for tensor in tensors):
        there = [i for i, tensor in enumerate(tensors) if tensor.device == device]
        dtype = torch.float32 if device.type == "mps" else torch.float64
        factors = torch.tensor([multipliers[i] for i in there], dtype=dtype, device=device)
        staged = torch.empty_like(factors)
        cells = [cell.view(tensors[i].shape) for i, cell in zip(there, staged.unbind(), strict=True)]
        stages.append((factors, staged, [tensors[i] for i in there], cells))

    @torch.no_grad()
    def write(groups: list[Group], rate: float) -> None:
        for group, tensor in zip(groups, tensors):  # noqa: B905  (of one length, by the caller)
            if group["lr"] is not tensor:
                otherwise()
                return
        for factors, staged, targets, cells in stages:
            torch.mul(factors, rate, out=staged)
            torch._foreach_copy_(targets, cells)

    return write
