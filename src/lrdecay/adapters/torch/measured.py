"""Which weights of a task are measured: the last ones, an average of them, or those the optimizer keeps for it.

A schedule-free optimizer keeps two kinds of weights, one to train and one to be measured, which its ``train()`` and
``eval`` methods put into the model (Defazio et al., The Road Less Scheduled, 2024, arXiv:2405.15682; the package
schedulefree). Going there and back rounds, so the weights that were trained are kept aside and put back, bit for bit.

Batch-norm statistics belong to the weights they were made with: for other weights they are computed anew, by one pass
over the training set in training mode (`torch.optim.swa_utils.update_bn`). This is done on a copy of the model, and the
random numbers it draws are a function of the task's state: measuring changes nothing and gives the same twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import methodcaller
from typing import Any, final

import torch
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, update_bn

from lrdecay.adapters.torch.averages import average_of, put
from lrdecay.errors import InputError, refusal
from lrdecay.runs.seeding import RandomState, set_random_state
from lrdecay.schedule import Horizon

__all__ = ["Measured"]

_to_measuring = methodcaller("eval")
_to_training = methodcaller("train")


@final
class Measured:
    """The weights of a model that its measurements are of.

    Args:
        model: what is trained.
        optimizer: of its parameters; one that keeps weights to be measured is put into training mode.
        average: "none", "ema", "lawa", "polynomial"; see `lrdecay.adapters.torch.averages`.
        horizon: what an epoch is.
        inputs: of the training set.
        size: the most inputs in a pass.

    Raises:
        InputError: the average is none of the forms, or the optimizer averages itself.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        average: str,
        horizon: Horizon,
        inputs: torch.Tensor,
        size: int,
    ) -> None:
        self._model, self._optimizer = model, optimizer
        self._inputs = inputs.tensor_split(math.ceil(len(inputs) / size))
        self._average = average_of(average, model, horizon)
        self._switches = all(callable(getattr(optimizer, name, None)) for name in ("train", "eval"))
        if self._average is not None and self._switches:
            msg = refusal("TorchTask(average=...)", "must not be given with an optimizer that averages itself", average)
            raise InputError(msg)
        if self._switches:
            _to_training(optimizer)
        self._copy = AveragedModel(model) if self._switches or self._average is not None else None

    def update(self, step: int) -> None:
        """Update ``step``, counted from 1, was made."""
        if self._average is not None:
            self._average.update(step)

    @torch.no_grad()
    def model(self, random: RandomState) -> torch.nn.Module:
        """The model, or a copy of it with the weights to be measured, whose statistics are made with ``random``."""
        weights = self._kept_by_optimizer() if self._switches else None
        weights = self._average.weights() if self._average is not None else weights
        if weights is None or self._copy is None:
            return self._model
        self._copy.n_averaged.zero_()  # so that the next line copies, buffers included
        self._copy.update_parameters(self._model)
        copy: torch.nn.Module = self._copy.module
        put(copy, weights)
        set_random_state(random)
        update_bn(self._inputs, copy)
        return copy

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What it keeps, as arrays and JSON, named ``average/...``; nothing without an average."""
        if self._average is None:
            return {}, {}
        arrays, state = self._average.snapshot()
        return {f"average/{k}": a for k, a in arrays.items()}, {"average": {"name": self._average.name, **state}}

    def check(self, state: Mapping[str, Any]) -> None:
        """Refuse a snapshot's state of another average, before anything is changed."""
        name = "none" if self._average is None else self._average.name
        found = state.get("average", {}).get("name", "none")
        if found != name:
            msg = refusal("restore(...)", f"must be given a snapshot of a task with average={name!r}", found)
            raise InputError(msg)

    def restore(self, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Back to a snapshot that was checked."""
        if self._average is not None:
            own = {k.removeprefix("average/"): a for k, a in tensors.items() if k.startswith("average/")}
            self._average.restore(own, state["average"])

    def _kept_by_optimizer(self) -> list[torch.Tensor]:
        """What the optimizer would have measured; model and optimizer are left as they were."""
        parameters = list(self._model.parameters())
        trained = [p.clone() for p in parameters]
        entries = [{k: v for k, v in group.items() if k != "params"} for group in self._optimizer.param_groups]
        _to_measuring(self._optimizer)
        found = [p.clone() for p in parameters]
        put(self._model, trained)
        for group, kept in zip(self._optimizer.param_groups, entries, strict=True):
            group.update(kept)
        return found
