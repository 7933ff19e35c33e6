"""`compare`: which decay is best on this task, each at its own peak, on the same seeds, with an honest verdict."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from lrdecay.errors import InputError, RunError, positive_int, refusal
from lrdecay.runs.spec import Source
from lrdecay.schedule import Schedule
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pilots import FIRST_PILOT_SEED, shared_peak
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row, Study, rank
from lrdecay.verbs.affording import Work, check_budget
from lrdecay.verbs.budget import parse_budget
from lrdecay.verbs.extras import require
from lrdecay.verbs.find import search
from lrdecay.verbs.provenance import provenance, report_folder
from lrdecay.verbs.schedules import FAR, Asked, schedules_of
from lrdecay.verbs.show import horizon_of
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.tuning import Candidate, make_spec, tune
from lrdecay.verbs.variants import parse_variants
from lrdecay.verbs.varied import Arm, arms_of

__all__ = ["Compared", "compare"]


@frozen(eq=False)
class Compared:
    """A finished comparison and the folder its report is in."""

    study: Study
    folder: Path
    report: Path
    facets: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # row's name -> axis of a grid, or variant -> value

    def to_json(self) -> dict[str, Any]:
        """The study's JSON, where the report is, and what each row is on the axes of grids and variants."""
        facets = {written: dict(axes) for written, axes in self.facets.items()}
        return self.study.to_json() | {"report": str(self.report), "facets": facets}


def compare(
    task: Task | None = None,
    schedules: Sequence[str | Schedule] = (),
    *,
    script: str | None = None,
    seeds: int = 3,
    pilots: int = 2,
    fixed_peak: bool = False,
    steps: int | None = None,
    epochs: float | None = None,
    arguments: Mapping[str, Any] | None = None,
    vary: str | Sequence[str] = (),
    budget: str | int | None = None,
    metric: str | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.compare(...)",
) -> Compared:
    """Train every schedule on the same seeds and say which is best, as far as the seeds allow.

    Each schedule runs at its own peak: chosen on pilot seeds among {1/2, 1, 2} times the stated one (or the found one,
    where it is left open as in ``cosine(peak)``), scored on seeds 0 .. ``seeds`` - 1, which pilots never see.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``.
        schedules: values, notation, grids such as ``'linear({0.1, 0.2})'``, or ``"@FILE"`` for a file of them.
        script: a command that calls ``lrdecay.script()``.
        seeds: how many scoring seeds; 1 never gives a winner.
        pilots: how many pilot seeds.
        fixed_peak: run at the stated peaks only. This ranks schedules at one peak, not schedules.
        steps: length of every run in updates, in place of the task's own.
        epochs: the same in epochs.
        arguments: keyword arguments of the task.
        vary: other arguments, every schedule under each: ``"wd={0.05,0.1} batch={64,128}"``; for a script, words that
            its command has places for: ``{wd}``.
        budget: refuse a study that costs more: "8h", "30min", "500epochs", "2e9tok", or a number of updates.
        metric: what a script is judged by.
        out: the report folder. The same command finds its finished runs there and makes only what is missing.
        workers: processes; by default one per core.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: something asked for cannot be done; nothing was trained.
        RunError: a schedule diverged wherever it was tried, or a script failed. Finished runs are kept in ``out``.
    """
    began = time.perf_counter()
    require("study", "compare")
    from lrdecay.report.html import write_report

    positive_int.check("compare(seeds=...)", seeds)
    positive_int.check("compare(pilots=...)", pilots)
    if seeds > FIRST_PILOT_SEED:
        msg = refusal(
            "compare(seeds=...)", f"must be at most {FIRST_PILOT_SEED}", seeds, "Pilot seeds count from there."
        )
        raise InputError(msg)
    variants = parse_variants(vary)
    bound = None if budget is None else parse_budget(budget)
    asked, notes = schedules_of(schedules, fixed_peak=fixed_peak)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers, watch) as pool:
        arms = arms_of(pool, source, variants, steps=steps, epochs=epochs)
        open_ = [a.written for a in asked if not a.peaks]
        if fixed_peak and open_:
            cure = "State each peak, or leave --fixed-peak out."
            msg = refusal("--fixed-peak", "must be given stated peaks", open_[0], cure)
            raise InputError(msg)
        for arm, a in _both(arms, asked):  # every schedule must fit before anything is trained
            make_spec(Candidate(a.written, a.spec, arm, (FAR,)), a.peaks[0] if a.peaks else FAR, 0)
        if bound is not None:
            each = _runs_each(seeds, 0 if fixed_peak else pilots, len(arms) * len(asked))
            works = [Work(arm, horizon_of(a.spec, arm.probe.horizon), each) for arm, a in _both(arms, asked)]
            check_budget(pool, bound, works)
        question = {"schedules": [a.written for a in asked], "seeds": seeds, "pilots": pilots, "fixed_peak": fixed_peak}
        question |= {"first": [a.peaks for a in asked]} if any(a.peaks[1:] for a in asked) else {}
        folder = Path(out) if out is not None else _folder(source, arms, question)
        runner = Runner(pool, Journal(folder))
        found, find_steps = dict[Arm, float](), 0
        for arm in arms if open_ else ():
            finding = search(pool, arm.source, arm.probe)
            found[arm], find_steps = float(f"{finding.peak():.2g}"), find_steps + finding.steps_used
            start = arm.named(f"Open peaks start from {found[arm]:g}")
            notes.append(f"{start}, found by a range test of {finding.repeats} repeats.")
        facets = {arm.named(a.written): dict(a.axes) | arm.overrides for arm, a in _both(arms, asked)}
        candidates = [
            Candidate(arm.named(a.written), a.spec, arm, a.peaks or (found[arm],)) for arm, a in _both(arms, asked)
        ]
        pilot_seeds = () if fixed_peak else tuple(range(FIRST_PILOT_SEED, FIRST_PILOT_SEED + pilots))
        tuned = tune(runner, candidates, pilot_seeds) if pilot_seeds else None
        scored = tuple(range(seeds))
        own = {c.written: tuned.choices[c.written].peak if tuned else c.stated for c in candidates}
        common = None
        if tuned and len(candidates) > 1:
            common = shared_peak([tuned.choices[c.written].scores for c in candidates], tuned.goal)
            if common is None:
                notes.append("No peak at which all schedules train was tried for all, so none is shared.")
        rows = _score(runner, [(c, own[c.written]) for c in candidates], scored)
        level = [] if common is None else _score(runner, [(c, common) for c in candidates], scored)
    first = rows[0].results[0]
    study = Study(
        task=source.label,
        metric=first.metric,
        goal=first.goal,
        seeds=scored,
        pilot_seeds=pilot_seeds,
        main=rank("each at its best peak" if tuned else "each at its stated peak", rows, first.goal),
        shared=rank(f"all at the shared peak {common:g}", level, first.goal) if level else None,
        choices=tuned.choices if tuned else {},
        steps_trained=runner.steps_trained + find_steps,
        steps_naive=runner.steps_asked + find_steps,
        seconds=time.perf_counter() - began,
        notes=(*notes, *first.notes, *_reused(runner)),
        provenance=provenance(command),
    )
    report = write_report(study, folder)
    _raise_if_nothing_trained(rows, report)
    return Compared(study, folder, report, {written: axes for written, axes in facets.items() if axes})


def _both(arms: Sequence[Arm], asked: Sequence[Asked]) -> list[tuple[Arm, Asked]]:
    """Every schedule on every arm."""
    return [(arm, a) for arm in arms for a in asked]


def _runs_each(seeds: int, pilots: int, candidates: int) -> int:
    """The fewest runs of a candidate, made apart: its first pilots, its scores, and those at a shared peak."""
    return 3 * pilots + seeds * (2 if pilots and candidates > 1 else 1)


def _score(runner: Runner, wanted: Sequence[tuple[Candidate, float]], seeds: tuple[int, ...]) -> list[Row]:
    """Candidates at given peaks on the scoring seeds."""
    specs = [make_spec(c, peak, seed) for c, peak in wanted for seed in seeds]
    results = runner.run(specs, "scoring: the same seeds for every schedule")
    n = len(seeds)
    return [
        Row(c.written, c.arm.named(str(c.at(peak))), peak, tuple(results[i * n : (i + 1) * n]))
        for i, (c, peak) in enumerate(wanted)
    ]


def _raise_if_nothing_trained(rows: Sequence[Row], report: Path) -> None:
    """A study in which every run diverged has failed; what there is to see is kept."""
    first = rows[0].results[0].diverged
    if first is not None and all(row.diverged == len(row.results) for row in rows):
        msg = f"`compare` must have a run whose loss stays finite, got none: {rows[0].spec} was {first.loss} at step "
        msg += f"{first.step} (rate {first.rate:.6g}). Lower the peaks. The traces are beside {report}."
        raise RunError(msg)


def _reused(runner: Runner) -> tuple[str, ...]:
    if not runner.runs_reused:
        return ()
    return (f"{runner.runs_reused} runs were finished before and not made again; steps_trained counts only new ones.",)


def _folder(source: Source, arms: Sequence[Arm], asked: Mapping[str, Any]) -> Path:
    """A folder of this question's own, so that asking it again finds what is finished."""
    question = {"source": dict(source.identity()), "horizon": arms[0].probe.horizon.to_json(), **asked}
    if arms[0].variant is not None:
        question |= {"vary": [[str(arm.variant), arm.probe.horizon.to_json()] for arm in arms]}
    return report_folder(
        "compare", source.label, hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    )
