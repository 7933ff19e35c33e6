"""What makes the updates of a range test in process: the user's own step function, or a loss over a loader.

Both give the loss of one *call*, which may be one of several micro-batches before the optimizer steps; on several ranks
its mean over them. Who counts the steps is `lrdecay.adapters.torch.in_process`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, final

import torch
from torch.optim import Optimizer

from lrdecay.adapters.torch.passes import Batch, moved, pair
from lrdecay.adapters.torch.randomness import Randomness
from lrdecay.adapters.torch.ranks import Ranks
from lrdecay.errors import InputError, refusal
from lrdecay.rangetest.passes import Batches

__all__ = ["LossOnBatches", "Rewind", "StepFunction", "Updates", "held_out", "number_of"]

Rewind = tuple[Callable[[], Any], Callable[[Any], object]]
"""(save, load): where the data stand, and how to go back there."""


class Updates(Protocol):
    """A maker of updates."""

    def begin(self, seed: int) -> None:
        """Begin a repeat."""

    def call(self) -> float:
        """One call's work; gives its loss."""

    def again(self) -> Callable[[], float] | None:
        """To be called before an update: gives what computes its loss anew, with the same data and random numbers.

        None: the data cannot be had again.
        """


def number_of(loss: object, call: str) -> float:
    """A loss as a float.

    Raises:
        InputError: it is not a single number.
    """
    if torch.is_tensor(loss) and loss.ndim == 0:
        return float(loss.detach())
    if isinstance(loss, float | int) and not isinstance(loss, bool):
        return float(loss)
    found = f"a tensor of shape {tuple(loss.shape)}" if torch.is_tensor(loss) else type(loss).__name__
    msg = refusal(call, "must give a single number", found, "Take its mean, and return it.")
    raise InputError(msg)


@final
class StepFunction:
    """``step_fn()`` makes one call's work however it likes and returns the loss."""

    def __init__(
        self, step_fn: Callable[[], Any], rewind: Rewind | None, calls: Callable[[], float], ranks: Ranks
    ) -> None:
        """``calls()`` makes calls until the optimizer has stepped, and gives their mean loss."""
        self._step, self._rewind, self._calls, self._ranks = step_fn, rewind, calls, ranks

    def begin(self, seed: int) -> None:
        """Nothing: the data go on from where they are."""

    def call(self) -> float:
        """The step function's work."""
        return self._ranks.mean(number_of(self._step(), "step_fn()"))

    def again(self) -> Callable[[], float] | None:
        """The whole update anew from the same data; None without ``rewind``."""
        if self._rewind is None:
            return None
        save, load = self._rewind
        data, random = save(), Randomness.now()

        def loss() -> float:
            load(data)
            random.put_back()
            return self._calls()

        return loss


@final
class LossOnBatches:
    """Forward, backward and, every ``accumulate`` batches, a step: as a plain training loop has it.

    Ranks hear of each other before the forward and before the backward pass, so that none waits in it for one that
    has no batch or whose loss raised.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        loss: Callable[[Any, Any], Any],
        batches: Batches,
        *,
        accumulate: int = 1,
        scaler: torch.amp.GradScaler | None = None,
        autocast: torch.dtype | None = None,
        device: torch.device | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = Ranks() if ranks is None else ranks
        self._model, self._optimizer, self._loss, self._batches = model, optimizer, loss, batches
        self._accumulate, self._scaler = accumulate, scaler
        self._autocast, self._device = autocast, device or torch.device("cpu")
        self._made = 0  # micro-batches since the last step
        self._kept: list[tuple[Batch, Randomness]] | None = None  # of this update, where they are wanted again

    def begin(self, seed: int) -> None:
        """A fresh pass over the data, and no gradients."""
        self._made, self._kept = 0, None
        self._optimizer.zero_grad(set_to_none=True)
        self._batches.begin(seed)

    def call(self) -> float:
        """One micro-batch, and the step after the last of them."""
        batch = self._batches.next()
        self._ranks.check()
        if self._kept is not None:
            self._kept.append((batch, Randomness.now()))
        loss = self.loss(batch)
        value = self._ranks.mean(number_of(loss, "find(loss=...)"))
        share = loss / self._accumulate
        (share if self._scaler is None else self._scaler.scale(share)).backward()
        self._made += 1
        if self._made == self._accumulate:
            if self._scaler is None:
                self._optimizer.step()
            else:
                self._scaler.step(self._optimizer)
                self._scaler.update()
            self._optimizer.zero_grad(set_to_none=True)
            self._made = 0
        return value

    def loss(self, batch: Batch) -> Any:
        """The loss of a batch, as the user's function gives it."""
        x, y = batch
        with self._precision():
            return self._loss(self._model(x), y)

    def again(self) -> Callable[[], float]:
        """Forward passes over the same batches."""
        batches: list[tuple[Batch, Randomness]] = []
        self._kept = batches

        @torch.no_grad()
        def loss() -> float:
            self._kept = None
            last = batches[-self._accumulate :]  # those before were of steps that the scaler skipped
            total = 0.0
            for batch, random in last:
                random.put_back()
                total += number_of(self.loss(batch), "find(loss=...)")
            return self._ranks.mean(total / len(last))

        return loss

    def _precision(self) -> AbstractContextManager[object]:
        if self._autocast is None:
            return nullcontext()
        return torch.autocast(self._device.type, self._autocast)


def held_out(
    given: Callable[[], Any] | Iterable[Any],
    model: torch.nn.Module,
    loss: Callable[[Any, Any], Any] | None,
    device: torch.device,
) -> Callable[[], float]:
    """What measures the held-out loss: the user's function, or the mean over fixed batches in evaluation mode.

    Raises:
        InputError: batches without a loss to measure, or none at all.
    """
    call = "find(heldout=...)"
    if callable(given):
        return lambda: number_of(given(), call)
    if loss is None:
        msg = refusal(call, "must be a function with a step_fn, or have loss=... beside it", "batches and no loss")
        raise InputError(msg)
    batches = [pair(call, moved(batch, device)) for batch in given]
    if not batches:
        msg = refusal(call, "must hold at least one batch", "none")
        raise InputError(msg)
    sizes = [len(y) if hasattr(y, "__len__") else 1 for _, y in batches]

    def measure() -> float:
        model.train(False)
        found = [number_of(loss(model(x), y), call) for x, y in batches]
        return sum(size * value for size, value in zip(sizes, found, strict=True)) / sum(sizes)

    return measure
