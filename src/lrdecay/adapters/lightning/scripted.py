"""A Lightning trainer under a study: what `lrdecay.script`'s ``run.attach(trainer, SPEC)`` puts into the trainer.

    run = lrdecay.script(steps=1000)
    trainer = Trainer(max_steps=run.horizon.steps)
    run.attach(trainer, "cosine(0.1)")
    trainer.fit(model, loader, ckpt_path=run.checkpoint)

Two callbacks: an `LRDecay` before all others, and after all others one that follows the run: it logs the loss of each
update, and where a study says stop, it saves Lightning's own checkpoint and ends the training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from lrdecay.adapters.lightning.callback import LRDecay, horizon_of
from lrdecay.adapters.torch import AttachedScheduler
from lrdecay.errors import InputError, refusal
from lrdecay.runs.script_run import ScriptRun
from lrdecay.schedule import Bound

__all__ = ["Followed", "attach_to_run"]


@final
class Followed(Callback):
    """The callback that follows a run; made by `attach_to_run`.

    The loss of an update is what its gradient is of: the sum of its batches' losses, each over their number.
    """

    def __init__(self, decay: LRDecay) -> None:
        self._decay = decay
        self._run: ScriptRun | None = None
        self._loss: torch.Tensor | float | None = None
        self._made = 0

    @property
    def scheduler(self) -> AttachedScheduler:
        """What drives the optimizer.

        Raises:
            InputError: training has not started.
        """
        if self._decay.scheduler is None:
            msg = refusal("run.attach(trainer).scheduler", "must be asked for in training", "a trainer not yet started")
            raise InputError(msg)
        return self._decay.scheduler

    def follow(self, run: ScriptRun) -> None:
        """Take this run's orders, and log to it."""
        self._run = run

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Check that the trainer makes the run that was said."""
        self._made = self.scheduler.count
        if self._run is not None:
            self._run.begin("trainer.fit(ckpt_path=...)", horizon_of(trainer).steps, self._made)

    def on_train_batch_start(self, *_: Any) -> None:
        """Say which update is being made."""
        if self._run is not None:
            self._run.enter(self._made)

    def on_before_zero_grad(self, *_: Any) -> None:
        """An update's first batch: its loss is summed anew."""
        self._loss = None

    def on_train_batch_end(self, trainer: Trainer, _module: LightningModule, outputs: Any, *_: Any) -> None:
        """Add the batch's loss; after an update log it, and end the run if it is to end here."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, torch.Tensor):
            self._loss = loss.detach() if self._loss is None else self._loss + loss.detach()
        if self._run is None or self.scheduler.count == self._made:
            return
        self._made = self.scheduler.count
        if self._loss is not None:
            self._run.log(loss=self._loss)
        if self._made >= self._run.stop:
            self._run.leave(self._made, trainer.save_checkpoint)
            if self._run.stop < self._run.horizon.steps:  # ends it here, after a validation that is due
                trainer.fit_loop.epoch_loop.max_steps = trainer.global_step


def attach_to_run(trainer: Any, schedule: Bound, **options: Any) -> Followed:
    """Give the trainer its two callbacks; ``options`` are those of `LRDecay`.

    Raises:
        InputError: it has an `LRDecay` already.
    """
    if any(isinstance(callback, LRDecay) for callback in trainer.callbacks):
        msg = refusal("run.attach(trainer)", "must be a trainer without LRDecay", "one in its callbacks")
        raise InputError(msg)
    decay = LRDecay(schedule, **options)
    followed = Followed(decay)
    trainer.callbacks.insert(0, decay)
    trainer.callbacks.append(followed)
    return followed
