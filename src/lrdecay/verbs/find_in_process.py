"""Which `find` in process is for what was given: a Lightning module, a transformers trainer, or a plain PyTorch model.

Told by the names of its classes, so that no framework is imported for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lrdecay.errors import InputError
from lrdecay.verbs.finding import Finding, finding_of

__all__ = ["finder_for"]

_MODULE = "torch.nn.modules.module.Module"
_LIGHTNING = "lightning.pytorch.core.module.LightningModule"
_TRAINER = "transformers.trainer.Trainer"


def finder_for(task: Any, optimizer: Any, step_fn: Any) -> Callable[[Mapping[str, Any]], Finding] | None:
    """What takes the options and finds, in this process; None: the task is trained elsewhere.

    A Lightning module with an optimizer beside it is a plain model.
    """
    names = {f"{c.__module__}.{c.__qualname__}" for c in type(task).__mro__}
    alone = optimizer is None and step_fn is None

    def found(options: Mapping[str, Any]) -> Finding:
        arguments = (task,) if alone else (task, optimizer, step_fn)
        measured: Any
        if _TRAINER in names:
            from lrdecay.adapters.transformers.finder import find as find_by_trainer

            if not alone:
                msg = "`find(trainer)` must be given alone, got an optimizer or a step_fn. The trainer has its own."
                raise InputError(msg)
            measured = find_by_trainer(*arguments, **options)
        elif _LIGHTNING in names and alone:
            from lrdecay.adapters.lightning.finder import find as find_by_module

            measured = find_by_module(*arguments, **options)
        else:
            from lrdecay.adapters.torch.finder import find as find_by_model

            measured = find_by_model(task, optimizer, step_fn, **options)
        return finding_of(measured.label, measured.asked, measured.curves, measured.seeds, measured.notes)

    return found if names & {_MODULE, _TRAINER} else None
