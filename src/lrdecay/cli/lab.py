"""``lrdecay lab``: published explanations of why decay helps, tested here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lrdecay.cli.options import (
    Epochs,
    Json,
    Metric,
    Optimizer,
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

__all__ = ["lab_app"]

lab_app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Published explanations of why decay helps, tested here: each with a verdict and its numbers.",
)

Folder = Annotated[str, typer.Option("--out", metavar="DIR", help="Keeps runs, results and the report.")]


@lab_app.callback()
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@lab_app.command("list")
def list_command(folder: Folder = "lrdecay-lab", json: Json = False) -> None:
    """Every claim, where it is from, and its verdict here; "not tested" where none is kept in the folder.

    Example: lrdecay lab list
    """
    from lrdecay.lab.running import experiments

    rows = experiments(folder)
    if json:
        print_json({"experiments": rows})
        return
    _table(rows)


@lab_app.command("run")
def run_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Experiments (`lrdecay lab list`), or all.")],
    seeds: Annotated[
        str | None, typer.Option(metavar="K|A-B|A,B", help="How many, or which; by default those declared.")
    ] = None,
    scale: Annotated[str, typer.Option(help="smoke (minutes, no verdict), small or full.")] = "small",
    workers: Workers = None,
    folder: Folder = "lrdecay-lab",
    json: Json = False,
) -> None:
    """Run experiments and judge their claims; what is kept in the folder is not made again. At the end, the report.

    Example: lrdecay lab run ge2019

    Example: lrdecay lab run all --scale smoke
    """
    from lrdecay.lab.running import run_experiments

    results: list[dict[str, Any]] = []
    with ProgressBar() as bar:
        made = run_experiments(
            names,
            seeds=seeds,
            scale=scale,
            folder=folder,
            workers=workers,
            watch=bar,
            command=command_line(),
        )
        for result in made:
            found = result.to_json()
            results.append(found)
            if not json:
                _print_result(found)
    page = _page(folder)
    if json:
        print_json({"experiments": results, "report": page})
        return
    sys.stdout.write(f"\nreport: {page}\n")


@lab_app.command("report")
def report_command(folder: Folder = "lrdecay-lab", json: Json = False) -> None:
    """One HTML page over all results that the folder keeps: verdicts, intervals, controls, figures, every arm.

    Example: lrdecay lab report
    """
    from lrdecay.errors import InputError, refusal
    from lrdecay.lab.running import experiments

    if not (Path(folder) / "results").is_dir():
        cure = "Make some: lrdecay lab run all --scale small"
        msg = refusal("lab report --out DIR", "must be a folder that keeps results of the lab", folder, cure)
        raise InputError(msg)
    page = _page(folder)
    if json:
        print_json({"report": page, "experiments": experiments(folder)})
        return
    sys.stdout.write(f"report: {page}\n")


@lab_app.command("explain")
def explain_command(
    task: Task = None,
    schedule: Annotated[str, typer.Option("--schedule", "-s", metavar="SPEC", help="The schedule.")] = ...,  # type: ignore[assignment]
    script: Script = None,
    seed: Annotated[int, typer.Option(help="The first random seed.")] = 0,
    seeds: Annotated[int, typer.Option(metavar="K", help="How many; one shows no spread.")] = 3,
    steps: Steps = None,
    epochs: Epochs = None,
    flip: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the training labels, made wrong in a run of its own; 0: none.")
    ] = 0.1,
    with_: With = None,
    optimizer: Optimizer = None,
    metric: Metric = None,
    workers: Workers = None,
    folder: Folder = "lrdecay-lab",
    json: Json = False,
) -> None:
    """Explain a run of your own: what its decay revealed and taught, memorizing, oscillation, sharpness, noise.

    Example: lrdecay lab explain digits -s 'multi_step(0.2, factor=0.1, at=["50%", "75%"])'

    Example: lrdecay lab explain --script 'python train.py' -s 'cosine(0.1)' --metric accuracy --seeds 1
    """
    from lrdecay.lab.explain.explaining import explain

    with ProgressBar() as bar:
        explained = explain(
            task,
            schedule,
            script=script,
            seed=seed,
            seeds=seeds,
            steps=steps,
            epochs=epochs,
            flip=flip,
            arguments=task_arguments(with_, optimizer),
            metric=metric,
            folder=folder,
            workers=workers,
            watch=bar,
            command=command_line(),
        )
    found = explained.to_json()
    if json:
        print_json(found)
        return
    from lrdecay.lab.explain.table import explain_table

    sys.stdout.write(f"{explain_table(found)}\nreport: {explained.page}\n")


def _page(folder: str) -> str:
    """Write the page; gives its path."""
    from lrdecay.verbs.extras import require

    require("study", "lab report")
    from lrdecay.lab.page import write_page

    return str(write_page(Path(folder)))


def _print_result(found: dict[str, Any]) -> None:
    """One experiment: its claims with their numbers, every control, notes."""
    out = sys.stdout.write
    again = "" if not found["reconstruction"] else " (reconstruction)"
    out(f"\n{found['name']}{again}: {found['title']}\n{found['source']}\n")
    for claim in found["claims"]:
        out(f"\n  {claim['verdict'].upper()}: {claim['claim']}\n    {claim['reason']}\n")
        for role in ("statistics", "null", "planted"):
            rows = claim[role] if role == "statistics" else [claim[role]]
            for s in filter(None, rows):
                name = s["name"] if role == "statistics" else f"{role} control: {s['name']}"
                out(f"    {name} = {_numbers(s)}: {s['state']}\n")
    for note in found["notes"]:
        out(f"  - {note}\n")
    cost = found["cost"]
    out(f"  {cost['seconds']:.0f} s, {cost['steps_trained']} updates made of {cost['steps_asked']} asked for\n")


def _numbers(s: dict[str, Any]) -> str:
    if s["estimate"] is None:
        return "not measured"
    unit = f" {s['unit']}" if s["unit"] else ""
    ends = s["interval"]
    between = "" if None in ends or ends[0] == ends[1] else f" ({ends[0]:.4g} to {ends[1]:.4g})"
    missing = sum(value is None for value in s["values"])
    left = f", {missing} of {len(s['values'])} seeds not reached" if missing else ""
    return f"{s['estimate']:.4g}{between}{unit}, smallest that matters {s['sesoi']:g}{left}"


def _table(rows: list[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("name", "claim", "source", "verdict"):
        table.add_column(column, overflow="fold", no_wrap=column == "name")
    for row in rows:
        table.add_row(row["name"], row["claim"], row["source"], row["verdict"])
    Console(width=None if sys.stdout.isatty() else 150).print(table)
