"""The user's task, made again for watching: averages measured beside the raw weights, and perhaps wrong labels.

A probe set is a share of the training samples whose labels are replaced by another class, evenly drawn, in the task
that is trained. How many of them the network then gives their wrong label is memorizing by definition; beside it stands
the share of other training samples that have their label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
import torch
from attrs import frozen

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import InputError, refusal
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.task_source import TaskSource

__all__ = ["RAW", "Answers", "Right", "Subject", "described", "made", "no_labels", "with_wrong_labels"]

RAW = "none"
"""The name of the weights as they are, among averages."""

_SAMPLES = 2000
"""The most samples on which answers are compared one by one."""

Data = tuple[torch.Tensor, torch.Tensor]

Right = dict[str, np.ndarray[Any, np.dtype[np.bool_]]]
"""Set -> which of its samples are right, shape (samples,)."""


@final
@frozen(eq=False)
class Subject:
    """A fresh task, and what it is made of.

    Attributes:
        task: to be advanced.
        average: of the averaged weights; None where the optimizer averages itself.
        answers: records which held-out and training samples are right at each evaluation; empty without labels.
        labels: why there are no class labels; "" where there are.
        flipped: training samples with a wrong label.
    """

    task: TorchTask
    average: str | None
    answers: Answers
    labels: str
    flipped: int = 0

    @property
    def parameters(self) -> list[torch.Tensor]:
        """Those that are trained."""
        return [p for p in self.task.parts["model"].parameters() if p.requires_grad]

    @property
    def momentum(self) -> float | None:
        """Of SGD; None for any other optimizer."""
        optimizer = self.task.parts["optimizer"]
        return float(optimizer.param_groups[0]["momentum"]) if isinstance(optimizer, torch.optim.SGD) else None


@final
class Answers:
    """Which samples are right, whenever the task is evaluated: raw weights first, then averaged ones.

    Args:
        sets: name -> (x, y); none where there are no class labels.
    """

    def __init__(self, sets: Mapping[str, Data]) -> None:
        """Nothing was seen yet."""
        self._sets = dict(sets)
        self._seen: list[Right] = []

    def __call__(self, model: torch.nn.Module) -> dict[str, float]:
        """For `TorchTask(also=...)`: remember which are right; nothing is added to the metrics."""
        found = {name: model(x).argmax(dim=-1) == y for name, (x, y) in self._sets.items()}
        self._seen.append({name: right.cpu().numpy() for name, right in found.items()})
        return {}

    def taken(self) -> list[Right]:
        """What was seen since it was asked last."""
        seen, self._seen = self._seen, []
        return seen if self._sets else []


def described(target: str, arguments: Mapping[str, Any], seed: int) -> dict[str, str]:
    """Before anything is trained: "labels", why there are no class labels, and "averages", why there are no averages.

    Raises:
        InputError: it is no `TorchTask`.
    """
    task = _task(target, arguments, seed)
    own = (
        "the optimizer keeps averaged weights of its own, which are what is measured" if _averages_itself(task) else ""
    )
    return {"labels": no_labels(task), "averages": own}


def made(target: str, arguments: Mapping[str, Any], seed: int, window: int) -> Subject:
    """The task, measured raw and averaged over a window of updates.

    Raises:
        InputError: it is no `TorchTask`.
    """
    task = _task(target, arguments, seed)
    why = no_labels(task)
    sets = {} if why else {"heldout": _some(task.parts["heldout"]), "train": _some(task.parts["train"])}
    answers = Answers(sets)
    average = None if _averages_itself(task) else f"ema({window})"
    own = {"average": [RAW, *([average] if average else [])], "also": answers}
    return Subject(TorchTask(**{**task.parts, **own}), average, answers, why)


def with_wrong_labels(target: str, arguments: Mapping[str, Any], seed: int, window: int, share: float) -> Subject:
    """The same with a probe set; its metrics have "wrong_fit" and "clean_fit", and "mended" beside.

    Raises:
        InputError: the task is no `TorchTask`, or its targets are not one class a sample.
    """
    task = _task(target, arguments, seed)
    why = no_labels(task)
    if why:
        msg = refusal("--flip SHARE", "must be left out without class labels", share, why)
        raise InputError(msg)
    x, y = task.parts["train"]
    rng = np.random.default_rng([seed, 10])
    order = rng.permutation(len(y))
    wrong = torch.from_numpy(np.sort(order[: max(1, round(share * len(y)))]))
    clean = torch.from_numpy(np.sort(order[len(wrong) :][:_SAMPLES]))
    kinds = y.unique()
    place = torch.searchsorted(kinds, y[wrong])
    shift = torch.from_numpy(rng.integers(1, len(kinds), size=len(wrong)))
    labels = y.clone()
    labels[wrong] = kinds[(place + shift) % len(kinds)]
    average = None if _averages_itself(task) else f"ema({window})"
    own = {"train": (x, labels), "average": [RAW, *([average] if average else [])]}
    also = _fits(x, y, labels, wrong, clean)
    return Subject(TorchTask(**{**task.parts, **own, "also": also}), average, Answers({}), "", len(wrong))


def no_labels(task: TorchTask) -> str:
    """Why a task's targets are not one class a sample; "" where they are."""
    targets = task.parts["train"][1]
    if targets.is_floating_point() or targets.is_complex():
        return f"its targets are numbers ({str(targets.dtype).removeprefix('torch.')}), not classes"
    if targets.ndim != 1:
        return f"its targets have the shape {tuple(targets.shape)}, more than one a sample"
    if len(targets.unique()) < 2:
        return "its targets are all of one class"
    x, y = _some(task.parts["heldout"], 2)
    model = task.parts["model"]
    modes = [(module, module.training) for module in model.modules()]
    model.train(False)
    with torch.no_grad():
        output = model(x)
    for module, mode in modes:
        module.training = mode
    if not torch.is_tensor(output) or output.ndim != 2 or len(output) != len(y):
        return "its model does not give one row of scores a sample"
    return ""


def _task(target: str, arguments: Mapping[str, Any], seed: int) -> TorchTask:
    task = TaskSource(TaskReference(target, arguments)).build(seed)
    if not isinstance(task, TorchTask):
        cure = "Only of a TorchTask are model, loss and data known; a script of any framework may be given by --script."
        msg = refusal("lab explain TASK", "must be a function that gives a TorchTask", type(task).__name__, cure)
        raise InputError(msg)
    return task


def _averages_itself(task: TorchTask) -> bool:
    optimizer = task.parts["optimizer"]
    return all(callable(getattr(optimizer, name, None)) for name in ("train", "eval"))


def _some(data: Data, most: int = _SAMPLES) -> Data:
    return data[0][:most], data[1][:most]


def _fits(
    x: torch.Tensor, true: torch.Tensor, labels: torch.Tensor, wrong: torch.Tensor, clean: torch.Tensor
) -> Callable[[torch.nn.Module], Mapping[str, float]]:
    """What is measured of the probe set beside the held-out metrics."""

    def measured(model: torch.nn.Module) -> dict[str, float]:
        def given(which: torch.Tensor) -> torch.Tensor:
            return torch.cat([model(x[part]).argmax(dim=-1) for part in torch.split(which, 250)])

        probe, other = given(wrong), given(clean)
        return {
            "wrong_fit": float((probe == labels[wrong]).double().mean()),
            "mended": float((probe == true[wrong]).double().mean()),
            "clean_fit": float((other == labels[clean]).double().mean()),
        }

    return measured
