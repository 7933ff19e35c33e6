"""What a range test must know of a torch loader: what is to be kept of it, its order, and its batches as (x, y)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from lrdecay.errors import InputError, refusal

__all__ = ["Batch", "feeds", "moved", "pair", "reorder"]

Batch = tuple[Any, Any]
"""What the model takes, and what the loss takes beside its output."""


def feeds(loader: Any) -> list[Any]:
    """A loader, what it wraps, its samplers, and the generators that they have of their own; each once.

    Of accelerate's loaders also the state they share. What is of another class than torch's is left out.
    """
    found: dict[int, Any] = {}
    waiting = [loader, *(getattr(loader, name, None) for name in ("generator", "sampler", "batch_sampler"))]
    while waiting:
        one = waiting.pop()
        if id(one) in found or not isinstance(one, DataLoader | Sampler | torch.Generator):
            continue
        found[id(one)] = one
        own = {} if isinstance(one, torch.Generator) else vars(one)
        waiting += own.values()
        if "gradient_state" in own:
            found[id(own["gradient_state"])] = own["gradient_state"]
    return list(found.values())


def reorder(loader: Any, seed: int) -> None:
    """Have the next pass draw its order from this seed: its generators are seeded, its samplers are at that epoch."""
    for one in feeds(loader):
        if isinstance(one, torch.Generator):
            one.manual_seed(seed)
        elif callable(at := getattr(one, "set_epoch", None)):
            at(seed)


def pair(call: str, batch: Any) -> Batch:
    """The batch as (x, y).

    Raises:
        InputError: it is something else.
    """
    if not isinstance(batch, list | tuple) or len(batch) != 2:
        size = f" of {len(batch)}" if isinstance(batch, list | tuple) else ""
        cure = "For other batches give a step_fn, which makes one update and returns its loss."
        msg = refusal(call, "must give pairs (x, y)", f"a {type(batch).__name__}{size}", cure)
        raise InputError(msg)
    return batch[0], batch[1]


def moved(batch: Any, device: torch.device) -> Any:
    """The batch with all its tensors on the device; lists, tuples and mappings are looked into."""
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, list | tuple) and type(batch) in (list, tuple):
        return type(batch)(moved(value, device) for value in batch)
    return batch
