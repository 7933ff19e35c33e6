"""``lrdecay compare``: which decay is best here."""

from __future__ import annotations

import sys
from typing import Annotated

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
        typer.Option("--schedule", "-s", metavar="SPEC", help="A schedule; repeat for each. `peak` may be left open."),
    ] = None,
    script: Script = None,
    seeds: Annotated[int, typer.Option(help="Scoring seeds, the same for every schedule.")] = 3,
    pilots: Annotated[int, typer.Option(help="Pilot seeds, on which peaks are chosen; never scored.")] = 2,
    fixed_peak: Annotated[bool, typer.Option("--fixed-peak", help="Run at the stated peaks only.")] = False,
    steps: Steps = None,
    epochs: Epochs = None,
    with_: With = None,
    optimizer: Optimizer = None,
    metric: Metric = None,
    out: Out = None,
    workers: Workers = None,
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
    """
    from lrdecay.verbs.compare import compare

    with ProgressBar() as bar:
        compared = compare(
            task,
            schedules or [],
            script=script,
            seeds=seeds,
            pilots=pilots,
            fixed_peak=fixed_peak,
            steps=steps,
            epochs=epochs,
            arguments=task_arguments(with_, optimizer),
            metric=metric,
            out=out,
            workers=workers,
            export=export or (),
            watch=bar,
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
    for target in compared.exported:
        console.print(f"exported: {target}", highlight=False, markup=False, soft_wrap=True)
