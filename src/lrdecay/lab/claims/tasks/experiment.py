"""Six decays, each at its own best peak, in cells of tasks and architectures; what the wrong cell's best costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from lrdecay.lab.arms import Arm, Runs
from lrdecay.lab.claims.tasks.regret import best, pair_regret
from lrdecay.lab.evidence import Evidence
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.tuning import Tuned, tuned

__all__ = ["CELLS", "DECAYS", "PAIRS", "Cell", "measure", "values_of"]

FloatArray = NDArray[np.float64]

DECAYS: Mapping[str, str] = {
    "constant": "constant({0!r})",
    "step": 'multi_step({0!r}, factor=0.1, at=["50%", "75%"])',
    "linear": "linear({0!r})",
    "cosine": "cosine({0!r})",
    "1/sqrt t": 'inverse_sqrt({0!r}, warmup="5%")',
    "exponential": 'exponential({0!r}, factor=0.1, every="50%")',
}

_TASK = "lrdecay.lab.claims.tasks.tasks.cells:cell"
_PLAIN = "lrdecay.tasks.quadratic:quadratic"
_CHANCE = 0.1


@frozen
class Cell:
    """A task with an architecture.

    Attributes:
        arguments: of the task function.
        task: that function.
        peaks: that are tried for every decay.
        metric: that decides, held out.
        smaller: whether less of it is better.
    """

    arguments: Mapping[str, Any]
    task: str = _TASK
    peaks: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    metric: str = "accuracy"
    smaller: bool = False


def _on_a_quadratic(sigma: float) -> Cell:
    return Cell({"sigma": sigma}, _PLAIN, (0.1, 0.3, 0.6, 1.2, 1.9), "loss", smaller=True)


CELLS: Mapping[str, Cell] = {
    "signals, convolutions": Cell({"data": "signals", "network": "convolutions"}),
    "signals, units": Cell({"data": "signals", "network": "units"}),
    "digits, units": Cell({"data": "digits", "network": "units"}),
    "quadratic with noise": _on_a_quadratic(0.3),
    "quadratic without noise": _on_a_quadratic(0.0),
}

PAIRS: Mapping[str, tuple[str, str]] = {
    "regret of another architecture": ("signals, convolutions", "signals, units"),
    "regret of another task": ("signals, units", "digits, units"),
    "regret of both": ("signals, convolutions", "digits, units"),
    "regret of another order": ("signals, convolutions", "signals, convolutions, another order"),
    "regret of noise": ("quadratic with noise", "quadratic without noise"),
}


@frozen
class Scale:
    """What is trained: samples, epochs, updates on quadratics, and pilots."""

    images: int
    epochs: float
    steps: int
    peaks: int
    pilots: tuple[int, ...]


SCALES: Mapping[str, Scale] = {
    "smoke": Scale(200, 5, 100, 2, (100,)),
    "small": Scale(1000, 20, 300, 5, (100, 101, 102)),
    "full": Scale(4000, 60, 1000, 5, (100, 101, 102)),
}


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Choose every decay's peak in every cell on pilots, then run them all."""
    size = SCALES[scale]
    chosen = {name: _tuned(lab, name, cell, size) for name, cell in CELLS.items()}
    arms = [_final(t.arm, CELLS[name]) for name, found in chosen.items() for t in found.values()]
    first = [arm for arm in arms if arm.name.startswith("signals, convolutions / ")]
    again = [
        evolve(a, name=a.name.replace(" / ", ", another order / "), arguments={**a.arguments, "order": 1})
        for a in first
    ]
    runs = lab.run([*arms, *again], seeds, "cells")
    table = {name: _scores(runs, name, cell) for name, cell in CELLS.items()}
    other = f"{next(iter(CELLS))}, another order"
    table[other] = _scores(runs, other, next(iter(CELLS.values())))
    return Evidence(
        values_of(table), arms=runs.rows(), notes=(*_peaks(chosen), *(_told(*row) for row in table.items()))
    )


def values_of(table: Mapping[str, Mapping[str, FloatArray]]) -> dict[str, list[float]]:
    """Every pair's regret, one value a seed; table is cell -> decay -> score of each seed."""
    return {name: pair_regret(table[one], table[other]) for name, (one, other) in PAIRS.items()}


def _tuned(lab: Laboratory, name: str, cell: Cell, size: Scale) -> Mapping[str, Tuned]:
    if cell.task == _TASK:
        own = {**cell.arguments, "images": size.images, "split": "validation"}
        arms = [Arm(f"{name} / {d}", cell.task, s, own, epochs=size.epochs, evaluations=4) for d, s in DECAYS.items()]
    else:
        arms = [
            Arm(f"{name} / {d}", cell.task, s, cell.arguments, steps=size.steps, evaluations=4)
            for d, s in DECAYS.items()
        ]
    few = cell.peaks[1:][: size.peaks] if size.peaks < len(cell.peaks) else cell.peaks
    return tuned(lab, arms, few, size.pilots, cell.metric, smaller=cell.smaller)


def _final(arm: Arm, cell: Cell) -> Arm:
    return evolve(arm, arguments={**arm.arguments, "split": "test"}) if cell.task == _TASK else arm


def _again(arm: Arm) -> Arm:
    """An arm in another data order."""
    name = arm.name.replace(" / ", ", another order / ")
    return evolve(arm, name=name, arguments={**arm.arguments, "order": 1})


def _scores(runs: Runs, name: str, cell: Cell) -> dict[str, FloatArray]:
    """Decay -> score of each seed: accuracy, of a run that diverged chance; or minus the log of the loss."""
    ends = {decay: runs.end(f"{name} / {decay}", cell.metric) for decay in DECAYS}
    if cell.smaller:
        return {decay: -np.log(np.nan_to_num(end, nan=math.e**10)) for decay, end in ends.items()}
    return {decay: np.nan_to_num(end, nan=_CHANCE) for decay, end in ends.items()}


def _peaks(chosen: Mapping[str, Mapping[str, Tuned]]) -> list[str]:
    return [
        f"Peaks chosen on pilots, {name}: "
        + ", ".join(f"{arm.rpartition(' / ')[2]} {t.peak:g}{t.edge}" for arm, t in found.items())
        + "."
        for name, found in chosen.items()
    ]


def _told(name: str, scores: Mapping[str, FloatArray]) -> str:
    means = ", ".join(f"{decay} {values.mean():.4f}" for decay, values in scores.items())
    return f"Mean scores, {name}: {means}; the best: {best(scores)}."
