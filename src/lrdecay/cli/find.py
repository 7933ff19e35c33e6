"""``lrdecay find``: a peak learning rate, with an interval."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrdecay.cli.options import Json, Optimizer, Script, Task, With, Workers, print_json, task_arguments
from lrdecay.cli.progress import ProgressBar

if TYPE_CHECKING:
    from lrdecay.verbs.finding import Finding

__all__ = ["find_command"]


def find_command(
    task: Task = None,
    script: Script = None,
    seed: Annotated[int, typer.Option(help="Which seeds the repeats use.")] = 0,
    repeats: Annotated[int, typer.Option(help="Curves to average, each with its own initial weights and data.")] = 5,
    points: Annotated[int, typer.Option(help="Updates in a curve.")] = 100,
    low: Annotated[float, typer.Option(help="First rate.")] = 1e-6,
    high: Annotated[float, typer.Option(help="Last rate.")] = 10.0,
    ramp: Annotated[str, typer.Option(help="How the rate rises: exponential or linear.")] = "exponential",
    heldout_every: Annotated[
        int | None, typer.Option(metavar="K", help="Measure the held-out loss too, every K points.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--from", metavar="CHECKPOINT", help="With --script: start from one of its checkpoints."),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule",
            "-s",
            metavar="SPEC",
            help="The decay to come: cosine, or 'cosine(peak)'; adds short runs of it.",
        ),
    ] = None,
    budget: Annotated[float, typer.Option(help="Full runs that the short runs of --schedule may cost together.")] = 2.0,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:min|:max]", help="What is to be best with --schedule: loss, or what runs are judged by."
        ),
    ] = None,
    hold: Annotated[
        str,
        typer.Option(
            help="What short runs of --schedule keep: weight-decay, or shrinkage, its product with lr x steps."
        ),
    ] = "weight-decay",
    with_: With = None,
    optimizer: Optimizer = None,
    workers: Workers = None,
    json: Json = False,
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write a picture: .png, .svg or .pdf; the short runs of --schedule beside it."
        ),
    ] = None,
) -> None:
    """Find a peak learning rate by a range test that leaves everything as it was.

    Example: lrdecay find digits --schedule cosine
    """
    from lrdecay.verbs.extras import require
    from lrdecay.verbs.find import find

    require("study", "find")
    from lrdecay.report.drawing import plot_path, save

    picture_file = None if plot is None else plot_path(plot)
    with ProgressBar() as bar:
        finding = find(
            task,
            script=script,
            seed=seed,
            repeats=repeats,
            points=points,
            low=low,
            high=high,
            ramp=ramp,
            heldout_every=heldout_every,
            checkpoint=checkpoint,
            schedule=schedule,
            budget=budget,
            metric=metric,
            hold=hold,
            arguments=task_arguments(with_, optimizer),
            workers=workers,
            watch=bar,
        )
    reading, tested = finding.reading, finding.range_test
    if picture_file is not None:
        from lrdecay.report.figures import range_figure

        repeated, mean = [(c.rates, c.losses) for c in finding.curves], (reading.rates, reading.losses)
        others = reading.rules | {p.name: p.median for p in finding.peers if p.median is not None}
        figure = range_figure(repeated, mean, suggestion=tested.suggestion, interval=tested.interval, rules=others)
        save(figure, picture_file)
        if finding.schedule is not None:
            from lrdecay.report.schedule_figure import schedule_figure

            save(schedule_figure(finding.schedule), beside(picture_file))
    if json:
        print_json(finding.to_json())
        return
    from lrdecay.report.picture import picture

    title = f"{finding.task}: training loss under a rising rate, {finding.repeats} repeats averaged"
    curve = {"loss": (reading.rates, reading.losses)}
    mark = None if tested.suggestion is None else ("peak", tested.suggestion)
    drawn = picture(
        curve, title=title, x_label="learning rate", log_x=True, log_y=True, mark=mark, colour=sys.stdout.isatty()
    )
    sys.stdout.write(drawn + "\n")
    from rich.console import Console

    from lrdecay.report.finding import answer_text, rules_table, schedule_text

    sys.stdout.write("" if finding.schedule is None else "range test alone, ")
    sys.stdout.write(answer_text(tested.suggestion, tested.why_not, finding.repeatability) + "\n")
    Console(width=None if sys.stdout.isatty() else 110).print(rules_table(reading.rules, finding.peers))
    if finding.schedule is not None:
        sys.stdout.write("\n" + schedule_text(finding.schedule) + "\n")
    sys.stdout.write(_critical(finding))
    if script is not None:
        state = finding.notes[0]
    else:
        state = f"the task was {'left exactly as it was' if finding.restored else 'NOT left as it was'}"
    sys.stdout.write(f"{finding.steps_used} updates; {state}\n")


def beside(path: Path) -> Path:
    """Where the picture of the short runs goes: curve.png -> curve-schedule.png."""
    return path.with_name(f"{path.stem}-schedule{path.suffix}")


def _critical(finding: Finding) -> str:
    """A line on the critical rate, where there is one."""
    if finding.critical_rate is None:
        return ""
    line = f"critical rate: {finding.critical_rate:.2g}, above which the first update raises the loss of its own batch"
    if finding.binding is not None:
        word = "binding" if finding.is_binding else "not binding"
        line += f"; the peak is {finding.binding:.2g} of it: {word} at the start"
    return line + "\n"
