"""What a worker does for `verbs.short_runs`: make a short run, or the branches of a trunk, and score them.

A task's trunk is a snapshot in memory. A script's is a checkpoint of its own, saved where the rates part
(`runs.script_source`), and what the trunk logged counts for every branch; a branch goes on as the run apart would if
the script's checkpoint holds all of its state.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from lrdecay.errors import RunError
from lrdecay.rangetest.whole import WholeRun
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunResult, RunSpec, final_score
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import Goal
from lrdecay.sweep.worker import report

__all__ = ["By", "Scored", "agree", "looked_at", "scores_of"]

By = tuple[str, Goal] | None
"""A metric to score by and its goal; None: none was asked for."""


@frozen
class Scored:
    """What came of a short run."""

    metric: str
    goal: Goal
    score: float  # smaller is better; nan where it diverged
    steps: int  # updates made for it


def agree(runs: Sequence[RunSpec]) -> int:
    """How many updates have the same values, bit for bit, in all runs."""
    tables = np.stack([np.stack([*run.table().values()]) for run in runs])
    apart = np.flatnonzero((tables != tables[0]).any(axis=(0, 1)))
    return int(apart[0]) if apart.size else runs[0].steps


def scores_of(runs: Sequence[RunSpec], by: By = None) -> list[Scored]:
    """In a worker: one run, or the branches of a trunk."""
    return [_alone(runs[0], by)] if len(runs) == 1 else _branches(runs, by)


def _alone(run: RunSpec, by: By = None) -> Scored:
    """One run from its start to its end.

    Raises:
        RunError: a script failed.
        InputError: what it is to be scored by was not measured.
    """
    result = _executed(run)
    report(result.steps)
    return _of_result(run, result, by)


def _of_result(run: RunSpec, result: RunResult, by: By) -> Scored:
    if result.diverged is not None:
        return _diverged(result.metric, result.goal, result.steps, by)
    return _scored(result.metrics, result.metric, result.goal, result.steps, by, run.source.label)


def _executed(run: RunSpec) -> RunResult:
    return _heard(run.source.execute(run, lambda _done, _loss: None))


def _heard(result: RunResult) -> RunResult:
    """The result, if a script did not fail."""
    if result.failure is not None:
        raise RunError(result.failure)
    return result


def looked_at(run: RunSpec, peak: float, name: str) -> WholeRun:
    """In a worker: a full run and the looks at its held-out loss.

    Raises:
        RunError: a script failed.
        InputError: the loss was not measured.
    """
    result = _executed(run)
    report(result.steps)
    column = "heldout_loss" if name == "loss" else name  # of a trace, whose "loss" is the training loss
    at, seen = result.trace.measured(column)
    at, seen = at[np.isfinite(seen)], seen[np.isfinite(seen)]
    score = math.nan if result.diverged is not None else final_score(result.metrics, name, run.source.label)
    looks = [*zip(seen.tolist(), at.tolist(), strict=True)] + ([(score, run.steps)] if math.isfinite(score) else [])
    lowest, when = min(looks) if looks else (math.nan, None)
    return WholeRun(peak, score if math.isfinite(score) else math.nan, lowest, when, result.steps)


def _branches(runs: Sequence[RunSpec], by: By = None) -> list[Scored]:
    """Train what the runs share once, and each on from there.

    Raises:
        RunError: a script failed.
        InputError: what they are to be scored by was not measured.
    """
    source, shared = runs[0].source, min(agree(runs), runs[0].steps - 1)
    if isinstance(source, TaskSource):
        return _of_task(source, runs, shared, by)
    if isinstance(source, ScriptSource):
        return _of_script(source, runs, shared, by)
    msg = f"`find(schedule=...)` must be given a task or a script to fork runs, got {source.label!r}."
    raise RunError(msg)


def _of_task(source: TaskSource, runs: Sequence[RunSpec], shared: int, by: By) -> list[Scored]:
    trunk = source.build(runs[0].seed)
    before = trunk.advance(runs[0].table(0, shared))["loss"]
    fork = trunk.snapshot()
    found: list[Scored] = []
    for i, run in enumerate(runs):
        trunk.restore(fork)
        losses = np.append(before, trunk.advance(run.table(shared))["loss"])
        made = run.steps - (shared if i else 0)
        scored = _scored(trunk.evaluate(), trunk.metric, trunk.goal, made, by, source.label)
        report(scored.steps)
        found.append(scored if np.isfinite(losses).all() else evolve(scored, score=math.nan))
    return found


def _of_script(source: ScriptSource, runs: Sequence[RunSpec], shared: int, by: By) -> list[Scored]:
    with tempfile.TemporaryDirectory(prefix="lrdecay-") as folder:
        path = Path(folder, "checkpoint")
        trunk = _heard(source.run_orders(runs[0], Orders(stop=shared, save=path), lambda _done, _loss: None))
        report(trunk.steps)
        if trunk.diverged is not None:  # before the rates part: it was never saved
            lost = _diverged(trunk.metric, trunk.goal, trunk.steps, by)
            return [lost, *[evolve(lost, steps=0)] * (len(runs) - 1)]
        found = []
        for i, run in enumerate(runs):
            told = Orders(load=path)
            result = _heard(source.run_orders(run, told, lambda _done, _loss: None, before=trunk.trace))
            report(result.steps - shared)
            found.append(evolve(_of_result(run, result, by), steps=result.steps - (shared if i else 0)))
    return found


def _scored(metrics: Mapping[str, float], metric: str, goal: Goal, steps: int, by: By, label: str) -> Scored:
    """By what was asked for; else by the held-out loss where there is one, else by the metric; nan: not finite."""
    name, goal = by or (("loss", "min") if "loss" in metrics else (metric, goal))
    score = (1.0 if goal == "min" else -1.0) * final_score(metrics, name, label)
    return Scored(name, goal, score if math.isfinite(score) else math.nan, steps)


def _diverged(metric: str, goal: Goal, steps: int, by: By) -> Scored:
    name, goal = by or (metric, goal)
    return Scored(name, goal, math.nan, steps)
