"""What a comparison asks, read and checked before anything is trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.runs.spec import EVALUATIONS, Source
from lrdecay.sweep.pilots import FIRST_PILOT_SEED
from lrdecay.sweep.racing import RaceRule
from lrdecay.verbs.budget import Budget, parse_budget
from lrdecay.verbs.estimate import NOMINAL_PEAK, disk_bytes
from lrdecay.verbs.grids import grids_of
from lrdecay.verbs.provenance import report_folder
from lrdecay.verbs.schedules import FAR, Asked, schedules_of
from lrdecay.verbs.show import Said
from lrdecay.verbs.tuning import Candidate, make_spec
from lrdecay.verbs.variants import Variant, parse_variants
from lrdecay.verbs.varied import Arm

__all__ = ["Question"]


@frozen
class Question:
    """Schedules, seeds, variants and bounds of one comparison."""

    asked: tuple[Asked, ...]
    notes: tuple[str, ...]  # what a reader must know of how the schedules were read
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]  # scored
    pilot_seeds: tuple[int, ...]  # on which peaks are chosen; none where they are fixed
    pilots: int  # as asked
    fixed_peak: bool
    budget: Budget | None
    max_disk: int | None  # bytes
    given: tuple[str, ...] = ()  # the schedules and grids as they were written; files as what is in them
    vary: tuple[str, ...] = ()  # the variants as they were written
    race: RaceRule | None = None  # None: every schedule is scored on every seed
    evaluations: int = EVALUATIONS  # how many times along each run the held-out metrics are measured

    @classmethod
    def read(
        cls,
        schedules: Sequence[Said],
        *,
        seeds: int,
        pilots: int,
        fixed_peak: bool,
        vary: str | Sequence[str] = (),
        budget: str | int | None = None,
        max_disk: str | None = None,
        race: float | None = None,
        race_after: int | None = None,
        evaluations: int | None = None,
    ) -> Question:
        """Check everything that can be checked without the task; see `lrdecay.compare`.

        Raises:
            InputError: a number is out of range, a schedule is not one or stands twice, a peak is open that is to be
                fixed, or there is nothing to race.
        """
        positive_int.check("compare(seeds=...)", seeds)
        positive_int.check("compare(pilots=...)", pilots)
        if evaluations is not None:
            positive_int.check("compare(evaluations=...)", evaluations)
        if seeds > FIRST_PILOT_SEED:
            cure = "Pilot seeds count from there."
            msg = refusal("compare(seeds=...)", f"must be at most {FIRST_PILOT_SEED}", seeds, cure)
            raise InputError(msg)
        variants = tuple(parse_variants(vary))
        bound = None if budget is None else parse_budget(budget)
        room = None if max_disk is None else disk_bytes(max_disk)
        asked, notes = schedules_of(schedules, fixed_peak=fixed_peak)
        open_ = [a.written for a in asked if not a.peaks]
        if fixed_peak and open_:
            cure = "State each peak, or leave --fixed-peak out."
            msg = refusal("--fixed-peak", "must be given stated peaks", open_[0], cure)
            raise InputError(msg)
        rule = RaceRule.read(race, race_after, seeds=seeds, schedules=len(asked) * max(1, len(variants)))
        first = () if fixed_peak else tuple(range(FIRST_PILOT_SEED, FIRST_PILOT_SEED + pilots))
        return cls(
            asked=tuple(asked),
            notes=tuple(notes),
            variants=variants,
            seeds=tuple(range(seeds)),
            pilot_seeds=first,
            pilots=pilots,
            fixed_peak=fixed_peak,
            budget=bound,
            max_disk=room,
            given=tuple(grid.written for grid in grids_of(schedules)),
            vary=(vary,) if isinstance(vary, str) else tuple(vary),
            race=rule,
            evaluations=EVALUATIONS if evaluations is None else evaluations,
        )

    @property
    def opens(self) -> bool:
        """Whether a schedule leaves its peak open."""
        return any(not a.peaks for a in self.asked)

    def candidates(self, arms: Sequence[Arm], found: Mapping[Arm, float]) -> list[Candidate]:
        """Every schedule on every arm; open peaks start from the arm's found one, else from a nominal one.

        Raises:
            InputError: one of them does not fit.
        """
        rows = []
        for arm in arms:
            for a in self.asked:
                make_spec(Candidate(a.written, a.spec, arm, (FAR,)), a.peaks[0] if a.peaks else FAR, 0)
                peaks = a.peaks or (found.get(arm, NOMINAL_PEAK),)
                rows.append(Candidate(arm.named(a.written), a.spec, arm, peaks, not a.peaks, self.evaluations))
        return rows

    def facets(self, arms: Sequence[Arm]) -> dict[str, Mapping[str, Any]]:
        """What each row is on the axes of grids and variants, by its name; rows without any are left out."""
        found = {arm.named(a.written): dict(a.axes) | arm.overrides for arm in arms for a in self.asked}
        return {written: axes for written, axes in found.items() if axes}

    def folder(self, source: Source, arms: Sequence[Arm]) -> Path:
        """A folder of this question's own, so that asking it again finds what is finished."""
        question: dict[str, Any] = {
            "source": dict(source.identity()),
            "horizon": arms[0].probe.horizon.to_json(),
            "schedules": [a.written for a in self.asked],
            "seeds": len(self.seeds),
            "pilots": self.pilots,
            "fixed_peak": self.fixed_peak,
        }
        if any(a.peaks[1:] for a in self.asked):
            question |= {"first": [a.peaks for a in self.asked]}
        if arms[0].variant is not None:
            question |= {"vary": [[str(arm.variant), arm.probe.horizon.to_json()] for arm in arms]}
        if self.race is not None:
            question |= {"race": [self.race.alpha, self.race.after]}
        if self.evaluations != EVALUATIONS:
            question |= {"evaluations": self.evaluations}
        digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return report_folder("compare", source.label, digest)
