"""`compare`: which decay is best on this task, each at its own peak, on the same seeds, with an honest verdict."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from lrdecay.errors import InputError, RunError, positive_int, refusal
from lrdecay.runs.spec import Probe, Source
from lrdecay.schedule import Schedule, at_peak, peak_of
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pilots import FIRST_PILOT_SEED, shared_peak
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row, Study, rank
from lrdecay.verbs.export import export_study, frame_of, target_of
from lrdecay.verbs.extras import require
from lrdecay.verbs.find import search
from lrdecay.verbs.provenance import provenance, report_folder
from lrdecay.verbs.show import spec_of
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.tuning import Candidate, make_spec, tune

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Compared", "compare"]

_FAR = 1e6  # a peak above any floor, to compare schedules up to their peak


@frozen(eq=False)
class Compared:
    """A finished comparison and the folder its report is in."""

    study: Study
    folder: Path
    report: Path
    exported: tuple[str, ...] = ()  # as asked for: "parquet:runs.parquet"

    def to_json(self) -> dict[str, Any]:
        """The study's JSON, where the report is, and what was exported."""
        return self.study.to_json() | {"report": str(self.report), "exported": list(self.exported)}

    def frame(self) -> DataFrame:
        """Every scored run in one long pandas DataFrame: run, params, step, name, value.

        Raises:
            MissingExtraError: pandas or pyarrow (``lrdecay[frames]``) is not installed.
        """
        return frame_of(self.study)


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
    metric: str | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    export: Sequence[str] = (),
    watch: Watch | None = None,
    command: str = "lrdecay.compare(...)",
) -> Compared:
    """Train every schedule on the same seeds and say which is best, as far as the seeds allow.

    Each schedule runs at its own peak: chosen on pilot seeds among {1/2, 1, 2} times the stated one (or the found one,
    where it is left open as in ``cosine(peak)``), scored on seeds 0 .. ``seeds`` - 1, which pilots never see.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``.
        schedules: values or notation.
        script: a command that calls ``lrdecay.script()``.
        seeds: how many scoring seeds; 1 never gives a winner.
        pilots: how many pilot seeds.
        fixed_peak: run at the stated peaks only. This ranks schedules at one peak, not schedules.
        steps: length of every run in updates, in place of the task's own.
        epochs: the same in epochs.
        arguments: keyword arguments of the task.
        metric: what a script is judged by.
        out: the report folder. The same command finds its finished runs there and makes only what is missing.
        workers: processes; by default one per core.
        export: where to hand the scored runs on, as ``KIND:PATH``; see `lrdecay.verbs.export`.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: something asked for cannot be done; nothing was trained.
        RunError: a schedule diverged wherever it was tried, or a script failed. Finished runs are kept in ``out``.
    """
    began = time.perf_counter()
    require("study", "compare")
    from lrdecay.report.html import write_report

    targets = [target_of(text) for text in ([export] if isinstance(export, str) else export)]
    positive_int.check("compare(seeds=...)", seeds)
    positive_int.check("compare(pilots=...)", pilots)
    if seeds > FIRST_PILOT_SEED:
        msg = refusal(
            "compare(seeds=...)", f"must be at most {FIRST_PILOT_SEED}", seeds, "Pilot seeds count from there."
        )
        raise InputError(msg)
    specs = _distinct(schedules, fixed_peak=fixed_peak)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers, watch) as pool:
        probe = pool.call(source.probe, steps, epochs)
        stated = [peak_of(s.schedule) for s in specs.values()]
        if fixed_peak and None in stated:
            cure = "State each peak, or leave --fixed-peak out."
            msg = refusal("--fixed-peak", "must be given stated peaks", list(specs)[stated.index(None)], cure)
            raise InputError(msg)
        for name, spec in specs.items():  # every schedule must fit before anything is trained
            make_spec(source, probe, Candidate(name, spec, 0.0), peak_of(spec.schedule) or _FAR, 0)
        asked = {"schedules": list(specs), "seeds": seeds, "pilots": pilots, "fixed_peak": fixed_peak}
        folder = Path(out) if out is not None else _folder(source, probe, asked)
        runner = Runner(pool, Journal(folder))
        notes: list[str] = []
        found, find_steps = None, 0
        if None in stated:
            finding = search(pool, source, probe)
            found, find_steps = float(f"{finding.peak():.2g}"), finding.steps_used
            notes.append(f"Open peaks start from {found:g}, found by a range test of {finding.repeats} repeats.")
        candidates = [Candidate(n, s, peak_of(s.schedule) or found or 0.0) for n, s in specs.items()]
        pilot_seeds = () if fixed_peak else tuple(range(FIRST_PILOT_SEED, FIRST_PILOT_SEED + pilots))
        tuned = tune(runner, source, probe, candidates, pilot_seeds) if pilot_seeds else None
        scored = tuple(range(seeds))
        own = {c.written: tuned.choices[c.written].peak if tuned else c.stated for c in candidates}
        common = None
        if tuned and len(candidates) > 1:
            common = shared_peak([tuned.choices[c.written].scores for c in candidates], tuned.goal)
            if common is None:
                notes.append("No peak at which all schedules train was tried for all, so none is shared.")
        rows = _score(runner, source, probe, [(c, own[c.written]) for c in candidates], scored)
        level = [] if common is None else _score(runner, source, probe, [(c, common) for c in candidates], scored)
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
    for target in targets:
        export_study(study, target)
    _raise_if_nothing_trained(rows, report)
    return Compared(study, folder, report, tuple(map(str, targets)))


def _score(
    runner: Runner, source: Source, probe: Probe, wanted: Sequence[tuple[Candidate, float]], seeds: tuple[int, ...]
) -> list[Row]:
    """Candidates at given peaks on the scoring seeds."""
    specs = [make_spec(source, probe, c, peak, seed) for c, peak in wanted for seed in seeds]
    results = runner.run(specs, "scoring: the same seeds for every schedule")
    n = len(seeds)
    return [
        Row(c.written, str(c.at(peak)), peak, tuple(results[i * n : (i + 1) * n])) for i, (c, peak) in enumerate(wanted)
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


def _distinct(schedules: Sequence[str | Schedule], *, fixed_peak: bool) -> dict[str, Spec]:
    """The schedules by how they are written.

    Raises:
        InputError: there are none, one stands twice, or two differ only in the peak that is to be chosen.
    """
    specs = [spec_of(s) for s in ([schedules] if isinstance(schedules, str | Schedule) else schedules)]
    if not specs:
        msg = refusal("compare(schedules=...)", "must hold at least one schedule", [], "Add -s 'cosine(peak)'.")
        raise InputError(msg)
    names: dict[object, str] = {}
    for spec in specs:
        same = spec if fixed_peak else Spec(at_peak(spec.schedule, _FAR), spec.horizon)
        if same in names:
            cure = "" if fixed_peak else "Each schedule's peak is chosen on pilot seeds; --fixed-peak compares peaks."
            msg = refusal(
                "compare(schedules=...)", f"must differ from {names[same]} in more than the peak", str(spec), cure
            )
            raise InputError(msg)
        names[same] = str(spec)
    return {str(spec): spec for spec in specs}


def _folder(source: Source, probe: Probe, asked: Mapping[str, Any]) -> Path:
    """A folder of this question's own, so that asking it again finds what is finished."""
    question = {"source": dict(source.identity()), "horizon": probe.horizon.to_json(), **asked}
    return report_folder(
        "compare", source.label, hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    )
