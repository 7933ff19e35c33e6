"""Short runs of a schedule at several peaks, on the same seeds, through the pool: the legwork of `find(schedule=...)`.

All candidates of a repeat have one seed: the same initial weights, the same order of data, and the same held-out set to
be scored on. Where their rates agree at first (a warmup that does not move with the peak), they are forked from one
trunk: a task's always; a script's where it can save and load, and where that spares half a run or more, since a trunk
is one more process. Otherwise each run of a script is a process of its own. `verbs.scored_runs` makes the runs.

Scores are of the metric that was asked for. Where none was, they are the held-out loss if the task measures it, since
it is smoother on short runs than an accuracy; else what the run is judged by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import define, evolve

from lrdecay.rangetest.extrapolation import rung_of
from lrdecay.rangetest.whole import LOOKS, LOWER, Whole, WholeRun, lower_peaks
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, RunSpec, Source
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import FloatArray, Goal
from lrdecay.schedule import Horizon, Schedule, at_peak, rescale
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pools import Pool
from lrdecay.verbs.scored_runs import By, agree, looked_at, scores_of

__all__ = ["ShortRuns", "compressed"]


@define(eq=False)
class ShortRuns:
    """Short runs of one schedule, and a count of what they cost."""

    pool: Pool
    source: Source
    probe: Probe
    spec: Spec
    horizon: Horizon  # of the full run
    seeds: tuple[int, ...]
    by: By = None  # the metric that was asked for
    weight_decay: float | None = None  # at full length, where its product with rate and length is held; else None
    metric: str = ""  # of the scores
    goal: Goal = "min"  # of that metric; the scores are smaller is better
    steps_used: int = 0  # updates made
    shared_steps: int = 0  # updates that the candidates made last have in common from the start
    forked: bool = False  # whether runs went on from a trunk
    _forks: bool | None = None  # whether the source can fork; None: not asked yet

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
            shared = self.shared_steps = agree(runs[0])
        together = shared > 0 and self._can_fork((len(peaks) - 1) * shared, steps)
        self.forked = self.forked or together
        calls = runs if together else [[run] for row in runs for run in row]
        found = dict(self.pool.each(scores_of, [(call, self.by) for call in calls]))
        flat = [scored for i in range(len(calls)) for scored in found[i]]
        said = next((scored for scored in flat if math.isfinite(scored.score)), flat[0])
        self.metric, self.goal = said.metric, said.goal
        self.steps_used += sum(scored.steps for scored in flat)
        n = len(peaks)
        return {peak: tuple(flat[k * n + i].score for k in range(len(self.seeds))) for i, peak in enumerate(peaks)}

    def _can_fork(self, spared: int, steps: int) -> bool:
        """Whether runs of so many steps are to be forked, which spares that many updates on each seed."""
        if isinstance(self.source, ScriptSource) and 2 * spared >= steps and self._forks is None:
            self._forks = self.pool.call(self.source.forks)
        return isinstance(self.source, TaskSource) or (2 * spared >= steps and bool(self._forks))

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
        found = dict(self.pool.each(looked_at, calls))
        self.steps_used += sum(run.steps for run in found.values())
        return tuple(found[i] for i in range(len(peaks)))

    def _run(self, steps: int, peak: float, seed: int) -> RunSpec:
        """The schedule at a peak, compressed; measured once, at its end."""
        rates, small = compressed(self.spec, self.horizon, steps, peak)
        short, probe = self.horizon.lasting(steps=steps), self.probe
        values = {}
        if self.weight_decay is not None and steps != self.horizon.steps:
            values = {"weight_decay": np.full(steps, self.weight_decay * self.horizon.steps / steps)}
        return RunSpec(
            self.source, seed, repr(small), short, rates, probe.metric, probe.goal, evaluations=1, values=values
        )


def compressed(spec: Spec, horizon: Horizon, steps: int, peak: float) -> tuple[FloatArray, Schedule]:
    """The rates of a schedule at a peak on a shorter run, shape (steps,), and its notation there.

    Raises:
        InputError: the peak falls below a floor, or a part has no room.
    """
    small = rescale(at_peak(spec.schedule, peak, horizon), round(steps / horizon.steps, 6))
    return small.bind(horizon.lasting(steps=steps)).values(), small
