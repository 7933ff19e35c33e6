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
from collections.abc import Mapping, Sequence, Sized
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
        averages: "none", "ema", "lawa", "polynomial"; see `lrdecay.adapters.torch.averages`. The first is the default.
        horizon: what an epoch is.
        inputs: of the training set.
        size: the most inputs in a pass.

    Raises:
        InputError: an average is none of the forms or stands twice, or the optimizer averages itself.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        averages: Sequence[str],
        horizon: Horizon,
        inputs: torch.Tensor,
        size: int,
    ) -> None:
        self._model, self._optimizer = model, optimizer
        self._inputs = inputs.tensor_split(math.ceil(len(inputs) / size))
        if not averages or len(set(averages)) < len(averages):
            msg = refusal("TorchTask(average=...)", "must be one, or several that differ", list(averages))
            raise InputError(msg)
        self._averages = {text: average_of(text, model, horizon) for text in averages}
        self._switches = all(callable(getattr(optimizer, name, None)) for name in ("train", "eval"))
        averaged = any(average is not None for average in self._averages.values())
        if averaged and self._switches:
            what = averages[0] if len(averages) == 1 else list(averages)
            msg = refusal("TorchTask(average=...)", "must not be given with an optimizer that averages itself", what)
            raise InputError(msg)
        if self._switches:
            _to_training(optimizer)
        self._copy = AveragedModel(model) if self._switches or averaged else None

    def update(self, step: int) -> None:
        """Update ``step``, counted from 1, was made."""
        for average in self._averages.values():
            if average is not None:
                average.update(step)

    @torch.no_grad()
    def model(self, random: RandomState, text: str | None = None) -> torch.nn.Module:
        """The model, or a copy of it with the weights to be measured, whose statistics are made with ``random``.

        Args:
            random: the state they are drawn from.
            text: which average; by default the first.
        """
        weights = self._kept_by_optimizer() if self._switches else None
        average = self._averages[next(iter(self._averages)) if text is None else text]
        weights = average.weights() if average is not None else weights
        if weights is None or self._copy is None:
            return self._model
        self._copy.n_averaged.zero_()  # so that the next line copies, buffers included
        self._copy.update_parameters(self._model)
        copy: torch.nn.Module = self._copy.module
        put(copy, weights)
        set_random_state(random)
        update_bn(self._inputs, copy)
        return copy

    def snapshot(self, *only: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What it keeps, as arrays and JSON, named ``average/...``; nothing without an average.

        Args:
            only: leave out every other average; by default none is left out.
        """
        kept = {text: self._averages[text] for text in only or self._averages}
        tensors: dict[str, Any] = {}
        states: dict[str, Any] = {}
        for text, average in kept.items():
            if average is not None:
                arrays, state = average.snapshot()
                tensors |= {f"{_place(kept, text)}{k}": a for k, a in arrays.items()}
                states[text] = {"name": average.name, **state}
        if len(kept) == 1:
            text = next(iter(kept))
            return tensors, {"average": states[text]} if states else {}
        return tensors, {"averages": states}

    def check(self, state: Mapping[str, Any]) -> None:
        """Refuse a snapshot's state of another average, before anything is changed."""
        own = {text: average.name for text, average in self._averages.items() if average is not None}
        if len(self._averages) > 1:
            several = {text: kept["name"] for text, kept in state.get("averages", {}).items()}
            name, found = str(own), str(several)
        else:
            name = next(iter(own.values()), "none")
            found = "several" if "averages" in state else state.get("average", {}).get("name", "none")
        if found != name:
            msg = refusal("restore(...)", f"must be given a snapshot of a task with average={name!r}", found)
            raise InputError(msg)

    def restore(self, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Back to a snapshot that was checked."""
        for text, average in self._averages.items():
            if average is not None:
                place = _place(self._averages, text)
                own = {k.removeprefix(place): a for k, a in tensors.items() if k.startswith(place)}
                average.restore(own, state["averages"][text] if len(self._averages) > 1 else state["average"])

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


def _place(kept: Sized, text: str) -> str:
    """What the names of an average's arrays begin with."""
    return "average/" if len(kept) == 1 else f"average/{text}/"
