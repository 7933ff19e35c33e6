"""Full runs on a grid of peaks: what each cell's best peak is, and what any other peak scores."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

import numpy as np
from bench.rangetest.journal import Journal, Measurement
from bench.rangetest.protocol import (
    CHANCE,
    FIRST_K,
    GRID_SEEDS,
    LAST_K,
    SCORING_SEEDS,
    START_K,
    Cell,
    arguments,
    cells,
    peak_of,
)
from bench.rangetest.scoring import better_at_edge, filled

from lrdecay import at_peak, parse
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.trainable import FloatArray
from lrdecay.verbs.sources import source_of

__all__ = ["finished", "grid_of", "metrics_of", "score_table", "truth"]

SEEDS = (*GRID_SEEDS, *SCORING_SEEDS)


def metrics_of(task: str) -> tuple[str, ...]:
    """The task's metric first, then the loss where that is another."""
    return ("loss",) if task == "chars" else ("accuracy", "loss")


def truth(to: Measurement, length: int, *, constant: bool) -> None:
    """Train the cells of a length: the decayed ones, or those of a constant rate, made at 4x and read at both."""
    for cell in cells(length):
        if to.wants(cell.task, cell.optimizer) and constant == (cell.schedule == "constant"):
            _cell(to, cell)


def _cell(to: Measurement, cell: Cell) -> None:
    began, journal = time.perf_counter(), to.journal
    read_at = _read_at(cell)
    wanted = list(START_K)
    while wanted:
        missing = [(k, s) for k in wanted for s in SEEDS if ("truth", *read_at[-1], k, s) not in journal]
        if missing:
            _train(to, cell, read_at, missing)
        wanted = _growth(journal, read_at)
    grid = grid_of(journal, cell)
    sys.stderr.write(
        f"{time.perf_counter() - began:5.0f} s  truth {' '.join(map(str, cell))}: k {grid[0]}..{grid[-1]}\n"
    )


def _read_at(cell: Cell) -> list[Cell]:
    """The cells that one set of runs is read for, shorter first."""
    return [cell._replace(length=1), cell._replace(length=4)] if cell.schedule == "constant" else [cell]


def finished(journal: Journal, cell: Cell) -> bool:
    """Whether the grid is there and grows no more."""
    read_at = _read_at(cell)
    return all(set(START_K) <= set(grid_of(journal, c)) for c in read_at) and not _growth(journal, read_at)


def _growth(journal: Journal, read_at: list[Cell]) -> list[int]:
    """Points beyond the edges at which the best mean of any score stands."""
    grid, wanted = grid_of(journal, read_at[0]), set()
    for cell in read_at:
        for metric in metrics_of(cell.task):
            mean = score_table(journal, cell, metric)[:, : len(GRID_SEEDS)].mean(axis=1)
            edge = better_at_edge(mean, largest=metric == "accuracy")
            wanted |= {grid[0] - 1} if edge == "lowest" else {grid[-1] + 1} if edge == "highest" else set()
    return sorted(k for k in wanted if FIRST_K <= k <= LAST_K)


def _train(to: Measurement, cell: Cell, read_at: list[Cell], missing: list[tuple[int, int]]) -> None:
    """Make the runs that are missing and write them down as they come."""
    longest = read_at[-1]
    source = source_of(cell.task, arguments=arguments(cell.task, cell.optimizer, longest.length, to.directory))
    horizon = to.pool.call(source.probe, None, None).horizon
    specs = []
    for k, seed in missing:
        moved = at_peak(parse(f"{cell.schedule}(peak)"), peak_of(cell.optimizer, k))
        rates = moved.bind(horizon).values()
        metric = metrics_of(cell.task)[0]
        goal = "max" if metric == "accuracy" else "min"
        specs.append(RunSpec(source, seed, repr(moved), horizon, rates, metric, goal, 4 if len(read_at) > 1 else 1))
    for i, result in to.pool.run(specs):
        k, seed = missing[i]
        for at in read_at:
            steps = math.floor(horizon.steps * at.length / longest.length + 0.5)  # as it is evaluated
            row = {**_scores(result, steps), "seconds": result.seconds, "steps": steps}
            to.journal.add(("truth", *at, k, seed), row)


def _scores(result: RunResult, steps: int) -> dict[str, Any]:
    """Held-out metrics after so many updates; null where the run had diverged."""
    found: dict[str, Any] = {}
    for name, column in result.trace.metrics.items():
        value = float(column[steps - 1]) if len(column) >= steps else math.nan
        found[name.removeprefix("heldout_")] = value if math.isfinite(value) else None
    return found


def grid_of(journal: Journal, cell: Cell) -> list[int]:
    """The points at which every seed was trained."""
    made = journal.of("truth", *cell)
    return sorted(k for k in {k for k, _ in made} if all((k, s) in made for s in SEEDS))


def score_table(journal: Journal, cell: Cell, metric: str) -> FloatArray:
    """Scores, shape (points, seeds), grid seeds first; diverged runs filled in as the protocol says."""
    made = journal.of("truth", *cell)
    rows = [[made[k, s].get(metric) for s in SEEDS] for k in grid_of(journal, cell)]
    table = np.array([[math.nan if v is None else v for v in row] for row in rows], dtype=np.float64)
    return filled(table, CHANCE[cell.task][metric], largest=metric == "accuracy")
