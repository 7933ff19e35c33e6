"""The options and the output that ``cooldown`` and ``extend`` share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrdecay.cli.options import print_json

if TYPE_CHECKING:
    from lrdecay.sweep.study import Study
    from lrdecay.verbs.estimate import Estimate

__all__ = [
    "At",
    "Checkpoint",
    "DryRun",
    "Floor",
    "MaxDisk",
    "NoShare",
    "Seeds",
    "Vary",
    "print_exported",
    "print_plan",
    "print_study",
    "say",
]

Checkpoint = Annotated[
    str | None,
    typer.Option("--from", metavar="CHECKPOINT", help="With --script: one of its own checkpoints; never changed."),
]
At = Annotated[
    int | None, typer.Option("--at", metavar="STEP", help="Without a checkpoint: train up to this step first.")
]
Seeds = Annotated[
    int | None,
    typer.Option(help="Seeds; 3, and 1 from a checkpoint, after which others are other orders of the data."),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME={VALUE,VALUE} ...",
        help="Every branch under each of these, from the checkpoint on: average={none,ema}. A script needs {average}.",
    ),
]
Floor = Annotated[float, typer.Option(help="The rate the decays end at.")]
NoShare = Annotated[bool, typer.Option("--no-share", help="Train every run apart; the results are the same.")]
MaxDisk = Annotated[
    str | None, typer.Option("--max-disk", metavar="SIZE", help="What snapshots may take at once, such as 2GB.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do and cost, and train nothing.")]


def print_plan(said: Sequence[str], planned: Estimate, *, json: bool) -> None:
    """What a dry run says."""
    if json:
        print_json({"plan": list(said)} | planned.to_json())
    else:
        print("\n".join([*said, *planned.sentences()]))


def print_study(study: Study, report: Path) -> None:
    """A table, the verdict and where the report is."""
    from rich.console import Console

    from lrdecay.report.tables import study_table
    from lrdecay.report.verdict import verdict

    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(study_table(study))
    console.print(verdict(study), highlight=False, markup=False)
    console.print(f"\nreport: {report}\n", highlight=False, markup=False, soft_wrap=True)


def print_exported(exported: Sequence[str]) -> None:
    """What was handed on, and where."""
    for target in exported:
        print(f"exported: {target}")


def say(line: str) -> None:
    """A line on standard error, at once."""
    print(line, file=sys.stderr, flush=True)
