"""`compare`: which decay is best on this task, each at its own peak, on the same seeds, with an honest verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from lrdecay.errors import InputError, refusal
from lrdecay.sweep.pool import Watch
from lrdecay.verbs.answering import Compared, How, answer
from lrdecay.verbs.engines import pool_of
from lrdecay.verbs.estimate import Estimate
from lrdecay.verbs.export import targets_of
from lrdecay.verbs.extras import require
from lrdecay.verbs.forecast_order import ORDERED
from lrdecay.verbs.planning import plan_study
from lrdecay.verbs.question import Question
from lrdecay.verbs.ruling import check_rules
from lrdecay.verbs.show import Said
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.tuning import make_spec
from lrdecay.verbs.varied import arms_of

__all__ = ["Compared", "compare", "dry_run"]


def compare(
    task: Task | None = None,
    schedules: Sequence[Said] = (),
    *,
    script: str | None = None,
    seeds: int = 3,
    pilots: int = 2,
    race: float | None = None,
    race_after: int | None = None,
    fixed_peak: bool = False,
    steps: int | None = None,
    epochs: float | None = None,
    arguments: Mapping[str, Any] | None = None,
    vary: str | Sequence[str] = (),
    budget: str | int | None = None,
    metric: str | None = None,
    evaluations: int | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    share: bool = True,
    forecast: bool = False,
    max_disk: str | None = None,
    engine: str = "local",
    address: str | None = None,
    snapshots: str | Path | None = None,
    launcher: str | None = None,
    export: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.compare(...)",
    store: str | Path | None = None,
) -> Compared:
    """Train every schedule on the same seeds and say which is best, as far as the seeds allow.

    Each schedule runs at its own peak: chosen on pilot seeds among {1/2, 1, 2} times the stated one (or the found one,
    where it is left open as in ``cosine(peak)``), scored on seeds 0 .. ``seeds`` - 1, which pilots never see.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``.
        schedules: values, notation, grids such as ``'linear({0.1, 0.2})'``, or ``"@FILE"`` for a file of them; each may
            be under a rule: ``'cosine(0.1) * plateau(every="1ep")'``.
        script: a command that calls ``lrdecay.script()``.
        seeds: how many scoring seeds; 1 never gives a winner.
        pilots: how many pilot seeds.
        race: drop schedules between seeds once a rival plainly beats them, the best one with a chance of at most this,
            such as 0.05; None: every schedule is scored on every seed.
        race_after: how many seeds every schedule is scored on before any may be dropped; 3 by default, at least 2.
        fixed_peak: run at the stated peaks only. This ranks schedules at one peak, not schedules.
        steps: length of every run in updates, in place of the task's own.
        epochs: the same in epochs.
        arguments: keyword arguments of the task.
        vary: other arguments, every schedule under each: ``"wd={0.05,0.1} batch={64,128}"``; for a script, words that
            its command has places for: ``{wd}``.
        budget: refuse a study that costs more: "8h", "30min", "500epochs", "2e9tok", or a number of updates.
        metric: what a script is judged by.
        evaluations: how many times along a run the held-out metrics are measured, evenly, the last time at its end; 10
            by default. A rule that says no ``every`` looks as often. A script measures what and where it logs.
        out: the report folder. The same command finds its finished runs there and makes only what is missing.
        workers: processes; by default one per core.
        share: whether runs that agree up to a step are trained once up to it. The results are the same.
        forecast: train the runs first that a forecast expects most of; the results are the same.
        max_disk: what snapshots may take at once, such as "2GB".
        engine: what makes the runs: "local", a process for each core, or "ray".
        address: of a running Ray; None: one is started on this machine.
        snapshots: a folder, or an address such as "s3://bucket/prefix", that every worker can reach; None: in ``out``,
            or where the study in ``out`` kept them before.
        launcher: with a script, what starts it: "torchrun --nproc-per-node 2" or "sbatch --wait job.sh". Its files of
            orders and events are then in ``out``, or in the working directory, where both ends see them.
        export: where to hand the scored runs on, as ``KIND:PATH``; see `lrdecay.verbs.export`.
        say: told in a few lines what it will cost, before anything is trained.
        watch: told about the updates made.
        command: what to write into the provenance.
        store: where the study is kept, as `lrdecay.runs.store.opening.open_store` reads it; by default in ``out``.

    Raises:
        InputError: something asked for cannot be done; nothing was trained.
        RunError: a schedule diverged wherever it was tried, a script failed, the disk is full, or another process works
            on the same study. Finished runs are kept in the store.
    """
    require("study", "compare")
    targets = targets_of(export)
    question = Question.read(
        schedules,
        seeds=seeds,
        pilots=pilots,
        fixed_peak=fixed_peak,
        vary=vary,
        budget=budget,
        max_disk=max_disk,
        race=race,
        race_after=race_after,
        evaluations=_measured(script, evaluations),
    )
    source = source_of(task, script, arguments=arguments, metric=metric, launcher=launcher, exchange=out)
    folder = None if out is None else Path(out)
    how = How(folder, store, workers, share, targets, say, watch, command, engine, address, snapshots, forecast)
    return answer(question, source, steps, epochs, how)


def dry_run(
    task: Task | None = None,
    schedules: Sequence[Said] = (),
    *,
    script: str | None = None,
    seeds: int = 3,
    pilots: int = 2,
    race: float | None = None,
    race_after: int | None = None,
    fixed_peak: bool = False,
    steps: int | None = None,
    epochs: float | None = None,
    arguments: Mapping[str, Any] | None = None,
    vary: str | Sequence[str] = (),
    budget: str | int | None = None,
    metric: str | None = None,
    evaluations: int | None = None,
    workers: int | None = None,
    share: bool = True,
    forecast: bool = False,
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
        schedules,
        seeds=seeds,
        pilots=pilots,
        fixed_peak=fixed_peak,
        vary=vary,
        budget=budget,
        max_disk=max_disk,
        race=race,
        race_after=race_after,
        evaluations=_measured(script, evaluations),
    )
    source = source_of(task, script, arguments=arguments, metric=metric, launcher=launcher)
    with pool_of(engine, workers, None, address) as pool:
        arms = arms_of(pool, source, question.variants, steps=steps, epochs=epochs)
        nominal = question.candidates(arms, {})
        check_rules(pool, [make_spec(c, c.stated, 0) for c in nominal])
        planned = plan_study(pool, question, arms, nominal, None, share=share)
    return evolve(planned.whole, assumes=(*planned.whole.assumes, ORDERED)) if forecast else planned.whole


def _measured(script: str | None, evaluations: int | None) -> int | None:
    """How often a task is to be measured.

    Raises:
        InputError: it is a script, which measures by itself.
    """
    if script is not None and evaluations is not None:
        cure = "It measures where it logs: let it log more often."
        raise InputError(refusal("compare(evaluations=...)", "must be left out with a script", evaluations, cure))
    return evaluations
