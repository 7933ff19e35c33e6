"""``lrdecay compare``: which decay is best here."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from lrdecay.cli.options import (
    Epochs,
    Json,
    Metric,
    Optimizer,
    Out,
    Script,
    Steps,
    Task,
    With,
    Workers,
    command_line,
    print_json,
    task_arguments,
)
from lrdecay.cli.progress import ProgressBar

__all__ = ["compare_command"]


def compare_command(
    task: Task = None,
    schedules: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule",
            "-s",
            metavar="SPEC",
            help="A schedule (`peak` may be left open), a grid as 'linear(peak, floor={0,0.01})', or @FILE; repeat.",
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--schedules", metavar="FILE", help="Schedules and grids from JSON or YAML; repeatable."),
    ] = None,
    script: Script = None,
    seeds: Annotated[int, typer.Option(help="Scoring seeds, the same for every schedule.")] = 3,
    pilots: Annotated[int, typer.Option(help="Pilot seeds, on which peaks are chosen; never scored.")] = 2,
    fixed_peak: Annotated[bool, typer.Option("--fixed-peak", help="Run at the stated peaks only.")] = False,
    steps: Steps = None,
    epochs: Epochs = None,
    with_: With = None,
    optimizer: Optimizer = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME={VALUE,VALUE} ...",
            help="Every schedule under each of these: wd={0.05,0.1} batch={64,128}. For a script, {wd} in its command.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT", help="Refuse a study that costs more: 8h, 30min, 500epochs, 2e9tok, or updates."
        ),
    ] = None,
    metric: Metric = None,
    out: Out = None,
    workers: Workers = None,
    no_share: Annotated[
        bool, typer.Option("--no-share", help="Train every run apart; the results are the same.")
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
        str | None, typer.Option(metavar="DIR", help="A folder for snapshots that every worker can reach.")
    ] = None,
    launcher: Annotated[
        str | None,
        typer.Option(
            metavar="CMD", help="What starts the script: 'torchrun --nproc-per-node 2' or 'sbatch --wait job.sh'."
        ),
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and train nothing.")] = False,
    export: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:PATH",
            help="Hand the scored runs on: csv, jsonl or parquet:FILE; tensorboard, mlflow or wandb:DIR. Repeatable.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare schedules, each at its own peak, on the same seeds.

    Example: lrdecay compare mnist1d -s 'constant(peak)' -s 'cosine(peak)' -s 'linear(peak)' --seeds 5

    Example: lrdecay compare digits -s 'wsd(peak, warmup=50, cooldown={"10%","20%","40%"})' --vary wd={0,0.01}
    """
    from lrdecay.verbs.compare import compare, dry_run

    given = [*(schedules or []), *(f"@{file}" for file in files or [])]
    asked: dict[str, Any] = {
        "script": script,
        "seeds": seeds,
        "pilots": pilots,
        "fixed_peak": fixed_peak,
        "steps": steps,
        "epochs": epochs,
        "arguments": task_arguments(with_, optimizer),
        "vary": vary or (),
        "budget": budget,
        "metric": metric,
        "workers": workers,
        "share": not no_share,
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
        )
    if json:
        print_json(compared.to_json())
        return
    from rich.console import Console

    from lrdecay.report.tables import study_table
    from lrdecay.report.verdict import verdict

    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(study_table(compared.study))
    console.print(verdict(compared.study), highlight=False, markup=False)
    console.print(f"\nreport: {compared.report}", highlight=False, markup=False, soft_wrap=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
