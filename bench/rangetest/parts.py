"""What every peer is given: a model, an optimizer, a loss and a loader, from one of our tasks and a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, TensorDataset

from lrdecay.runs.spec import Source
from lrdecay.tasks.quadratic import Quadratic

__all__ = ["LOW", "Parts", "parts_of", "quadratic_parts"]

LOW = 1e-7
"""The optimizer's own rate, where torch-lr-finder and ignite begin."""


class Parts(NamedTuple):
    """What every finder takes."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[Any, Any], torch.Tensor]
    loader: DataLoader[Any]


class _Quadratic(torch.nn.Module):
    """`lrdecay.tasks.quadratic` in torch: the loss without noise, its gradient h w + sigma x."""

    def __init__(self, constants: Quadratic) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(constants.dimension))
        self.register_buffer("h", torch.tensor(constants.curvatures, dtype=torch.float32))
        self.sigma = constants.sigma

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        drawn = self.sigma * x @ self.w
        return 0.5 * (self.h * self.w**2).sum() + drawn - drawn.detach()  # type: ignore[operator]


def parts_of(source: Source, seed: int) -> Parts:
    """A task's own, with initial weights and a data order of the seed.

    The task keeps its parts to itself; a benchmark may look.
    """
    made = source.build(seed)  # type: ignore[attr-defined]
    for group in made._optimizer.param_groups:
        group["lr"] = LOW
    return Parts(made._model, made._optimizer, made._loss, _loader(made._train, made._batch, seed))


def quadratic_parts(curvature: float, seed: int) -> Parts:
    """The quadratic task's, with batches of one draw of the noise."""
    constants = Quadratic(curvature_scale=curvature)
    model = _Quadratic(constants)
    noise = torch.randn(1000, constants.dimension, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=LOW)
    return Parts(model, optimizer, lambda output, _: output.mean(), _loader((noise, torch.zeros(1000)), 1, seed))


def _loader(data: tuple[torch.Tensor, torch.Tensor], batch: int, seed: int) -> DataLoader[Any]:
    order = torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(*data), batch_size=batch, shuffle=True, drop_last=True, generator=order)
