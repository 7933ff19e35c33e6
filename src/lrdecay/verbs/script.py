"""`script`: the door for a user's own training script. Five changed lines, and every verb can drive it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from lrdecay.errors import InputError, refusal
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.live.steering import Steering
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
from lrdecay.verbs.steerable import ranks

__all__ = ["script"]


def script(
    *,
    steps: int | None = None,
    epochs: float | None = None,
    steps_per_epoch: int | None = None,
    samples_per_epoch: int | None = None,
    batch_size: int | None = None,
    tokens_per_step: int | None = None,
    seed: int = 0,
    name: str | None = None,
    store: str | Path | None = None,
    steer: bool | None = None,
) -> ScriptRun:
    """Say how long this run is; gives the run, which a study may steer and which is ordinary without one.

    Under a study the random generators of python, numpy and torch are seeded here, so call it before the model is made.
    Started by hand, nothing is seeded, and after a second the run says how it stands in a store and may be steered
    from there (`lrdecay steer`, docs/steer.md); with ``steer=False`` nothing is written.

    Args:
        steps: optimizer updates in the run; or ``epochs`` with the length of one, as in `lrdecay.Horizon`.
        epochs: passes over the data.
        steps_per_epoch: updates in an epoch.
        samples_per_epoch: samples in an epoch.
        batch_size: samples in an update, over all processes.
        tokens_per_step: tokens in an update, for schedules in tokens.
        seed: what ``run.seed`` is when no study says otherwise.
        name: what the run is called when it is steered; None: as its checkpoint says, or as the script, with a number
            behind it where a live run is called so.
        store: where it is steered from, as ``--store``; None: the folder ``lrdecay-reports`` here.
        steer: False: it cannot be steered; True: it is an error if it cannot, as with ``name`` or ``store``; None: it
            is steered if it can be, and says in one line if it cannot.

    Raises:
        InputError: nothing says how long the run is, or the name is none.

    Example:
        >>> import lrdecay
        >>> run = lrdecay.script(steps=3)
        >>> run.horizon
        Horizon(steps=3)
    """
    horizon: dict[str, Any] = {
        "steps": steps,
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "samples_per_epoch": samples_per_epoch,
        "batch_size": batch_size,
        "tokens_per_step": tokens_per_step,
    }
    given = {name: value for name, value in horizon.items() if value is not None}
    return ScriptRun(
        given, Orders.read(os.environ), _attach, seed, Steering("script", name, store, steer, ranks), _look
    )


def _look(optimizer: Any, order: Path) -> Any:
    """What looks at a torch optimizer; None for all else."""
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(optimizer).__mro__}
    if "torch.optim.optimizer.Optimizer" not in names:
        return None
    if "accelerate.optimizer.AcceleratedOptimizer" in names:
        from lrdecay.adapters.accelerate import unwrapped

        optimizer = unwrapped(optimizer)
    from lrdecay.adapters.torch.looking import Looking

    return Looking(optimizer, order)


def _attach(optimizer: Any, bound: Any, rates: Any, rule: Any = None, **options: Any) -> Any:
    """By the adapter that knows this optimizer or trainer; told from its class, so that no other is imported."""
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(optimizer).__mro__}
    torchlike = {"rates": rates, "override": True} | options
    others = ("keras.", "lightning.pytorch.trainer.", "transformers.trainer.")
    if rule is not None and (any(name.startswith(others) for name in names) or not hasattr(optimizer, "param_groups")):
        cure = "Use that framework's own attach or callback, which drives rules; or attach a schedule without one."
        msg = refusal("run.attach(...)", "must be given a torch optimizer for a rule", type(optimizer).__name__, cure)
        raise InputError(msg)
    if "lightning.pytorch.trainer.trainer.Trainer" in names:
        from lrdecay.adapters.lightning.scripted import attach_to_run

        return attach_to_run(optimizer, bound, **torchlike)
    if "transformers.trainer.Trainer" in names:
        from lrdecay.adapters.transformers.scripted import attach_to_run as attach_trainer

        return attach_trainer(optimizer, bound, **torchlike)
    if any(name.startswith("keras.") for name in names):
        from lrdecay.adapters.keras import attach as attach_keras

        return attach_keras(optimizer, bound, rates=rates, **options)
    if getattr(optimizer, "__name__", None) == "optax":
        from lrdecay.adapters.optax import schedule

        return schedule(bound, rates=rates, **options)
    if callable(optimizer) and "optax" in sys.modules:
        from lrdecay.adapters.optax import attach as attach_optax

        return attach_optax(optimizer, bound, rates=rates, **options)
    if "accelerate.optimizer.AcceleratedOptimizer" in names:
        from lrdecay.adapters.accelerate import unwrapped

        optimizer = unwrapped(optimizer)
    from lrdecay.adapters.torch import attach

    if rule is not None:
        return attach(optimizer, Ruled(bound.schedule, rule), bound.horizon, **torchlike)
    return attach(optimizer, bound, **torchlike)
