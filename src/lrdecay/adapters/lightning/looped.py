"""A Lightning trainer's updates, one at a time: its own training loop advanced by hand, batch by batch.

``trainer.fit_loop.epoch_loop.advance`` is what a run calls for each batch: transfer, hooks of the module,
``training_step``, the backward pass, and where an accumulation ends, clipping and the optimizer's step, all under the
trainer's precision. It is given a fetcher that begins a pass anew when one has ended, and can hand out batches again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from lightning.pytorch import Trainer

from lrdecay.adapters.torch.passes import reorder
from lrdecay.adapters.torch.randomness import Randomness
from lrdecay.adapters.torch.updates import number_of
from lrdecay.errors import InputError, refusal

__all__ = ["LoopUpdates"]


@final
class _Fetched:
    """Batches of the trainer's own fetcher, pass after pass.

    Attributes:
        done: whether the batch given last was the last of its pass.
        kept: batches given since it was set, with ``done`` and the random state behind each; None: nobody asked.
        replay: batches to give before others.
    """

    def __init__(self, inner: Any) -> None:
        self._inner, self.done = inner, False
        self.kept: list[tuple[Any, bool, Randomness]] | None = None
        self.replay: list[tuple[Any, bool, Randomness]] = []
        self._given, self.dry, self.length = 0, 0, 0

    def begin(self, seed: int) -> None:
        """A fresh pass in the order of this seed."""
        for loader in self._inner.combined_loader.flattened:
            reorder(loader, seed)
            if "_iterator" in vars(loader):  # of workers that are kept, which would go on in another order
                loader._iterator = None
        self.kept, self.replay, self.done = None, [], False
        self._open()

    def again(self) -> None:
        """Another pass after one that has ended."""
        self.dry, self.length = self.dry + 1, self._given
        self._open()

    def __next__(self) -> Any:
        if self.replay:
            batch, self.done, random = self.replay.pop(0)
            random.put_back()
            return batch
        try:
            batch = next(self._inner)
        except StopIteration:
            msg = refusal("find(train_dataloaders=...)", "must give at least one batch", "none")
            raise InputError(msg) from None
        self.done = bool(self._inner.done)
        self._given += 1
        if self.kept is not None:
            self.kept.append((batch, self.done, Randomness.now()))
        return batch

    def _open(self) -> None:
        if hasattr(self._inner, "batches"):
            self._inner.batches = []  # taken ahead, of another pass
        iter(self._inner)
        self._given = 0


@final
class LoopUpdates:
    """See the module, and `lrdecay.adapters.torch.updates.Updates`.

    Args:
        trainer: about to begin its first epoch.
        calls: makes calls until the optimizer has stepped at rate 0, and gives their mean loss.
    """

    def __init__(self, trainer: Trainer, calls: Callable[[], float]) -> None:
        self._trainer, self._loop, self._calls = trainer, trainer.fit_loop.epoch_loop, calls
        self.batches = _Fetched(trainer.fit_loop._data_fetcher)
        self._losses: list[float] = []

    def begin(self, seed: int) -> None:
        """The loop at its beginning, with a fresh pass over the data and no gradients."""
        self._loop.automatic_optimization.optim_progress.reset()
        self._loop.batch_progress.reset()
        for optimizer in self._trainer.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.batches.begin(seed)

    def hear(self, outputs: Any) -> None:
        """Told what ``training_step`` gave for a batch, its loss divided by the batches of an update."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None:
            self._losses.append(number_of(loss, "training_step(...)"))

    def call(self) -> float:
        """The batches of one update.

        Raises:
            InputError: ``training_step`` gave a loss for none of them.
        """
        if self.batches.done:
            self._loop.batch_progress.reset_on_run()
            if not self.batches.replay:
                self.batches.again()
            self.batches.done = False
        self._losses = []
        while True:
            self._loop.advance(self.batches)  # type: ignore[arg-type]
            if not self._loop._should_accumulate():
                break
        if not self._losses:
            msg = refusal("training_step(...)", "must give a loss", None, "Which loss is to fall?")
            raise InputError(msg)
        return sum(self._losses) * self._trainer.accumulate_grad_batches / len(self._losses)

    def again(self) -> Callable[[], float]:
        """The whole update anew from the same batches, with the random numbers it had."""
        self.batches.kept = []

        def loss() -> float:
            kept = self.batches.kept or []
            self.batches.replay, self.batches.done = list(kept), False
            self._loop.batch_progress.reset_on_run()
            return self._calls()

        return loss
