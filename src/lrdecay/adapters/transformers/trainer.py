"""`attach`: a schedule for transformers' ``Trainer``.

    trainer = Trainer(model, TrainingArguments(...), train_dataset=data)
    attach(trainer, 'warmup("5%") + cosine(3e-4)')
    trainer.train()

The trainer makes its scheduler by ``create_scheduler`` when it has an optimizer, sharded or not; that is what `attach`
replaces on this one trainer. (``Trainer(optimizers=(..., scheduler))`` would need the optimizer before it is sharded,
and is refused under FSDP.) ``trainer.lr_scheduler`` is then an `lrdecay.adapters.torch.AttachedScheduler`:

* t counts the optimizer's updates, so accumulated batches make one, skipped ones none, and n processes do not multiply.
* The learning rate that is logged is the one the update was made with.
* ``scheduler.pt`` holds plain JSON; ``resume_from_checkpoint`` goes on at the step it holds.
* A schedule under a rule, ``attach(trainer, "cosine(3e-4) * plateau()")``, is shown the metrics of each evaluation in
  training: what the rule calls "loss" is ``eval_loss``. The trainer must evaluate: ``eval_strategy="steps"``.
* ``learning_rate``, ``lr_scheduler_type`` and ``warmup_steps`` of the arguments no longer speak: f(t) is the rate, and
  the optimizer's groups keep their ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from accelerate.optimizer import AcceleratedOptimizer
from transformers import Trainer

from lrdecay.adapters.observed import ruled_of
from lrdecay.adapters.torch import AttachedScheduler
from lrdecay.adapters.torch import attach as attach_to_optimizer
from lrdecay.adapters.transformers.observing import Observing
from lrdecay.errors import InputError, refusal
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, Horizon, Schedule, parse

__all__ = ["attach", "horizon_of"]


def attach(
    trainer: Any,
    schedule: Schedule | Ruled | Bound | str,
    horizon: Horizon | None = None,
    *,
    multipliers: Sequence[float] | None = None,
    override: bool = False,
    after: str | None = None,
    rates: FloatArray | Sequence[float] | None = None,
) -> None:
    """Let a schedule drive the trainer's optimizer, from the next ``trainer.train()`` on.

    Args:
        trainer: a ``transformers.Trainer`` that has no scheduler yet.
        schedule: a schedule, one under a rule, its text notation, or one bound already.
        horizon: the length of the run and its units; by default what the trainer says, see `horizon_of`.
        multipliers: as in `lrdecay.adapters.torch.attach`, and so the rest.
        override: this schedule and horizon win over a checkpoint that says otherwise.
        after: the end policy.
        rates: the rates of all updates, made elsewhere from this schedule.

    Raises:
        InputError: it is no ``Trainer``, it has a scheduler already, DeepSpeed makes the updates, or the schedule
            cannot be read or does not fit the horizon; when it trains, see `lrdecay.adapters.transformers.observing`.
    """
    if not isinstance(trainer, Trainer):
        msg = refusal("attach(trainer)", "must be a transformers.Trainer", trainer)
        raise InputError(msg)
    if trainer.lr_scheduler is not None:
        cure = "Leave optimizers=(..., scheduler) out, and attach before trainer.train()."
        must = "must be a trainer without a scheduler"
        msg = refusal("attach(trainer)", must, type(trainer.lr_scheduler).__name__, cure)
        raise InputError(msg)
    if trainer.is_deepspeed_enabled:
        cure = "Say the schedule in DeepSpeed's own configuration."
        msg = refusal(
            "attach(trainer)", "must not run under DeepSpeed, which makes the updates itself", "DeepSpeed", cure
        )
        raise InputError(msg)
    held: Any = trainer  # whose method we replace, which a type checker does not know
    unruled, rule = ruled_of(schedule)
    told = parse(unruled) if isinstance(unruled, str) else unruled
    if isinstance(horizon, Horizon) and isinstance(told, Schedule):
        told.bind(horizon)  # what does not fit is refused now

    def create_scheduler(num_training_steps: int, optimizer: Any = None) -> AttachedScheduler:
        """Attach to the optimizer; called once by each ``trainer.train()``."""
        if held.lr_scheduler is None:
            length = horizon
            if length is None and not isinstance(told, Bound):
                length = horizon_of(held, num_training_steps)
            inner = held.optimizer if optimizer is None else optimizer
            while isinstance(inner, AcceleratedOptimizer):
                inner = inner.optimizer
            driven = told if rule is None else Ruled(told, rule)
            held.lr_scheduler = attach_to_optimizer(
                inner, driven, length, multipliers=multipliers, override=override, after=after, rates=rates
            )
            held._created_lr_scheduler = True  # the next train() asks again
        return cast("AttachedScheduler", held.lr_scheduler)

    held.create_scheduler = create_scheduler
    if rule is not None:
        trainer.add_callback(Observing(trainer, rule))


def horizon_of(trainer: Any, num_training_steps: int) -> Horizon:
    """The length of a trainer's run; an epoch too, where the arguments count in whole epochs."""
    args = trainer.args
    epochs = args.num_train_epochs
    if args.max_steps <= 0 and epochs == int(epochs) and num_training_steps % int(epochs) == 0:
        return Horizon(steps=num_training_steps, steps_per_epoch=num_training_steps // int(epochs))
    return Horizon(steps=num_training_steps)
