"""`find` for transformers' ``Trainer``: a range test with the updates that the trainer would make.

    trainer = Trainer(model, TrainingArguments(...), train_dataset=data)
    find(trainer).suggestion

``trainer.train()`` itself sets everything up (model, optimizer, precision, loader), and is left where it would begin
its first epoch. From there on each update is made as the trainer makes it: ``get_batch_samples``, ``training_step`` for
each of its ``gradient_accumulation_steps`` batches, clipping, the optimizer's step. Callbacks are not called, nothing
is logged, evaluated or saved; the scheduler is left out, and each group's own rate says its share. Then trainer, model,
optimizer, arguments and random state are what they were, bit for bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, final

import torch
from transformers import Trainer, TrainerCallback

from lrdecay.adapters.torch.in_process import InProcess
from lrdecay.adapters.torch.measuring import CURE, Measured, asked, base_rates, dry_note, measure, usable
from lrdecay.adapters.torch.passes import feeds, reorder
from lrdecay.adapters.torch.randomness import Randomness
from lrdecay.adapters.torch.ranks import Ranks, together
from lrdecay.adapters.torch.surroundings import Surroundings
from lrdecay.adapters.torch.updates import held_out, number_of
from lrdecay.errors import Constraint, InputError, refusal
from lrdecay.rangetest.driver import Curve
from lrdecay.rangetest.transaction import transaction

__all__ = ["find"]

_a_function = Constraint("must be a function that gives the held-out loss", lambda f: f is None or callable(f))
_LOSS = "Trainer.training_step(...)"


class _Begun(Exception):  # noqa: N818  (it is no error)
    """The trainer has begun, and is to go no further."""


@final
class _Beginning(TrainerCallback):
    """Does its work where training begins, and ends it."""

    def __init__(self, work: Callable[[Any], object]) -> None:
        self._work = work

    def on_train_begin(self, *_: Any, train_dataloader: Any = None, **__: Any) -> None:
        """Everything is set up, nothing was trained."""
        self._work(train_dataloader)
        raise _Begun


@final
class TrainerUpdates:
    """A trainer's updates, one per call; see `lrdecay.adapters.torch.updates.Updates`.

    Attributes:
        dry: how often the loader ended before the test did.
        length: batches in a pass, once one has ended.
    """

    def __init__(self, trainer: Any, loader: Any, ranks: Ranks) -> None:
        self._trainer, self._loader, self._ranks = trainer, loader, ranks
        self._model: Any = trainer.model_wrapped
        self._samples = len(inspect.signature(trainer.get_batch_samples).parameters)  # the device came to it later
        self._pass: Any = iter(())
        self._given, self.dry, self.length = 0, 0, 0
        self._recording = False
        self._kept: tuple[list[Any], Any, Randomness] | None = None
        self._looking = False
        inner = trainer.accelerator.backward

        def backward(loss: Any, **options: Any) -> None:
            """Accelerate's own, after all ranks were heard, and none where the loss is only looked at."""
            ranks.check()
            if not self._looking:
                inner(loss, **options)

        trainer.accelerator.backward = backward

    def begin(self, seed: int) -> None:
        """A fresh pass over the data, and no gradients."""
        self._recording, self._kept = False, None
        self._model.zero_grad()
        reorder(self._loader, seed)
        self._pass, self._given = iter(self._loader), 0

    def call(self) -> float:
        """One update."""
        batches, items = self._batches()
        self._ranks.check()
        if self._recording:
            self._kept = batches, items, Randomness.now()
        loss = self._ranks.mean(self._loss(batches, items))
        trainer = self._trainer
        if trainer.args.max_grad_norm is not None and trainer.args.max_grad_norm > 0:
            trainer.accelerator.clip_grad_norm_(self._model.parameters(), trainer.args.max_grad_norm)
        trainer.optimizer.step()
        self._model.zero_grad()
        return loss

    def again(self) -> Callable[[], float]:
        """The losses of the same batches, without gradients."""
        self._recording = True

        def loss() -> float:
            self._recording = False
            assert self._kept is not None  # noqa: S101  (an update was made since)
            batches, items, random = self._kept
            random.put_back()
            self._looking = True
            try:
                with torch.no_grad():
                    return self._ranks.mean(self._loss(batches, items))
            finally:
                self._looking = False

        return loss

    def _batches(self) -> tuple[list[Any], Any]:
        """The batches of an update, and how many items the trainer counts in them.

        Raises:
            InputError: there are none.
        """
        trainer = self._trainer
        many = [trainer.args.gradient_accumulation_steps, trainer.args.device][: self._samples - 1]
        batches, items = trainer.get_batch_samples(self._pass, *many)
        if not batches:
            if not self._given:
                msg = refusal("find(trainer)", "must give at least one batch", "none", "Is train_dataset empty?")
                raise InputError(msg)
            self.dry, self.length = self.dry + 1, self._given
            self._pass, self._given = iter(self._loader), 0
            return self._batches()
        self._given += len(batches)
        return batches, items

    def _loss(self, batches: list[Any], items: Any) -> float:
        """What the update's gradient is of: the sum of what ``training_step`` gives for its batches."""
        trainer, total = self._trainer, 0.0
        trainer.current_gradient_accumulation_steps = len(batches)
        for left, inputs in zip(range(len(batches) - 1, -1, -1), batches, strict=True):
            trainer.accelerator.gradient_state._set_sync_gradients(left == 0)
            with trainer.accelerator.no_sync(model=self._model) if left else nullcontext():
                total += number_of(trainer.training_step(self._model, inputs, items), _LOSS)
        return total


def find(
    trainer: Any,
    *,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    heldout: Callable[[], Any] | None = None,
    heldout_every: int = 5,
    keep: Sequence[Any] = (),
) -> Measured:
    """Raise the rate of the largest group from low to high, a few times over from the trainer's weights.

    Args:
        trainer: a ``transformers.Trainer``, before training or after it; its optimizer is used warm, if it has one.
        seed: the repeats seed the process's and the loader's generators with FIRST_SEED + seed, and on.
        repeats: curves, each from the same weights, with its own data order.
        points: successful optimizer steps in a curve.
        low: first rate.
        high: last rate.
        ramp: "exponential" or "linear".
        heldout: gives the held-out loss.
        heldout_every: points from one held-out loss to the next.
        keep: more objects to put back.

    Raises:
        InputError: it is no ``Trainer``, or one that makes its updates elsewhere; all was put back.
        RunError: the loss is not finite from the start, no step is ever made, the state could not be put back, or
            another rank failed.
    """
    held: Any = trainer  # whose attributes come and go
    if not isinstance(trainer, Trainer):
        msg = refusal("find(trainer)", "must be a transformers.Trainer", trainer)
        raise InputError(msg)
    if held.is_deepspeed_enabled or held.is_fsdp_enabled:
        engine = "DeepSpeed" if held.is_deepspeed_enabled else "FSDP"
        cure = "Find on the unsharded model, or from a script with lrdecay.find(script=...)."
        msg = refusal("find(trainer)", "must be a trainer that holds its whole model and optimizer", engine, cure)
        raise InputError(msg)
    _a_function.check("find(heldout=...)", heldout)
    shape = asked(
        seed=seed,
        repeats=repeats,
        points=points,
        low=low,
        high=high,
        ramp=ramp,
        heldout=heldout,
        heldout_every=heldout_every,
    )
    notes = ["every repeat starts from the weights at hand", "the trainer's callbacks were not called"]
    with together() as ranks:

        def at_the_beginning(loader: Any) -> tuple[tuple[Curve, ...], TrainerUpdates]:
            optimizer, model = usable(held.optimizer), held.model_wrapped
            base_rates(optimizer)
            updates = TrainerUpdates(held, loader, ranks)
            look = None if heldout is None else held_out(heldout, model, None, held.args.device)
            accelerator = held.accelerator
            roots = [model, held.optimizer, accelerator, accelerator.gradient_state, *feeds(loader), *keep]
            process = InProcess(optimizer, roots, lambda _: updates, heldout=look, modules=[model], ranks=ranks)
            return measure(process, shape), updates

        around = Surroundings([held, held.callback_handler], _roots(held, keep))
        curves, updates = transaction(around, lambda _: _begun(held, at_the_beginning), CURE)
        notes += dry_note(updates.dry, updates.length)
        if ranks.size > 1:
            notes.append(f"the loss of each point is the mean over {ranks.size} ranks")
    return Measured(type(held.model).__name__, shape.rates, curves, shape.seeds, tuple(notes))


def _roots(trainer: Any, keep: Sequence[Any]) -> list[Any]:
    """What the trainer changes inside of."""
    accelerator = trainer.accelerator
    trained = (trainer.model, trainer.model_wrapped, trainer.optimizer, trainer.lr_scheduler)
    plain = [trainer.args, trainer.state, trainer.control, accelerator, accelerator.gradient_state]
    return [*plain, *(one for one in trained if one is not None), *keep]


def _begun(trainer: Any, work: Callable[[Any], Any]) -> Any:
    """What ``work(loader)`` gives where ``trainer.train()`` begins; nothing is trained, no one else is called."""
    found: list[Any] = []
    trainer.callback_handler.callbacks = [_Beginning(lambda loader: found.append(work(loader)))]
    trainer.create_scheduler = lambda *_, **__: None
    try:
        trainer.train()
    except _Begun:
        return found[0]
    finally:
        if (noise := getattr(trainer, "neftune_hook_handle", None)) is not None:
            noise.remove()
    msg = refusal("find(trainer)", "must be a trainer that begins to train", "one that returned at once")
    raise InputError(msg)
