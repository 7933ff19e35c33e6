"""What the scores and curves of a table say beyond the ranking: who may be the best, and what it saves in updates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lrdecay.runs.protocol import finite
from lrdecay.runs.spec import RunResult
from lrdecay.runs.trainable import Goal
from lrdecay.stats.best import probability_best
from lrdecay.stats.intervals import FloatArray
from lrdecay.stats.racing import contenders
from lrdecay.stats.steps_saved import StepsSaved, steps_saved

__all__ = ["Evidence", "curves_of", "evidence", "heldout_column"]


@frozen(eq=False)
class Evidence:
    """By spec; a spec that is missing has no such number."""

    p_best: Mapping[str, float]  # probability that its true mean is the best; empty where the spread is unknown
    contenders: tuple[str, ...]  # a 95% confidence set for the best
    saved: Mapping[str, StepsSaved]  # updates in which the best row reaches this row's final value

    def to_json(self, spec: str) -> dict[str, Any]:
        """``p_best, could_be_best, steps_saved`` of one row, with null for what is not known."""
        return {
            "p_best": self.p_best.get(spec),
            "could_be_best": spec in self.contenders,
            "steps_saved": None if spec not in self.saved else _saved_json(self.saved[spec]),
        }


def _saved_json(saved: StepsSaved) -> dict[str, Any]:
    interval = saved.ratio_interval
    return {
        "updates": saved.updates,
        "of": saved.of,
        "ratio": saved.ratio,
        "ratio_interval": None if interval is None else [finite(interval.lo), finite(interval.hi)],
        "reached": saved.reached,
        "per_seed": list(saved.per_seed),
    }


def heldout_column(metric: str) -> str:
    """What a trace calls the held-out metric: its own name, but for the loss."""
    return "heldout_loss" if metric == "loss" else metric


def curves_of(results: Sequence[RunResult], metric: str) -> list[tuple[NDArray[np.int64], FloatArray]]:
    """The held-out learning curve of each run: updates made, and the metric."""
    return [r.trace.measured(heldout_column(metric)) for r in results]


def evidence(
    runs: Mapping[str, Sequence[RunResult]],
    best: str | None,
    goal: Goal,
    resolution: float,
    fewer: Mapping[str, Sequence[RunResult]] = MappingProxyType({}),
) -> Evidence:
    """The evidence of a table.

    Args:
        runs: spec -> results, the same seeds in the same order for each.
        best: the spec with the best mean; None if every row diverged.
        goal: of the metric.
        resolution: smallest step of the metric.
        fewer: spec -> results on the first of these seeds only: what a race dropped. Of those, only the updates saved.
    """
    higher = goal == "max"
    scores = {spec: [r.score for r in results] for spec, results in runs.items()}
    chances = probability_best(scores, higher_is_better=higher, resolution=resolution)
    saved = {}
    for spec, results in (*runs.items(), *fewer.items()):
        if best is not None and spec != best and not any(math.isnan(r.score) for r in results):
            found = _saved(runs[best][: len(results)], results, higher=higher, resolution=resolution)
            if found is not None:
                saved[spec] = found
    return Evidence(chances or {}, contenders(scores, higher_is_better=higher, resolution=resolution), saved)


def _saved(
    ours: Sequence[RunResult], theirs: Sequence[RunResult], *, higher: bool, resolution: float
) -> StepsSaved | None:
    """None where the curves cannot say: fewer than two marks in common, or ends that were not measured alike."""
    ours_curves, their_curves = curves_of(ours, ours[0].metric), curves_of(theirs, theirs[0].metric)
    ends = {int(marks[-1]) if len(marks) else None for marks, _ in their_curves}
    common = set.intersection(*(set(marks.tolist()) for marks, _ in ours_curves))
    if len(common) < 2 or None in ends or len(ends) != 1:
        return None
    return steps_saved(ours_curves, their_curves, higher_is_better=higher, resolution=resolution)
