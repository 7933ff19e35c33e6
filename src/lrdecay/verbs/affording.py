"""Whether a study keeps within its budget, asked before it begins; a short timed run says how long an update takes.

The estimate is of every run made apart, with the fewest peaks that are tried: what runs share is a reserve, and a grid
of peaks that grows goes over it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon
from lrdecay.sweep.pilots import FIRST_PILOT_SEED
from lrdecay.sweep.pool import LocalPool
from lrdecay.verbs.budget import Budget, affordable
from lrdecay.verbs.varied import Arm

__all__ = ["Pace", "Work", "check_budget", "pace_of"]

_SHORT, _LONG = 20, 60  # updates of the runs that are timed


@frozen
class Work:
    """Runs of one length on one arm."""

    arm: Arm
    horizon: Horizon
    runs: int

    @property
    def steps(self) -> int:
        """Updates of all of them."""
        return self.runs * self.horizon.steps


@frozen
class Pace:
    """How long an arm's runs take in one process: seconds of wall time."""

    per_step: float  # an update
    per_run: float  # what a run costs besides: its evaluations, a script's start

    def seconds_per_step(self, horizon: Horizon) -> float:
        """Of a run of this length, everything shared out over its updates."""
        return self.per_step + self.per_run / horizon.steps


def pace_of(pool: LocalPool, arm: Arm) -> Pace:
    """Measured on three short runs with a rate of nearly nothing, the first of which only warms up."""
    short, long = min(_SHORT, arm.probe.horizon.steps), min(_LONG, 3 * arm.probe.horizon.steps)
    seconds = [pool.call(_seconds, _timed(arm, steps)) for steps in (short, short, long)]
    per_step = max(seconds[2] - seconds[1], 0.0) / (long - short)
    return Pace(per_step, max(seconds[1] - short * per_step, 0.0))


def check_budget(pool: LocalPool, budget: Budget, works: Sequence[Work]) -> None:
    """Refuse a study that does not keep within its budget; nothing but the timed runs was trained.

    Raises:
        InputError: it does not, or the horizon does not say what the budget's unit is.
    """
    runs, steps = sum(w.runs for w in works), sum(w.steps for w in works)
    paces: dict[Arm, Pace] = {}
    if budget.seconds is not None:
        paces = {arm: pace_of(pool, arm) for arm in dict.fromkeys(w.arm for w in works)}
    share = 0.0
    for w in works:
        each = paces[w.arm].seconds_per_step(w.horizon) / min(pool.workers, runs) if paces else 0.0
        share += affordable(w.steps, max(each, 1e-12), budget, w.horizon).share
    if share > 1:
        cure = "Fewer --seeds or --pilots, fewer schedules or variants, shorter runs; or a larger --budget."
        fit = math.floor(runs / share)
        msg = (
            f"`--budget {budget}` must cover the study, got {runs} runs of {steps} updates together, {share:.2g} times"
        )
        msg += f" the budget; about {fit} of the runs fit. {cure}"
        raise InputError(msg)


def _timed(arm: Arm, steps: int) -> RunSpec:
    horizon = arm.probe.horizon.lasting(steps=steps)
    rates = np.full(steps, 1e-9)
    return RunSpec(arm.source, FIRST_PILOT_SEED, "constant(1e-9)", horizon, rates, arm.probe.metric, arm.probe.goal)


def _seconds(spec: RunSpec) -> float:
    """In a worker: how long a run takes."""
    return spec.source.execute(spec, lambda _done, _loss: None).seconds
