"""The second stage of `find`: the peak for a schedule that is known, from compressed versions of it.

Candidate peaks are tried on short runs of the schedule itself, at three lengths, halving as they grow
(`rangetest.compressed`), and the law through the best peak of each length gives the full run's
(`rangetest.extrapolation`). Where a loss is to be small, that peak is tried at full length, since short runs cannot see
overfitting (`rangetest.whole`). `verbs.short_runs` makes the runs and says what they are scored by.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen

from lrdecay.errors import InputError, one_of, refusal
from lrdecay.rangetest.compressed import COUNTS, GROWTH, Design, around, design, first_candidates
from lrdecay.rangetest.extrapolation import Law, Rung, law_of, rung_of
from lrdecay.rangetest.repeatability import WIDEST, width
from lrdecay.rangetest.whole import Whole
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, Source
from lrdecay.schedule import Horizon, Schedule
from lrdecay.schedule.notation import Spec
from lrdecay.stats.intervals import Interval
from lrdecay.sweep.pools import Pool
from lrdecay.verbs.scored_runs import By
from lrdecay.verbs.short_runs import ShortRuns, compressed
from lrdecay.verbs.show import horizon_of, spec_of

__all__ = ["HOLDS", "ScheduleFinding", "check_schedule", "held_decay", "judged_by", "search_schedule"]

_BARE = re.compile(r"\s*(\w+)\s*((?:@.*)?)")  # a family's name, and the horizon it may carry
_FIRST_SEED = 30_000  # apart from pilots, range tests and scores

_FAR = 1e6  # a peak above any floor, to see whether a schedule has room
_HELD = "weight decay held as the task sets it, so learning rate x weight decay x steps shrinks with the length"
_SHRUNK = "learning rate x weight decay x steps held: weight decay {:.3g} at full length, more on short runs"

HOLDS = ("weight-decay", "shrinkage")
"""What is the same at every length: the weight decay, or learning rate x weight decay x steps of each candidate."""


@frozen(eq=False)
class ScheduleFinding:
    """The peak of one schedule at its full length, and the short runs it comes from."""

    spec: str
    plan: Design
    rungs: tuple[Rung, ...] = field(repr=False)  # lengths that were measured, shortest first
    law: Law | None  # None: the peaks of the lengths give none
    scored_by: str  # the metric of the short runs
    steps_used: int  # updates of the short runs, and of the full ones in `whole`
    shared_steps: int  # updates that candidates of the longest length have in common from the start
    why_not: str | None  # why there is no recommendation, and what to do
    held: str = _HELD  # what was the same at every length
    forked: bool = False  # whether candidates went on from a shared trunk
    whole: Whole | None = None  # full runs that tried the law's peak; None: no loss is to be small, or no law

    @property
    def suggestion(self) -> float | None:
        """The law's peak, or the best of the full runs where it overfits; None where there is no recommendation."""
        if self.law is None or self.why_not:
            return None
        return self.law.peak if self.whole is None else self.whole.peak

    @property
    def interval(self) -> Interval | None:
        """95%, of the extrapolated peak (see `rangetest.extrapolation`); None without one, or where it overfits."""
        if self.suggestion is None or self.law is None or (self.whole is not None and self.whole.overfits):
            return None
        return self.law.interval

    def to_json(self) -> dict[str, Any]:
        """The numbers of every length, the exponents, the extrapolated peak, and what was held."""
        law = {"exponent": None, "extrapolated": None, "interval": None} if self.law is None else self.law.to_json()
        return {
            "spec": self.spec,
            "steps": self.plan.full,
            "lengths": [r.steps for r in self.rungs],
            "peaks": [r.peak for r in self.rungs],
            "compression": self.plan.ratio,
            **law,
            "repeats": self.plan.repeats,
            "rungs": [r.to_json() for r in self.rungs],
            "scored_by": self.scored_by,
            "steps_used": self.steps_used,
            "full_runs_used": self.steps_used / self.plan.full,
            "shared_steps": self.shared_steps,
            "forked": self.forked,
            "held": self.held,
            "suggestion": self.suggestion,
            "full_length": None if self.whole is None else self.whole.to_json(),
            "why_not": self.why_not,
        }


def check_schedule(schedule: str | Schedule, probe: Probe, budget: float) -> tuple[Spec, Horizon, Design]:
    """The schedule, its full horizon and the design of the short runs, before anything is trained.

    Args:
        schedule: a value or the notation; ``"cosine"`` alone means ``cosine(peak)``. A peak it states is not used.
        probe: what the source says of itself.
        budget: see `design`.

    Raises:
        InputError: no such schedule, no room for it when compressed, or no design within the budget.
    """
    if isinstance(schedule, str) and (bare := _BARE.fullmatch(schedule)) is not None:
        schedule = f"{bare[1]}(peak){bare[2]}"
    spec = spec_of(schedule)
    horizon = horizon_of(spec, probe.horizon)
    plan = design(horizon.steps, budget)
    for steps in plan.lengths:
        compressed(spec, horizon, steps, _FAR)
    return spec, horizon, plan


def judged_by(metric: str, source: Source, probe: Probe) -> By:
    """What is to be best, and whether large or small, before anything is trained.

    Args:
        metric: "loss" or the task's own metric; of a script what `source` was told.
        source: what is trained.
        probe: what it says of itself.

    Raises:
        InputError: the task is known for another metric.
    """
    if isinstance(source, ScriptSource) and probe.metric is not None and probe.goal is not None:
        return probe.metric, probe.goal  # read from what the user named
    if metric == "loss":
        return "loss", "min"
    if probe.metric is None or probe.goal is None or metric != probe.metric:
        own = dict.fromkeys(["loss", *([] if probe.metric is None else [probe.metric])])
        raise InputError(refusal("find(metric=...)", f"must be {' or '.join(own)} for {source.label}", metric))
    return probe.metric, probe.goal


def held_decay(hold: str, source: Source, probe: Probe) -> float | None:
    """The weight decay at full length where its product with rate and length is to be held; None: it is left alone.

    Args:
        hold: "weight-decay", or "shrinkage": a candidate's weights shrink by exp(-rate x weight decay x steps) over a
            run, whatever its length. With decoupled decay (AdamW, SGD) that is what it does; with decay that is added
            to the gradient before Adam divides it, the same product is held and means less.
        source: what is trained.
        probe: what it says of itself.

    Raises:
        InputError: no such word; or the task does not obey "weight_decay", or has none.
    """
    one_of(HOLDS).check("find(hold=...)", hold)
    if hold == HOLDS[0]:
        return None
    if probe.weight_decay is None:
        cure = "A script sets its own." if isinstance(source, ScriptSource) else "Its weight decay is 0, or its own."
        rule = f'must be "{HOLDS[0]}" for {source.label}, which does not obey a weight decay'
        raise InputError(refusal("find(hold=...)", rule, hold, cure))
    return probe.weight_decay


def search_schedule(
    pool: Pool,
    source: Source,
    probe: Probe,
    schedule: str | Schedule,
    near: Interval,
    *,
    budget: float,
    seed: int = 0,
    by: By = None,
    hold: str = HOLDS[0],
) -> ScheduleFinding:
    """Find the peak of a schedule on a pool that is already there.

    Args:
        pool: where short runs are made, as many at a time as it has workers.
        source: what is trained.
        probe: what it says of itself.
        schedule: see `check_schedule`.
        near: where the range test places the peak.
        budget: full runs that the short ones may cost; growing past an edge comes on top.
        seed: which seeds the repeats use.
        by: what is to be best, and whether large or small; None: what the run is judged by, told on short runs from the
            held-out loss where the task measures one.
        hold: see `held_decay`.

    Raises:
        InputError: see `check_schedule` and `held_decay`; or that metric is not measured.
        RunError: a script failed.
    """
    spec, horizon, plan = check_schedule(schedule, probe, budget)
    decay = held_decay(hold, source, probe)
    seeds = tuple(range(_FIRST_SEED + seed, _FIRST_SEED + seed + plan.repeats))
    pool.watch.begin("short runs of the schedule", plan.cost)
    search = ShortRuns(pool, source, probe, spec, horizon, seeds, by, decay)
    peaks, why_not = first_candidates(near.lo, near.hi), None
    rungs: list[Rung] = []
    for steps, grows, fewer in zip(plan.lengths, GROWTH, (*COUNTS[1:], 0), strict=True):
        scores = search.scores(steps, peaks, grows)
        rung = rung_of(steps, scores)
        if rung is None:
            why_not = f"every candidate diverged at {steps} updates, down to {min(scores):.2g}; try `lrdecay compare`"
            break
        rungs.append(rung)
        if len(set(scores.values())) == 1:
            why_not = (
                f"every candidate scored alike at {steps} updates; measure at the end of a run, however short it is"
            )
            break
        if rung.at_edge is not None:
            why_not = f"at {steps} updates the best candidate is still the {rung.at_edge} one tried, {rung.peak:.2g}"
            why_not += "; give a larger budget, or see where `lrdecay compare` leads"
            break
        peaks = around(sorted(scores), rung.peak, fewer)
    law = law_of(rungs, plan.full) if why_not is None else None
    if law is not None and width(law.interval) > WIDEST:
        why_not = f"the 95% interval at {plan.full} updates is {width(law.interval):.1f} decades wide"
        why_not += f", more than {WIDEST:g}; give a larger budget"
    whole = None if law is None or why_not else search.whole(law.peak)
    return ScheduleFinding(
        spec=str(spec),
        plan=plan,
        rungs=tuple(rungs),
        law=law,
        scored_by=search.metric,
        steps_used=search.steps_used,
        shared_steps=search.shared_steps,
        why_not=why_not if whole is None else whole.why_not,
        held=_HELD if decay is None else _SHRUNK.format(decay),
        forked=search.forked,
        whole=whole,
    )
