"""Choosing the peak each schedule is scored at, on pilot seeds that are never scored (decision record 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from lrdecay.errors import InputError, RunError
from lrdecay.runs.spec import EVALUATIONS, Divergence, RunSpec
from lrdecay.runs.store.protocol import Member
from lrdecay.runs.trainable import Goal
from lrdecay.schedule import at_peak
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pilots import PeakChoice, chosen, first_peaks, next_peak
from lrdecay.sweep.runner import Runner
from lrdecay.verbs.show import horizon_of
from lrdecay.verbs.varied import Arm

__all__ = ["Candidate", "Tuned", "make_spec", "members_of", "tune"]


@frozen
class Candidate:
    """A schedule of a comparison on one arm, before its peak is chosen."""

    written: str  # as the user wrote it, and on which arm
    spec: Spec
    arm: Arm
    peaks: tuple[float, ...]  # those stated, at least one; or the one found
    open: bool = False  # whether the schedule leaves its peak open
    evaluations: int = EVALUATIONS  # how many times along a run the held-out metrics are measured

    @property
    def stated(self) -> float:
        """The peak that was stated, or found; the first of several."""
        return self.peaks[0]

    @property
    def first_peaks(self) -> tuple[float, ...]:
        """The peaks to try first: those stated, where there are several."""
        return first_peaks(self.stated) if len(self.peaks) == 1 else self.peaks

    def at(self, peak: float) -> Spec:
        """This schedule, with the horizon and the rule it may carry, at another peak."""
        return evolve(self.spec, schedule=at_peak(self.spec.schedule, peak))

    def allows(self, peak: float) -> bool:
        """Whether the peak stands above every floor of the schedule."""
        try:
            self.at(peak)
        except InputError:
            return False
        return True


@frozen
class Tuned:
    """Every candidate's peak, and whether large or small scores were sought."""

    choices: Mapping[str, PeakChoice]
    goal: Goal


def make_spec(candidate: Candidate, peak: float, seed: int) -> RunSpec:
    """The run of a candidate at a peak.

    Raises:
        InputError: the peak falls below the schedule's floor, or a part has no room on the horizon.
    """
    spec, arm = candidate.at(peak), candidate.arm
    probe = arm.probe
    horizon = horizon_of(candidate.spec, probe.horizon)
    rates = spec.schedule.bind(horizon).values()
    said = (spec.text, horizon, rates, probe.metric, probe.goal)
    return RunSpec(arm.source, seed, *said, candidate.evaluations, view=arm.view, rule=spec.rule)


def members_of(wanted: Sequence[tuple[Candidate, float]], specs: Sequence[RunSpec], role: str) -> list[Member]:
    """The places of runs in their study: as many of each candidate at its peak, in order, as there are seeds."""
    each = len(specs) // len(wanted)
    rows = [row for row in wanted for _ in range(each)]
    return [
        Member(spec.identity(), c.written, spec.schedule, spec.seed, float(peak), role)
        for (c, peak), spec in zip(rows, specs, strict=True)
    ]


def tune(runner: Runner, candidates: Sequence[Candidate], seeds: Sequence[int]) -> Tuned:
    """The best peak of each candidate; grids grow together, so that the pool is kept busy.

    Raises:
        RunError: a schedule diverged at every peak that was tried.
    """
    scores: dict[str, dict[float, tuple[float, ...]]] = {c.written: {} for c in candidates}
    broken: dict[str, Divergence | None] = {}
    wanted = [(c, peak) for c in candidates for peak in c.first_peaks if c.allows(peak)]
    while True:
        specs = [make_spec(c, peak, seed) for c, peak in wanted for seed in seeds]
        members = members_of(wanted, specs, "pilot")
        results = runner.run(specs, "pilots: finding each schedule's peak", members)
        goal = results[0].goal
        for i, (c, peak) in enumerate(wanted):
            mine = results[i * len(seeds) : (i + 1) * len(seeds)]
            scores[c.written][peak] = tuple(r.score for r in mine)
            broken[c.written] = next((r.diverged for r in mine if r.diverged), broken.get(c.written))
        grown = [(c, next_peak(scores[c.written], goal)) for c in candidates]
        wanted = [(c, peak) for c, peak in grown if peak is not None and c.allows(peak)]
        if not wanted:
            break
    choices = {}
    for name, tried in scores.items():
        choice = chosen(tried, goal)
        if choice is None:
            msg = (
                f"`compare` must find a peak at which {name} trains, got a loss that is not finite at every one tried,"
            )
            d = broken[name]
            where = "" if d is None else f" (last: {d.loss} at step {d.step}, rate {d.rate:.6g})"
            msg += f" down to {min(tried):g}{where}. Start from a lower peak, or find one: `lrdecay find`."
            raise RunError(msg)
        choices[name] = choice
    return Tuned(choices, goal)
