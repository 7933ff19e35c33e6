"""Rates by depth: every layer of a model has its own multiple of the plan's rate.

    layerwise(0.75, layers=12)          the rate falls by 0.75 for each layer below the top
    discriminative(0.01, layers=12)     a geometric ladder of rates from the bottom to the top

Layers are counted from the bottom: 0 is the embeddings and tokens, 1 to n are the n blocks of the stack, n + 1 is the
top, which is everything else. A parameter's layer is read from its name: ``blocks.3.attn.weight`` is in layer 4.
"""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, final

from attrs import field, frozen

from lrdecay.errors import InputError, argument, factor_in_unit_interval, positive, positive_int, refusal
from lrdecay.schedule.base import number
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.plan_groups import as_json, given_of, texts

__all__ = ["STACKS", "Discriminative", "Layers", "Layerwise", "discriminative", "layerwise"]

STACKS = ("blocks", "block", "layers", "layer", "h")
"""What the list of a model's blocks is commonly called; the number after it is the block."""

_LOWEST = re.compile(r"embed|cls_token|mask_token|(^|\.)(wte|wpe|stem)(\.|$)", re.IGNORECASE)


class Layers(ABC):
    """How the rate depends on the depth of a layer."""

    __slots__ = ()
    layers: int  # blocks in the stack, n; layers are 0 to n + 1
    unfreeze: Duration | None
    stack: tuple[str, ...]

    @abstractmethod
    def scale(self, layer: int) -> float:
        """Times the rate, for layer 0 (embeddings) to n + 1 (the top)."""

    def frozen_until(self, layer: int) -> Duration | None:
        """Gradual unfreezing: layer k is frozen for n + 1 - k times ``unfreeze``; the top never is."""
        down = self.layers + 1 - layer
        if self.unfreeze is None or down == 0:
            return None
        return Duration(self.unfreeze.amount * Decimal(down), self.unfreeze.unit)

    def layer_of(self, name: str) -> int:
        """The layer a parameter's name says; the outermost stack counts.

        Raises:
            InputError: the name says a block beyond the last.
        """
        parts = name.split(".")
        for before, part in itertools.pairwise(parts):
            if before in self.stack and part.isdecimal():
                if int(part) >= self.layers:
                    rule = f"must be at least {int(part) + 1} for {name}"
                    msg = refusal(f"{type(self).__name__.lower()}(layers=...)", rule, self.layers)
                    raise InputError(msg)
                return int(part) + 1
        return 0 if _LOWEST.search(name) else self.layers + 1

    def to_json(self) -> dict[str, Any]:
        """The arguments, under the name under ``"type"``."""
        given = _spelled_layers(self)
        return {"type": type(self).__name__.lower()} | {
            k: list(v) if isinstance(v, tuple) else as_json(v) for k, v in given.items()
        }

    def __repr__(self) -> str:
        first, *rest = _spelled_layers(self).items()
        named = [f"{k}={texts(v) if isinstance(v, tuple) else repr(v)}" for k, v in rest]
        return f"{type(self).__name__.lower()}({', '.join([repr(first[1]), *named])})"


def _spelled_layers(self: Any) -> dict[str, Any]:
    given = given_of(self, tuple(self.__slots__))
    return {k: v for k, v in given.items() if (k, v) not in (("stack", STACKS), ("high", 1.0)) and k[0] != "_"}


@final
@frozen(repr=False)
class Layerwise(Layers):
    """Layer-wise decay: layer k has decay^(n + 1 - k) times the rate; made by `layerwise`."""

    decay: float = field(converter=number, validator=argument(factor_in_unit_interval))
    layers: int = field(validator=argument(positive_int))
    unfreeze: Duration | None = None
    stack: tuple[str, ...] = STACKS

    def scale(self, layer: int) -> float:
        """decay^(n + 1 - layer)."""
        return float(self.decay ** (self.layers + 1 - layer))


@final
@frozen(repr=False)
class Discriminative(Layers):
    """A geometric ladder: layer k has low·(high/low)^(k/(n+1)) times the rate; made by `discriminative`."""

    low: float = field(converter=number, validator=argument(positive))
    high: float = field(converter=number, validator=argument(positive))
    layers: int = field(validator=argument(positive_int))
    unfreeze: Duration | None = None
    stack: tuple[str, ...] = STACKS

    def scale(self, layer: int) -> float:
        """low·(high/low)^(layer/(n + 1)), exact at both ends."""
        u = layer / (self.layers + 1)
        return float(self.low ** (1 - u) * self.high**u)


def layerwise(decay: float, *, layers: int, unfreeze: Any = None, stack: Any = STACKS) -> Layerwise:
    """Layer-wise decay of the rate: times decay^d, d layers below the top; 1 at the top, least at the embeddings.

    Clark et al. 2020 (ELECTRA, arXiv:2003.10555) fine-tune so with 0.8, Bao et al. 2021 (BEiT, arXiv:2106.08254) with
    0.65 to 0.85; with 1/2.6 it is the discriminative fine-tuning of Howard & Ruder 2018 (ULMFiT, arXiv:1801.06146).

    Args:
        decay: in (0, 1].
        layers: blocks in the stack, n.
        unfreeze: gradual unfreezing (ULMFiT): the layer d below the top is frozen for d times this.
        stack: what the list of blocks is called in parameter names.

    Raises:
        InputError: an argument is out of its range.
    """
    every, names = _layer_arguments("layerwise", unfreeze, stack)
    return Layerwise(decay=decay, layers=layers, unfreeze=every, stack=names)


def discriminative(
    low: float, high: float = 1.0, *, layers: int, unfreeze: Any = None, stack: Any = STACKS
) -> Discriminative:
    """Discriminative rates: a geometric ladder of multiples of the rate, from low at the embeddings to high at the top.

    Howard & Ruder 2018 (ULMFiT, arXiv:1801.06146), spelled by its ends as fastai's ``slice(low, high)`` is.

    Args:
        low: times the rate in layer 0, > 0.
        high: times the rate in the top layer, > 0.
        layers: blocks in the stack, n.
        unfreeze: as in `layerwise`.
        stack: as in `layerwise`.

    Raises:
        InputError: an argument is out of its range.
    """
    every, names = _layer_arguments("discriminative", unfreeze, stack)
    return Discriminative(low=low, high=high, layers=layers, unfreeze=every, stack=names)


def _layer_arguments(call: str, unfreeze: Any, stack: Any) -> tuple[Duration | None, tuple[str, ...]]:
    every = None if unfreeze is None else duration(unfreeze, f"{call}(unfreeze=...)")
    names = (stack,) if isinstance(stack, str) else tuple(stack)
    if not names or any(not isinstance(n, str) or not n or "." in n for n in names):
        msg = refusal(f"{call}(stack=...)", "must be names of lists of blocks", stack, f"Such as {list(STACKS)}.")
        raise InputError(msg)
    return every, names
