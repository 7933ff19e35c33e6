"""``lrdecay find``: a peak learning rate, with an interval."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lrdecay.cli.options import Json, Optimizer, Script, Task, With, Workers, print_json, task_arguments
from lrdecay.cli.progress import ProgressBar

if TYPE_CHECKING:
    from lrdecay.verbs.find import Finding

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
    with_: With = None,
    optimizer: Optimizer = None,
    workers: Workers = None,
    json: Json = False,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Write a picture: .png, .svg or .pdf.")] = None,
) -> None:
    """Find a peak learning rate by a range test that leaves everything as it was.

    Example: lrdecay find digits
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
            arguments=task_arguments(with_, optimizer),
            workers=workers,
            watch=bar,
        )
    reading, interval = finding.reading, finding.interval
    if picture_file is not None:
        from lrdecay.report.figures import range_figure

        repeated, mean = [(c.rates, c.losses) for c in finding.curves], (reading.rates, reading.losses)
        figure = range_figure(repeated, mean, suggestion=reading.suggestion, interval=interval, rules=reading.rules)
        save(figure, picture_file)
    if json:
        print_json(finding.to_json())
        return
    from lrdecay.report.picture import picture

    title = f"{finding.task}: training loss under a rising rate, {finding.repeats} repeats averaged"
    curve = {"loss": (reading.rates, reading.losses)}
    mark = None if reading.suggestion is None else ("peak", reading.suggestion)
    drawn = picture(
        curve, title=title, x_label="learning rate", log_x=True, log_y=True, mark=mark, colour=sys.stdout.isatty()
    )
    sys.stdout.write(drawn + "\n")
    if finding.suggestion is None:
        sys.stdout.write(f"no clear answer: {reading.why_not}\n")
    else:
        known = "" if interval is None else f"  (95% over repeats: {interval.lo:.2g} to {interval.hi:.2g})"
        sys.stdout.write(f"peak: {finding.suggestion:.2g}{known}\n")
    others = ", ".join(f"{name} {rate:.2g}" for name, rate in reading.rules.items() if name != "lrdecay")
    sys.stdout.write(f"other rules: {others}\n{_critical(finding)}")
    if script is not None:
        state = finding.notes[0]
    else:
        state = f"the task was {'left exactly as it was' if finding.restored else 'NOT left as it was'}"
    sys.stdout.write(f"{finding.steps_used} updates; {state}\n")


def _critical(finding: Finding) -> str:
    """A line on the critical rate, where there is one."""
    if finding.critical_rate is None:
        return ""
    line = f"critical rate: {finding.critical_rate:.2g}, above which the first update raises the loss of its own batch"
    if finding.binding is not None:
        word = "binding" if finding.is_binding else "not binding"
        line += f"; the peak is {finding.binding:.2g} of it: {word} at the start"
    return line + "\n"
