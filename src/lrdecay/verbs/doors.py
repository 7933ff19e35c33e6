"""Which adapter searches what is in the user's own hands: told by names of classes, so that none is imported for it.

    a compiled Keras model                                          lrdecay.adapters.keras.find
    a transformers trainer                                          lrdecay.adapters.transformers.find
    a Lightning module, without an optimizer or step_fn beside it   lrdecay.adapters.lightning.find
    a PyTorch model                                                 lrdecay.adapters.torch.find
    a function, with params= or state=, or an optax optimizer       lrdecay.adapters.optax.find

Anything else is a task, see `lrdecay.verbs.sources`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from lrdecay.errors import InputError
from lrdecay.rangetest.repeats import Measured

__all__ = ["door_of", "through"]

_MODELS = {  # the first that fits: a Keras model on torch, and a Lightning module, are torch modules too
    "keras.src.models.model.Model": "keras",
    "transformers.trainer.Trainer": "transformers",
    "lightning.pytorch.core.module.LightningModule": "lightning",
    "torch.nn.modules.module.Module": "torch",
}
_WORDS = {
    "keras": "Keras model",
    "transformers": "transformers trainer",
    "lightning": "Lightning module",
    "torch": "model",
    "optax": "JAX training loop",
}
_OWN = {"keras": "which is compiled with its own", "transformers": "which makes its own"}


def door_of(task: object, optimizer: object, step_fn: object, given: Mapping[str, Any]) -> str | None:
    """The adapter by name, such as "keras", "torch" or "optax"; None for a task.

    Args:
        task: what is to be searched.
        optimizer: what was given as the optimizer.
        step_fn: what was given to make a step.
        given: further arguments by name.
    """
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(task).__mro__}
    beside = optimizer is not None or step_fn is not None
    for name, door in _MODELS.items():
        if name in names and not (door == "lightning" and beside):  # with these it is a plain model
            return door
    made_by = getattr(optimizer, "__module__", None) or ""  # of a factory, or of the class of a transformation
    functional = bool({"params", "state"} & set(given)) or made_by.startswith("optax.")
    return "optax" if functional and callable(task) else None


def through(door: str, task: Any, optimizer: Any, step_fn: Any, options: Mapping[str, Any]) -> Measured:
    """What the adapter measures.

    Raises:
        InputError: an argument is not one that this adapter takes.
    """
    first: tuple[Any, ...] = (task, optimizer, step_fn) if door == "torch" else (task,)
    named = dict(options) | ({"optimizer": optimizer} if door == "optax" else {})
    if door != "torch" and step_fn is not None:
        _refuse("step_fn", f"a {_WORDS[door]}", step_fn)
    if door in _OWN and optimizer is not None:
        _refuse("optimizer", f"a {_WORDS[door]}, {_OWN[door]}", optimizer)
    find = importlib.import_module(f"lrdecay.adapters.{door}").find
    unknown = sorted(set(named) - set(inspect.signature(find).parameters))
    if unknown:
        _refuse(unknown[0], f"a {_WORDS[door]}", named[unknown[0]])
    measured: Measured = find(*first, **named)
    return measured


def _refuse(name: str, where: str, value: object) -> None:
    msg = f"`find({name}=...)` must not be given with {where}, got {type(value).__name__}."
    raise InputError(msg)
