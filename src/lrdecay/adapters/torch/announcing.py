"""What the first rank says, heard by all: how a command that a run was told reaches every process at one step."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
from torch import distributed

from lrdecay.adapters.torch.ranks import members, rounds
from lrdecay.errors import RunError

__all__ = ["announcer"]


def announcer() -> tuple[Callable[[Any], Any], bool] | None:
    """``say(value) -> value``, and whether this is the first rank; None where torch.distributed is not initialised.

    Every rank must call ``say`` the same number of times. The first rank's value, JSON, comes back on all. It goes as
    bytes over a group of its own (gloo, on the CPU): its length first, then the text.
    """
    names, own = members(None)
    if len(names) == 1:
        return None
    group, first = rounds(names), names[0]

    def say(value: Any) -> Any:
        """One exchange.

        Raises:
            RunError: a rank is lost.
        """
        text = json.dumps(value, allow_nan=False).encode() if own == 0 else b""
        length = torch.tensor([len(text)])
        try:
            distributed.broadcast(length, first, group=group)
            data = (
                torch.tensor(list(text), dtype=torch.uint8) if own == 0 else torch.zeros(int(length), dtype=torch.uint8)
            )
            distributed.broadcast(data, first, group=group)
        except RuntimeError as problem:
            said = " ".join(str(problem).split())[:200]
            msg = f"`steer` must reach all ranks, got: {said}. Has one of them died?"
            raise RunError(msg) from problem
        return json.loads(bytes(data.tolist()))

    return say, own == 0
