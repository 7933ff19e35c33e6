"""Short runs of a schedule at several peaks, on the same seeds, through the pool: the legwork of `find(schedule=...)`.

All candidates of a repeat have one seed: the same initial weights, the same order of data, and the same held-out set to
be scored on. Where their rates agree at first (a warmup that does not move with the peak), a task's candidates are
forked from one trunk; a script's are run apart, each in a process of its own.

Scores are of the metric that was asked for. Where none was, they are the held-out loss if the task measures it, since
it is smoother on short runs than an accuracy; else what the run is judged by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import define, evolve, frozen

from lrdecay.errors import RunError
from lrdecay.rangetest.extrapolation import rung_of
from lrdecay.rangetest.whole import LOOKS, LOWER, Whole, WholeRun, lower_peaks
from lrdecay.runs.spec import Probe, RunResult, RunSpec, Source, final_score
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import FloatArray, Goal
from lrdecay.schedule import Horizon, Schedule, at_peak, rescale
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.worker import report

__all__ = ["ShortRuns", "compressed"]

By = tuple[str, Goal] | None
"""A metric to score by and its goal; None: none was asked for."""


@frozen
class _Scored:
    """What came of a short run."""

    metric: str
    goal: Goal
    score: float  # smaller is better; nan where it diverged
    steps: int  # updates made for it


@define(eq=False)
class ShortRuns:
    """Short runs of one schedule, and a count of what they cost."""

    pool: LocalPool
    source: Source
    probe: Probe
    spec: Spec
    horizon: Horizon  # of the full run
    seeds: tuple[int, ...]
    by: By = None  # the metric that was asked for
    metric: str = ""  # of the scores
    goal: Goal = "min"  # of that metric; the scores are smaller is better
    steps_used: int = 0  # updates made
    shared_steps: int = 0  # updates that the candidates made last have in common from the start

    def scores(self, steps: int, peaks: tuple[float, ...], grows: int) -> dict[float, tuple[float, ...]]:
        """Peak -> scores of the seeds at one length, smaller is better; grown past an edge at most ``grows`` times."""
        scores: dict[float, tuple[float, ...]] = {}
        wanted = peaks
        for left in range(grows, -1, -1):
            scores |= self._made(steps, wanted)
            rung = rung_of(steps, scores)
            if not left or (rung is not None and rung.at_edge is None):
                break
            tried = sorted(scores)
            factor = tried[1] / tried[0]
            wanted = (tried[0] / factor if rung is None or rung.at_edge == "lowest" else tried[-1] * factor,)
        return scores

    def _made(self, steps: int, peaks: tuple[float, ...]) -> dict[float, tuple[float, ...]]:
        """All candidates on all seeds: a call each, or one per seed where a trunk is shared."""
        runs = [[self._run(steps, peak, seed) for peak in peaks] for seed in self.seeds]
        shared = 0
        if len(peaks) > 1:
            shared = self.shared_steps = _agree(runs[0])
        together = shared > 0 and isinstance(self.source, TaskSource)
        calls = runs if together else [[run] for row in runs for run in row]
        found = dict(self.pool.each(_scores, [(call, self.by) for call in calls]))
        flat = [scored for i in range(len(calls)) for scored in found[i]]
        said = next((scored for scored in flat if math.isfinite(scored.score)), flat[0])
        self.metric, self.goal = said.metric, said.goal
        self.steps_used += sum(scored.steps for scored in flat)
        n = len(peaks)
        return {peak: tuple(flat[k * n + i].score for k in range(len(self.seeds))) for i, peak in enumerate(peaks)}

    @property
    def loss(self) -> str | None:
        """What `whole` is to watch: the loss that is to be small at the end, once short runs were made; else None.

        That is what was asked for, or else what the run is judged by. A script's own "loss" is of its training data.
        """
        judged = self.by
        if judged is None and isinstance(self.source, TaskSource) and self.probe.metric and self.probe.goal:
            judged = self.probe.metric, self.probe.goal
        name, goal = judged or (self.metric, self.goal)
        return name if goal == "min" and (name != "loss" or isinstance(self.source, TaskSource)) else None

    def whole(self, peak: float) -> Whole | None:
        """Full runs at a peak and, where it overfits, at lower ones, on the first seed; None: no loss to watch.

        Raises:
            RunError: a script failed.
            InputError: the loss was not measured.
        """
        if (name := self.loss) is None:
            return None
        self.pool.watch.begin("at full length", self.horizon.steps)
        runs = self._whole((peak,), name)
        if runs[0].rises:
            self.pool.watch.begin("at full length, lower peaks", self.horizon.steps * len(LOWER))
            runs += self._whole(lower_peaks(peak), name)
        return Whole(name, runs)

    def _whole(self, peaks: Sequence[float], name: str) -> tuple[WholeRun, ...]:
        runs = [self._run(self.horizon.steps, peak, self.seeds[0]) for peak in peaks]
        calls = [(evolve(run, evaluations=LOOKS), peak, name) for run, peak in zip(runs, peaks, strict=True)]
        found = dict(self.pool.each(_looked_at, calls))
        self.steps_used += sum(run.steps for run in found.values())
        return tuple(found[i] for i in range(len(peaks)))

    def _run(self, steps: int, peak: float, seed: int) -> RunSpec:
        """The schedule at a peak, compressed; measured once, at its end."""
        rates, small = compressed(self.spec, self.horizon, steps, peak)
        short, probe = self.horizon.lasting(steps=steps), self.probe
        return RunSpec(self.source, seed, repr(small), short, rates, probe.metric, probe.goal, evaluations=1)


def compressed(spec: Spec, horizon: Horizon, steps: int, peak: float) -> tuple[FloatArray, Schedule]:
    """The rates of a schedule at a peak on a shorter run, shape (steps,), and its notation there.

    Raises:
        InputError: the peak falls below a floor, or a part has no room.
    """
    small = rescale(at_peak(spec.schedule, peak, horizon), round(steps / horizon.steps, 6))
    return small.bind(horizon.lasting(steps=steps)).values(), small


def _agree(runs: Sequence[RunSpec]) -> int:
    """How many updates have the same rate, bit for bit, in all runs."""
    tables = np.stack([run.rates for run in runs])
    apart = np.flatnonzero((tables != tables[0]).any(axis=0))
    return int(apart[0]) if apart.size else len(tables[0])


def _scores(runs: Sequence[RunSpec], by: By = None) -> list[_Scored]:
    """In a worker: one run, or the branches of a trunk."""
    return [_alone(runs[0], by)] if len(runs) == 1 else _branches(runs, by)


def _alone(run: RunSpec, by: By = None) -> _Scored:
    """One run from its start to its end.

    Raises:
        RunError: a script failed.
        InputError: what it is to be scored by was not measured.
    """
    result = _executed(run)
    report(result.steps)
    if result.diverged is not None:
        return _diverged(result.metric, result.goal, result.steps, by)
    return _scored(result.metrics, result.metric, result.goal, result.steps, by, run.source.label)


def _executed(run: RunSpec) -> RunResult:
    result = run.source.execute(run, lambda _done, _loss: None)
    if result.failure is not None:
        raise RunError(result.failure)
    return result


def _looked_at(run: RunSpec, peak: float, name: str) -> WholeRun:
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


def _branches(runs: Sequence[RunSpec], by: By = None) -> list[_Scored]:
    """Train what the runs share once, and each on from there.

    Raises:
        RunError: the source is a script, whose state is its own.
        InputError: what they are to be scored by was not measured.
    """
    source = runs[0].source
    if not isinstance(source, TaskSource):
        msg = f"`find(schedule=...)` must be given a task to fork runs, got {source.label!r}."
        raise RunError(msg)
    shared = min(_agree(runs), runs[0].steps - 1)
    trunk = source.build(runs[0].seed)
    before = trunk.advance({"lr": runs[0].rates[:shared]})["loss"]
    fork = trunk.snapshot()
    found: list[_Scored] = []
    for i, run in enumerate(runs):
        trunk.restore(fork)
        losses = np.append(before, trunk.advance({"lr": run.rates[shared:]})["loss"])
        made = run.steps - (shared if i else 0)
        scored = _scored(trunk.evaluate(), trunk.metric, trunk.goal, made, by, source.label)
        report(scored.steps)
        found.append(scored if np.isfinite(losses).all() else evolve(scored, score=math.nan))
    return found


def _scored(metrics: Mapping[str, float], metric: str, goal: Goal, steps: int, by: By, label: str) -> _Scored:
    """By what was asked for; else by the held-out loss where there is one, else by the metric; nan: not finite."""
    name, goal = by or (("loss", "min") if "loss" in metrics else (metric, goal))
    score = (1.0 if goal == "min" else -1.0) * final_score(metrics, name, label)
    return _Scored(name, goal, score if math.isfinite(score) else math.nan, steps)


def _diverged(metric: str, goal: Goal, steps: int, by: By) -> _Scored:
    name, goal = by or (metric, goal)
    return _Scored(name, goal, math.nan, steps)
