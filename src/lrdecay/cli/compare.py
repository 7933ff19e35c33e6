"""``lrdecay compare``: which decay is best here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrdecay.cli.options import (
    Budget,
    Epochs,
    Export,
    Json,
    Metric,
    Optimizer,
    Out,
    Script,
    Steps,
    Store,
    Task,
    Vary,
    With,
    Workers,
    command_line,
    print_json,
    task_arguments,
)
from lrdecay.cli.progress import ProgressBar
from lrdecay.errors import InputError, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrdecay.verbs.compare import Compared

__all__ = ["compare_command"]


def compare_command(
    task: Task = None,
    schedules: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule",
            "-s",
            metavar="SPEC",
            help="A schedule (`peak` may be left open), under a rule or not, a grid as 'linear(peak, floor={0,0.01})', "
            "or @FILE; repeat.",
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--schedules", metavar="FILE", help="Schedules and grids from JSON or YAML; repeatable."),
    ] = None,
    script: Script = None,
    seeds: Annotated[int, typer.Option(help="Scoring seeds, the same for every schedule.")] = 3,
    race: Annotated[
        float | None,
        typer.Option(metavar="ALPHA", help="Drop beaten schedules between seeds; the best one at most so often: 0.05."),
    ] = None,
    race_after: Annotated[
        int | None, typer.Option(metavar="SEEDS", help="With --race, seeds before the first look; 3 by default.")
    ] = None,
    pilots: Annotated[int, typer.Option(help="Pilot seeds, on which peaks are chosen; never scored.")] = 2,
    fixed_peak: Annotated[bool, typer.Option("--fixed-peak", help="Run at the stated peaks only.")] = False,
    steps: Steps = None,
    epochs: Epochs = None,
    with_: With = None,
    optimizer: Optimizer = None,
    vary: Vary = None,
    budget: Budget = None,
    metric: Metric = None,
    evaluations: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many times along a run held-out metrics are measured; 10 by default."),
    ] = None,
    out: Out = None,
    workers: Workers = None,
    no_share: Annotated[
        bool, typer.Option("--no-share", help="Train every run apart; the results are the same.")
    ] = False,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Train first what a forecast expects most of; the results are the same.")
    ] = False,
    max_disk: Annotated[
        str | None, typer.Option("--max-disk", metavar="SIZE", help="What snapshots may take at once, such as 2GB.")
    ] = None,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="What makes the runs.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDR", help="With --engine ray, of a running Ray; without, one is started here."),
    ] = None,
    snapshots: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|URL", help="Where snapshots go: a folder or s3://bucket/prefix that all workers reach."
        ),
    ] = None,
    launcher: Annotated[
        str | None,
        typer.Option(
            metavar="CMD", help="What starts the script: 'torchrun --nproc-per-node 2' or 'sbatch --wait job.sh'."
        ),
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and train nothing.")] = False,
    export: Export = None,
    store: Store = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="STUDY", help="Go on with a study, by id or folder; -s and --seeds may add to it."),
    ] = None,
    json: Json = False,
    *,
    context: typer.Context,
) -> None:
    """Compare schedules, each at its own peak, on the same seeds.

    Example: lrdecay compare mnist1d -s 'constant(peak)' -s 'cosine(peak)' -s 'linear(peak)' --seeds 5

    Example: lrdecay compare digits -s 'wsd(peak, warmup=50, cooldown={"10%","20%","40%"})' --vary wd={0,0.01}

    Example: lrdecay compare --resume lrdecay-reports/compare-digits-01234567 --seeds 10
    """
    from lrdecay.verbs.compare import compare, dry_run
    from lrdecay.verbs.grids import check_typed

    check_typed(schedules or (), "-s TEXT")
    given = [*(schedules or []), *(f"@{file}" for file in files or [])]
    if resume is not None:
        _resume(resume, given, context, json=json)
        return
    asked: dict[str, Any] = {
        "script": script,
        "seeds": seeds,
        "pilots": pilots,
        "race": race,
        "race_after": race_after,
        "fixed_peak": fixed_peak,
        "steps": steps,
        "epochs": epochs,
        "arguments": task_arguments(with_, optimizer),
        "vary": vary or (),
        "budget": budget,
        "metric": metric,
        "evaluations": evaluations,
        "workers": workers,
        "share": not no_share,
        "forecast": forecast,
        "max_disk": max_disk,
        "engine": engine,
        "address": address,
        "launcher": launcher,
    }
    if dry:
        planned = dry_run(task, given, **asked)
        if json:
            print_json(planned.to_json())
        else:
            print("\n".join(planned.sentences()))
        return
    with ProgressBar() as bar:
        compared = compare(
            task,
            given,
            **asked,
            out=out,
            snapshots=snapshots,
            export=export or (),
            watch=bar,
            say=_say,
            command=command_line(),
            store=store,
        )
    _show(compared, json=json)


def _resume(study: str, given: list[str], context: typer.Context, *, json: bool) -> None:
    """Go on with what was asked before; refuse what would ask it anew."""
    typed = {name: value for name, value in context.params.items() if _was_typed(context, name)}
    twice = next((name for name in typed if name not in _RESUMES), None)
    if twice is not None:
        cure = "The study has its own; -s and --seeds add to it."
        msg = refusal(f"--{twice.rstrip('_').replace('_', '-')}", "must not be given with --resume", typed[twice], cure)
        raise InputError(msg)
    named = {name: typed[name] for name in _PASSED_ON if name in typed}
    resume_study(study, given, share=not typed.get("no_share", False), json=json, **named)


def resume_study(study: str, given: Sequence[str] = (), *, json: bool, **told: Any) -> None:
    """Go on with a study and show it; ``told`` are arguments of `lrdecay.resume`."""
    from lrdecay.verbs.resume import resume

    with ProgressBar() as bar:
        compared = resume(study, given, **told, watch=bar, say=_say, command=command_line())
    _show(compared, json=json)


_PASSED_ON = (
    "seeds",
    "store",
    "budget",
    "out",
    "workers",
    "forecast",
    "max_disk",
    "engine",
    "address",
    "snapshots",
    "export",
)

_RESUMES = {*_PASSED_ON, "resume", "schedules", "files", "no_share", "json"}


def _was_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _show(compared: Compared, *, json: bool) -> None:
    if json:
        print_json(compared.to_json())
        return
    from rich.console import Console

    from lrdecay.report.tables import study_table
    from lrdecay.report.verdict import verdict

    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(study_table(compared.study))
    console.print(verdict(compared.study), highlight=False, markup=False)
    if compared.study.forecast is not None:
        from lrdecay.report.foretold import forecast_shown

        console.print(forecast_shown(compared.study.forecast))
    console.print(f"\nreport: {compared.report}\nstudy: {compared.id}", highlight=False, markup=False, soft_wrap=True)
    for target in compared.exported:
        console.print(f"exported: {target}", highlight=False, markup=False, soft_wrap=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
