"""Averages of weights along a run, to be measured in place of the last weights. They do not change the training.

    ema           w_ema <- w_ema + a (w - w_ema) after every update, a = max(1/n, 1/window) at the n-th
    ema(0.5ep)    the same with a window of half an epoch; the default is 1ep, "ema(200)" is 200 updates
    lawa          the mean of the 5 latest checkpoints, one at the end of each epoch
    lawa(6, 100)  of the 6 latest, one every 100 updates
    polynomial    w_avg <- w_avg + (γ+1)/(n+γ) (w - w_avg) after the n-th update, γ = 8
    polynomial(4) the same with γ = 4

The first `window` updates of an EMA are averaged evenly, so that the initial weights have no share in it. LAWA:
Kaddour, Stop Wasting My Time! Saving Days of ImageNet and BERT Training with Latest Weight Averaging, 2022,
arXiv:2209.14981; before the first checkpoint it is the last weights. The 5 is ours. Polynomial: Shamir and
Zhang, Stochastic Gradient Descent for Non-smooth Optimization, 2013, arXiv:1212.1824, with the 8 that DoG's authors use
(Ivgi et al., 2023, arXiv:2302.12022); the last tenth of the run is 61% of it. It is an EMA whose window is always the
same share of the updates so far, 1/(γ+1).
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol, final

import torch
from attrs import frozen
from torch.optim.swa_utils import AveragedModel

from lrdecay.adapters.torch.snapshots import packed, unpacked
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Horizon
from lrdecay.schedule.duration import Duration, duration

__all__ = ["Average", "AverageSpec", "average_of", "put"]

_CURE = 'Such as "ema", "ema(0.5ep)", "lawa", "lawa(5, 1ep)", "polynomial" or "polynomial(4)".'
_GAMMA = 8.0  # of the polynomial average
_TEXT = re.compile(r"\s*(none|ema|lawa|polynomial)\s*(?:\(\s*([^(),]*?)\s*(?:,\s*([^(),]*?)\s*)?\))?\s*")
_NUMBER = re.compile(r"\d{1,4}(\.\d{1,2})?")
_STEEPEST = 1000

Weights = list[torch.Tensor]


@frozen
class AverageSpec:
    """What to average, as it was written.

    Raises:
        InputError: it is not one of the forms of this module.
    """

    kind: str  # "none", "ema", "lawa" or "polynomial"
    every: Duration  # the window of an EMA; between two checkpoints of LAWA
    latest: int = 1  # checkpoints of LAWA
    gamma: float = _GAMMA  # of the polynomial average

    def __str__(self) -> str:
        own = self.gamma != _GAMMA
        return {
            "ema": f"ema({self.every})",
            "lawa": f"lawa({self.latest}, {self.every})",
            "polynomial": f"polynomial({self.gamma:g})" if own else "polynomial",
        }.get(self.kind, self.kind)

    @classmethod
    def read(cls, text: object) -> AverageSpec:
        """From its text."""
        call = "TorchTask(average=...)"
        found = _TEXT.fullmatch(text) if isinstance(text, str) else None
        if (
            found is None
            or (found[2] is not None and found[1] == "none")
            or (found[3] is not None and found[1] != "lawa")
        ):
            msg = refusal(call, "must be none, ema, lawa or polynomial, with what they take", text, _CURE)
            raise InputError(msg)
        kind, first, second = found.groups()
        if kind == "polynomial":
            return cls(kind, _length(None, call), gamma=_GAMMA if first is None else _gamma(first, call))
        if kind != "lawa":
            return cls(kind, _length(first, call))
        if first is not None and not (first.isdecimal() and 0 < int(first[:9]) <= 1000):
            msg = refusal(call, "must average from 1 to 1000 checkpoints", text, _CURE)
            raise InputError(msg)
        return cls(kind, _length(second, call), 5 if first is None else int(first))


class Average(Protocol):
    """An average of a model's weights along its run."""

    name: str  # as text that reads back

    def update(self, step: int, /) -> None:
        """Take in the model's weights after update ``step``, counted from 1."""

    def weights(self) -> Weights | None:
        """The average now, in the order of the model's parameters; None where it is the last weights."""

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its state, as arrays and JSON."""

    def restore(self, arrays: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Back to a state of this same average."""


def average_of(text: object, model: torch.nn.Module, horizon: Horizon) -> Average | None:
    """The average that a text asks for; None for "none".

    Raises:
        InputError: the text is none of the forms, or its window is shorter than an update.
    """
    spec = AverageSpec.read(text)
    if spec.kind == "none":
        return None
    if spec.kind == "polynomial":
        gamma = spec.gamma
        return _Running(str(spec), model, lambda seen: (gamma + 1) / (gamma + 1 + seen))
    every = horizon.length(spec.every)
    if every < 1:
        msg = refusal("TorchTask(average=...)", "must have a window of at least one update", text)
        raise InputError(msg)
    if spec.kind == "lawa":
        return _Lawa(str(spec), model, every, spec.latest)
    least = float(1 / every)
    return _Running(str(spec), model, lambda seen: max(1 / (seen + 1), least))


@final
class _Running:
    """A running average, torch's `AveragedModel`; the newest weights' share is a function of how many were before."""

    def __init__(self, name: str, model: torch.nn.Module, share: Callable[[int], float]) -> None:
        def blend(averages: Any, weights: Any, seen: Any) -> None:
            """One update of all tensors; ``seen`` were taken in before."""
            torch._foreach_lerp_(averages, weights, share(int(seen)))

        self.name, self._model = name, model
        self._averaged = AveragedModel(model, multi_avg_fn=torch.no_grad()(blend))

    def update(self, _step: int, /) -> None:
        self._averaged.update_parameters(self._model)

    def weights(self) -> Weights | None:
        return None if not int(self._averaged.n_averaged) else _detached(self._averaged.module.parameters())

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        arrays, types = packed({str(i): w for i, w in enumerate(self.weights() or [])})
        return arrays, {"seen": int(self._averaged.n_averaged), "types": types}

    def restore(self, arrays: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        back = unpacked(arrays, state["types"])
        if back:
            put(self._averaged.module, [back[str(i)] for i in range(len(back))])
        self._averaged.n_averaged.fill_(state["seen"])


@final
class _Lawa:
    """The mean of the latest checkpoints."""

    def __init__(self, name: str, model: torch.nn.Module, every: Fraction, latest: int) -> None:
        self.name, self._model, self._every = name, model, every
        self._kept: deque[Weights] = deque(maxlen=latest)

    def update(self, step: int, /) -> None:
        if self._ends(step) > self._ends(step - 1):
            self._kept.append([p.clone() for p in _detached(self._model.parameters())])

    def _ends(self, step: int) -> int:
        """How many stretches have ended by a step; each end is rounded once, half up."""
        return math.ceil((step + Fraction(1, 2)) / self._every) - 1

    def weights(self) -> Weights | None:
        if not self._kept:
            return None
        return [torch.stack(same).mean(0) for same in zip(*self._kept, strict=True)]

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        arrays, types = packed({f"{k}/{i}": w for k, kept in enumerate(self._kept) for i, w in enumerate(kept)})
        return arrays, {"kept": len(self._kept), "types": types}

    def restore(self, arrays: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        like = _detached(self._model.parameters())
        back = unpacked(arrays, state["types"])
        self._kept.clear()
        for k in range(state["kept"]):
            self._kept.append([torch.empty_like(p).copy_(back[f"{k}/{i}"]) for i, p in enumerate(like)])


@torch.no_grad()
def put(model: torch.nn.Module, weights: Sequence[torch.Tensor]) -> None:
    """Write weights, in the order of the model's parameters, in place."""
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.copy_(weight)


def _detached(parameters: Iterable[torch.Tensor]) -> Weights:
    return [p.detach() for p in parameters]


def _gamma(text: str, call: str) -> float:
    """Of a polynomial average."""
    if not (_NUMBER.fullmatch(text) and float(text) <= _STEEPEST):
        msg = refusal(
            call, f"must have a γ from 0 to {_STEEPEST}, of two decimals at most", f"polynomial({text})", _CURE
        )
        raise InputError(msg)
    return float(text)


def _length(text: str | None, call: str) -> Duration:
    """A window; an epoch where nothing is said."""
    over = duration("1ep" if text is None else int(text) if text.isdecimal() and len(text) < 20 else text, call)
    if over.unit == "%":
        cure = "A task does not know how long the run will be."
        msg = refusal(call, "must be in epochs, updates, samples or tokens", text, cure)
        raise InputError(msg)
    return over
