"""`compare`: which decay is best on this task, each at its own peak, on the same seeds, with an honest verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from lrdecay.errors import RunError
from lrdecay.schedule import Schedule
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pilots import shared_peak
from lrdecay.sweep.pool import Watch
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row, Study, rank
from lrdecay.verbs.engines import pool_of, snapshot_folder
from lrdecay.verbs.estimate import Estimate
from lrdecay.verbs.export import export_study, frame_of, target_of
from lrdecay.verbs.extras import require
from lrdecay.verbs.find import search
from lrdecay.verbs.planning import plan_study
from lrdecay.verbs.provenance import provenance
from lrdecay.verbs.question import Question
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.tuning import Candidate, make_spec, tune
from lrdecay.verbs.varied import Arm, arms_of

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Compared", "compare", "dry_run"]


@frozen(eq=False)
class Compared:
    """A finished comparison and the folder its report is in."""

    study: Study
    folder: Path
    report: Path
    facets: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # row's name -> axis of a grid, or variant -> value
    exported: tuple[str, ...] = ()  # as asked for: "parquet:runs.parquet"

    def to_json(self) -> dict[str, Any]:
        """The study's JSON, where the report is, what each row is on the axes of grids, and what was exported."""
        facets = {written: dict(axes) for written, axes in self.facets.items()}
        more = {"report": str(self.report), "facets": facets, "exported": list(self.exported)}
        return self.study.to_json() | more

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
    vary: str | Sequence[str] = (),
    budget: str | int | None = None,
    metric: str | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    share: bool = True,
    max_disk: str | None = None,
    engine: str = "local",
    address: str | None = None,
    snapshots: str | Path | None = None,
    launcher: str | None = None,
    export: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
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
        share: whether runs that agree up to a step are trained once up to it. The results are the same.
        max_disk: what snapshots may take at once, such as "2GB".
        engine: what makes the runs: "local", a process for each core, or "ray".
        address: of a running Ray; None: one is started on this machine.
        snapshots: a folder for snapshots that every worker can reach; None: in ``out``.
        launcher: with a script, what starts it: "torchrun --nproc-per-node 2" or "sbatch --wait job.sh". Its files of
            orders and events are then in ``out``, or in the working directory, where both ends see them.
        export: where to hand the scored runs on, as ``KIND:PATH``; see `lrdecay.verbs.export`.
        say: told in a few lines what it will cost, before anything is trained.
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
    question = Question.read(
        schedules, seeds=seeds, pilots=pilots, fixed_peak=fixed_peak, vary=vary, budget=budget, max_disk=max_disk
    )
    source = source_of(task, script, arguments=arguments, metric=metric, launcher=launcher, exchange=out)
    with pool_of(engine, workers, watch, address, snapshots) as pool:
        arms = arms_of(pool, source, question.variants, steps=steps, epochs=epochs)
        nominal = question.candidates(arms, {})
        folder = Path(out) if out is not None else question.folder(source, arms)
        journal = Journal(folder)
        kept = snapshot_folder(pool, folder, snapshots)
        planned = plan_study(pool, question, arms, nominal, journal, share=share)
        if planned.estimate is not None and say is not None:
            for line in planned.estimate.sentences():
                say(line)
        notes = list(question.notes)
        if share and planned.apart is not None:
            notes.append(f"Every run was made apart: {planned.apart}")
        share = share and planned.apart is None
        runner = Runner(pool, journal, share=share, snapshots=planned.room, least=planned.least, folder=kept)
        found, find_steps = dict[Arm, float](), 0
        for arm in arms if question.opens else ():
            finding = search(pool, arm.source, arm.probe)
            found[arm], find_steps = float(f"{finding.peak():.2g}"), find_steps + finding.steps_used
            start = arm.named(f"Open peaks start from {found[arm]:g}")
            notes.append(f"{start}, found by a range test of {finding.repeats} repeats.")
        candidates = question.candidates(arms, found)
        tuned = tune(runner, candidates, question.pilot_seeds) if question.pilot_seeds else None
        own = {c.written: tuned.choices[c.written].peak if tuned else c.stated for c in candidates}
        common = None
        if tuned and len(candidates) > 1:
            common = shared_peak([tuned.choices[c.written].scores for c in candidates], tuned.goal)
            if common is None:
                notes.append("No peak at which all schedules train was tried for all, so none is shared.")
        wanted = [(c, own[c.written]) for c in candidates]
        wanted += [] if common is None else [(c, common) for c in candidates]
        both = _score(runner, wanted, question.seeds)
        rows, level = both[: len(candidates)], both[len(candidates) :]
        runner.clean()
    first = rows[0].results[0]
    study = Study(
        task=source.label,
        metric=first.metric,
        goal=first.goal,
        seeds=question.seeds,
        pilot_seeds=question.pilot_seeds,
        main=rank("each at its best peak" if tuned else "each at its stated peak", rows, first.goal),
        shared=rank(f"all at the shared peak {common:g}", level, first.goal) if level else None,
        choices=tuned.choices if tuned else {},
        steps_trained=runner.steps_trained + find_steps,
        steps_naive=runner.steps_asked + find_steps,
        seconds=time.perf_counter() - began,
        notes=(*notes, *runner.notes, *first.notes, *_reused(runner)),
        provenance=provenance(command),
    )
    report = write_report(study, folder)
    for target in targets:
        export_study(study, target)
    _raise_if_nothing_trained(rows, report)
    return Compared(study, folder, report, question.facets(arms), tuple(map(str, targets)))


def dry_run(
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
    workers: int | None = None,
    share: bool = True,
    max_disk: str | None = None,
    engine: str = "local",
    address: str | None = None,
    launcher: str | None = None,
) -> Estimate:
    """What `compare` with these arguments would cost. Trains nothing but a few updates to time them, thrown away.

    Raises:
        InputError: something asked for cannot be done.
        RunError: a script fails.
    """
    question = Question.read(
        schedules, seeds=seeds, pilots=pilots, fixed_peak=fixed_peak, vary=vary, budget=budget, max_disk=max_disk
    )
    source = source_of(task, script, arguments=arguments, metric=metric, launcher=launcher)
    with pool_of(engine, workers, None, address) as pool:
        arms = arms_of(pool, source, question.variants, steps=steps, epochs=epochs)
        planned = plan_study(pool, question, arms, question.candidates(arms, {}), None, share=share)
    if planned.estimate is None:
        msg = "`dry_run(...)` must have runs to plan, got none."
        raise RunError(msg)
    return planned.estimate


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
