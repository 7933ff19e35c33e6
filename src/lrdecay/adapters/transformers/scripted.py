"""A transformers trainer under a study: what `lrdecay.script`'s ``run.attach(trainer, SPEC)`` does to it.

    run = lrdecay.script(steps=1000)
    trainer = Trainer(model, TrainingArguments(max_steps=run.horizon.steps, seed=run.seed), train_dataset=data)
    run.attach(trainer, "cosine(3e-4)")
    trainer.train(resume_from_checkpoint=run.checkpoint)

The schedule by `attach`, and a callback that follows the run: it logs the loss of each update, and where a study says
stop, it has the trainer save its own checkpoint, moves it to where the study wants it, and ends the training.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast, final

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lrdecay.adapters.torch import AttachedScheduler
from lrdecay.adapters.transformers.trainer import attach
from lrdecay.errors import InputError, refusal
from lrdecay.runs.script_run import ScriptRun
from lrdecay.schedule import Bound

__all__ = ["Followed", "attach_to_run"]


@final
class Followed(TrainerCallback):
    """The callback that follows a run; made by `attach_to_run`.

    The loss of an update is what its gradient is of: the sum of what ``training_step`` gives for its batches.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._run: ScriptRun | None = None
        self._loss: torch.Tensor | None = None
        self._made = 0
        self._theirs = False  # whether the trainer saves at the last step anyway

    @property
    def scheduler(self) -> AttachedScheduler:
        """What drives the optimizer.

        Raises:
            InputError: training has not started.
        """
        if self._trainer.lr_scheduler is None:
            msg = refusal("run.attach(trainer).scheduler", "must be asked for in training", "a trainer not yet started")
            raise InputError(msg)
        return cast("AttachedScheduler", self._trainer.lr_scheduler)

    def follow(self, run: ScriptRun) -> None:
        """Take this run's orders, and log to it."""
        self._run = run

    def add(self, loss: torch.Tensor) -> None:
        """One more batch of the update that is being made."""
        self._loss = loss.detach() if self._loss is None else self._loss + loss.detach()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:
        """Check that the trainer makes the run that was said."""
        self._made = self.scheduler.count
        if self._run is not None:
            name = "trainer.train(resume_from_checkpoint=...)"
            self._run.begin(name, state.max_steps, self._made, args.seed)
            if self._run.saves and (args.save_only_model or args.save_strategy == "best"):
                cure = "Leave save_only_model and save_strategy='best' out."
                rule = "must be a trainer that can save a whole checkpoint at any step to fork"
                msg = refusal("run.attach(trainer)", rule, args.save_strategy, cure)
                raise InputError(msg)

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Say which update is being made."""
        self._loss = None
        if self._run is not None:
            self._run.enter(self._made)

    def on_step_end(self, *told: Any, **_: Any) -> None:
        """After an update log its loss, and end the run if it is to end here."""
        control: TrainerControl = told[2]
        if self._run is None or self.scheduler.count == self._made:
            return
        self._made = self.scheduler.count
        if self._loss is not None:
            self._run.log(loss=self._loss)
        if self._made >= self._run.stop:
            control.should_training_stop = True
            if self._run.saves:  # the trainer saves after this
                self._theirs, control.should_save = control.should_save, True
            else:
                self._run.leave(self._made, lambda _: None)

    def on_save(self, args: TrainingArguments, *_: Any, **__: Any) -> None:
        """The trainer has saved; if that was for the study, hand the checkpoint over."""
        if self._run is None or not self._run.saves or self._made < self._run.stop:
            return
        self._trainer.accelerator.wait_for_everyone()
        self._run.leave(self._made, lambda path: self._hand_over(Path(str(args.output_dir)), path))

    def _hand_over(self, folder: Path, path: str) -> None:
        saved = folder / f"checkpoint-{self._trainer.state.global_step}"
        if not self._trainer.is_world_process_zero():
            return
        if self._theirs:
            shutil.copytree(saved, path)
        else:
            shutil.move(saved, path)


def attach_to_run(trainer: Any, schedule: Bound, **options: Any) -> Followed:
    """Attach the schedule, and the callback; ``options`` are those of `attach`."""
    attach(trainer, schedule, **options)
    followed = Followed(trainer)
    trainer.add_callback(followed)
    inner = trainer.training_step

    def training_step(*args: Any, **kwargs: Any) -> torch.Tensor:
        """The trainer's own, and its loss is heard."""
        loss: torch.Tensor = inner(*args, **kwargs)
        followed.add(loss)
        return loss

    trainer.training_step = training_step
    return followed
