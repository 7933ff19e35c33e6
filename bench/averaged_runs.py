"""Runs for `bench.averaged_forecast`: a trunk at a constant rate, all its averages, and real cooldowns from it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import asdict, frozen
from bench.rangetest.protocol import arguments
from torch import nn

from lrdecay.adapters.torch import TorchTask
from lrdecay.losslaws.curve import FloatArray
from lrdecay.runs.reference import TaskReference

__all__ = [
    "AVERAGES",
    "LENGTHS",
    "MARKS",
    "PEAKS",
    "TASKS",
    "TRUNKS",
    "Run",
    "averages_at",
    "built",
    "cooling_rates",
    "made",
]

TASKS: dict[str, dict[str, Any]] = {
    "mnist1d": {"batch_size": 32},
    "digits": {"batch_size": 16},
    "fashion": {"images": 20_000, "heldout": 2000, "model": "mlp", "hidden": "64", "batch_size": 50},
    "fashion-bn": {"images": 20_000, "heldout": 2000, "model": "mlp", "hidden": "64", "batch_size": 50},
    "chars": {"context": 32, "width": 32, "depth": 1, "batch_size": 16, "heldout": 200},
}
OPTIMIZER = {"mnist1d": "sgd", "digits": "sgd", "fashion": "sgd", "fashion-bn": "adamw", "chars": "adamw"}
PEAKS = {
    "mnist1d": (0.02, 0.06),
    "digits": (0.02, 0.06),
    "fashion": (0.01, 0.03),
    "fashion-bn": (0.002, 0.006),
    "chars": (0.003, 0.01),
}

TRUNKS = (200, 400, 800, 1600)
"""Updates made when a cooldown begins."""

LENGTHS = (0.1, 0.2, 0.4)
"""Of a cooldown, as a share of the updates before it."""

MARKS = tuple(sorted({round(TRUNKS[0] * 2 ** (k / 8)) for k in range(-16, 25)}))
"""Updates after which everything is measured."""

LOOKS = 12
"""Along the shortest cooldown, which a law is shown."""

SHARES = (0.4, 0.2, 0.1, 0.05, 0.025)
"""Windows of the running averages, as shares of the updates so far: "polynomial(1/share - 1)"."""

CHECKPOINTS = (4, 8, 16, 32, 64)
"""Updates between the 5 checkpoints of LAWA; at each of `TRUNKS` one spans 10% of the updates so far, another 20%."""

AVERAGES = (
    "none",
    *(f"polynomial({1 / share - 1:g})" for share in SHARES),
    *(f"lawa(5, {every})" for every in CHECKPOINTS),
)


@frozen(eq=False)
class Run:
    """One trunk.

    Attributes:
        task: of `TASKS`.
        peak: its rate.
        seed: of weights and data order.
        losses: held-out, by average and then by mark.
        finals: held-out losses where the real cooldowns end, by (updates before, share of them).
        cooled: held-out losses along the shortest cooldown, by updates before it and then by all updates.
        seconds: CPU time that all of it took.
    """

    task: str
    peak: float
    seed: int
    losses: dict[str, dict[int, float]]
    finals: dict[tuple[int, float], float]
    cooled: dict[int, dict[int, float]]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As JSON, whose keys are text alone."""
        finals = [[*key, value] for key, value in self.finals.items()]
        return {**asdict(self), "finals": finals}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Run:
        """What `to_json` gave."""
        losses, cooled = (
            {key: {int(step): loss for step, loss in of.items()} for key, of in found[name].items()}
            for name in ("losses", "cooled")
        )
        finals = {(before, share): loss for before, share, loss in found["finals"]}
        return cls(**{**found, "losses": losses, "cooled": {int(k): v for k, v in cooled.items()}, "finals": finals})


def cooling_rates(peak: float, before: int, share: float) -> FloatArray:
    """Of a cooldown, linear to zero."""
    steps = round(before * share)
    return peak * (1 - np.arange(1, steps + 1) / (steps + 1))


def averages_at(step: int) -> dict[str, str]:
    """The averages by what they are as shares of the updates so far; LAWA's checkpoints are chosen to fit."""
    found = {f"ema {share:.1%}": f"polynomial({1 / share - 1:g})" for share in SHARES}
    return found | {f"lawa {share:.0%}": f"lawa(5, {round(step * share / 5)})" for share in (0.1, 0.2)}


def built(task: str, seed: int, average: str | list[str], folder: Path) -> TorchTask:
    """A task; "fashion-bn" is fashion's with a layer of batch norm."""
    name = task.removesuffix("-bn")
    own = {k: v for k, v in arguments(name, OPTIMIZER[task], 1, folder).items() if k not in ("epochs", "steps")}
    given = {**own, **TASKS[task]}
    found: TorchTask = TaskReference(f"lrdecay.tasks.{name}:{name}", given, name).function()(
        seed, average=average, **given
    )
    if task == name:
        return found
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, weight_decay=0.01)
    return TorchTask(**{**found.parts, "model": model, "optimizer": optimizer})


def made(task: str, peak: float, seed: int, folder: str) -> Run:
    """A trunk and its cooldowns, linear to zero."""
    torch.set_num_threads(1)
    began = time.process_time()
    trunk = built(task, seed, list(AVERAGES), Path(folder))
    cooling = built(task, seed, "none", Path(folder))
    losses: dict[str, dict[int, float]] = {name: {} for name in AVERAGES}
    finals: dict[tuple[int, float], float] = {}
    cooled: dict[int, dict[int, float]] = {}
    for mark in MARKS:
        trunk.advance({"lr": np.full(mark - trunk.step, peak)})
        found = trunk.evaluate()
        for name in AVERAGES:
            losses[name][mark] = float(found[f"{name}/loss"])
        if mark not in TRUNKS:
            continue
        here = trunk._snapshot("none")
        for share in LENGTHS:
            rates = cooling_rates(peak, mark, share)
            cooling.restore(here)
            along: dict[int, float] = {}
            for part in np.array_split(rates, LOOKS) if share == LENGTHS[0] else [rates]:
                cooling.advance({"lr": part})
                along[cooling.step] = float(cooling.evaluate()["loss"])
            finals[mark, share] = along[mark + len(rates)]
            if share == LENGTHS[0]:
                cooled[mark] = along
    return Run(task, peak, seed, losses, finals, cooled, time.process_time() - began)
