"""A small run to drive: three groups, exact updates, a checkpoint through a file; and what its rates should be."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import SGD, AdamW, Optimizer

from lrdecay.adapters.torch import AttachedScheduler
from lrdecay.schedule import Horizon, parse

STEPS = 9


HORIZON = Horizon(steps=STEPS, steps_per_epoch=4)


BANK = [
    "constant(0.3)",
    'step(0.1, factor=0.5, every="1ep")',
    "multi_step(0.1, factor=0.2, at=[3, 7])",
    "exponential(0.1, factor=0.9)",
    "inverse_time(0.1, rate=0.7)",
    "linear(0.1, floor=0.01)",
    "polynomial(0.1, floor=0.001, power=2)",
    "cosine(0.1, floor=0.001)",
    "warmup(3) + cosine(0.1)",
    'wsd(0.1, warmup=2, cooldown="30%", shape="1-sqrt")',
    "join(constant(0.2), linear(0.1), at=[5])",
    "piecewise([0.1, 0.3, 0.0], at=[3, 7])",
    "warm_restarts(0.1, first=2, growth=1.5, floor=0.01)",
    'triangular(0.01, high=0.1, half_cycle=2, scale="halve")',
    "one_cycle(0.1)",
    "inverse_sqrt(0.1, warmup=3)",
    "0.5 * clamp(cosine(0.3), low=0.01, high=0.2)",
]


OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "sgd": lambda groups: SGD(groups, momentum=0.9),
    "adamw": lambda groups: AdamW(groups, weight_decay=0.1),
}


RATES = (1.0, 0.1, 0.0)


class Run:
    """A tiny model in three groups (rates 1, 0.1 and 0), its optimizer, and one exact update after another."""

    def __init__(self, kind: str = "sgd", rates: tuple[float, ...] = RATES) -> None:
        generator = torch.Generator().manual_seed(0)
        self.weights = [torch.randn(3, generator=generator).requires_grad_() for _ in rates]
        self.optimizer = OPTIMIZERS[kind]([{"params": [w], "lr": r} for w, r in zip(self.weights, rates, strict=True)])

    def rates(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def gradients(self, t: int) -> None:
        for i, w in enumerate(self.weights):
            w.grad = torch.full_like(w, 0.1 + 0.01 * t + 0.1 * i)

    def train(self, scheduler: AttachedScheduler, first: int, last: int) -> list[list[float]]:
        """Updates first, ..., last - 1; the rates each of them used."""
        used = []
        for t in range(first, last):
            self.gradients(t)
            used.append(self.rates())
            self.optimizer.step()
            scheduler.step()
        return used

    def saved(self, scheduler: AttachedScheduler) -> dict[str, Any]:
        """A checkpoint, through a file."""
        file = io.BytesIO()
        torch.save(
            {
                "weights": [w.detach() for w in self.weights],
                "optimizer": self.optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
            },
            file,
        )
        file.seek(0)
        return torch.load(file, weights_only=True)

    def load_weights(self, checkpoint: dict[str, Any]) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.weights, checkpoint["weights"], strict=True):
                mine.copy_(theirs)


def expected(spec: str, scales: tuple[float, ...] = RATES) -> list[list[float]]:
    return [[rate * scale for scale in scales] for rate in parse(spec).bind(HORIZON).values().tolist()]


def single(lr: Any = 0.5, **options: Any) -> SGD:
    return SGD([torch.nn.Parameter(torch.ones(2))], lr=lr, **options)


def update(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)
    optimizer.step()
