"""Batches of the user's own loader as pairs of tensors on the model's device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from lrdecay.errors import InputError, refusal

__all__ = ["Batch", "moved", "pair"]

Batch = tuple[Any, Any]
"""What the model takes, and what the loss takes beside its output."""


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
