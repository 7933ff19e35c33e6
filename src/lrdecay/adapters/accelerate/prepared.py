"""`attach`: a schedule for an optimizer under accelerate.

    accelerator = Accelerator(gradient_accumulation_steps=2)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    scheduler = attach(accelerator, optimizer, "cosine(0.1)", Horizon(steps=1000))
    for x, y in loader:
        with accelerator.accumulate(model):
            accelerator.backward(loss(model(x), y))
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()

A scheduler of torch's, once prepared, is stepped n times per update on n processes, so it must be told n times as many
steps. This one counts the optimizer's updates: batches that only accumulate make none, nor does an update that mixed
precision skips, and stepping it n times is stepping it once. So the horizon counts updates, whatever the processes.
``accelerator.save_state`` and ``load_state`` hold its state, which is plain JSON.

`lrdecay.adapters.torch.attach` on the bare optimizer, and then ``accelerator.prepare(scheduler)``, does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer

from lrdecay.adapters.torch import AttachedScheduler
from lrdecay.adapters.torch import attach as attach_to_optimizer
from lrdecay.errors import InputError, refusal
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["attach", "unwrapped"]


def attach(
    accelerator: Accelerator,
    optimizer: Any,
    schedule: Schedule | Ruled | Bound | str,
    horizon: Horizon | None = None,
    *,
    multipliers: Sequence[float] | None = None,
    step: int = 0,
    override: bool = False,
    after: str | None = None,
    rates: FloatArray | Sequence[float] | None = None,
) -> AttachedScheduler:
    """Let a schedule drive an optimizer, prepared already or not yet, and let the accelerator save its state.

    Args:
        accelerator: the ``Accelerator`` of the run.
        optimizer: a torch optimizer, or what ``accelerator.prepare`` made of it.
        schedule: a schedule, its text notation, or one bound already (then leave ``horizon`` out).
        horizon: the length of the run in updates, and its units; a batch is one of all processes together.
        multipliers: as in `lrdecay.adapters.torch.attach`, and so the rest.
        step: updates already made.
        override: this schedule and horizon win over a checkpoint that says otherwise.
        after: the end policy.
        rates: the rates of all updates, made elsewhere from this schedule.

    Raises:
        InputError: an argument does not fit; an optimizer of DeepSpeed's or the like is not one of torch's.
    """
    if not isinstance(accelerator, Accelerator):
        msg = refusal("attach(accelerator)", "must be an accelerate.Accelerator", accelerator)
        raise InputError(msg)
    scheduler = attach_to_optimizer(
        unwrapped(optimizer),
        schedule,
        horizon,
        multipliers=multipliers,
        step=step,
        override=override,
        after=after,
        rates=rates,
    )
    accelerator.prepare_scheduler(scheduler)  # registers it; its wrapper is not needed for stepping
    return scheduler


def unwrapped(optimizer: Any) -> Any:
    """The optimizer that makes the updates, inside of what ``accelerator.prepare`` made of it."""
    while isinstance(optimizer, AcceleratedOptimizer):
        optimizer = optimizer.optimizer
    return optimizer
