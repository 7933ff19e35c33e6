"""``lrdecay show``: schedules as a picture, a table of values, or JSON."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from lrdecay.cli.options import Json, print_json

__all__ = ["show_command"]


def show_command(
    schedules: Annotated[list[str], typer.Argument(help="Schedules in the notation, such as 'cosine(0.1)'.")],
    steps: Annotated[int | None, typer.Option(help="Updates in the run.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Epochs in the run; needs the length of one.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="Updates in an epoch.")] = None,
    samples_per_epoch: Annotated[int | None, typer.Option(help="Samples in an epoch; with --batch-size.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in an update.")] = None,
    tokens_per_step: Annotated[int | None, typer.Option(help="Tokens in an update.")] = None,
    json: Json = False,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Write a picture: .png, .svg or .pdf.")] = None,
) -> None:
    """Show schedules: a small picture and the values where something happens.

    Example: lrdecay show 'warmup(100) + cosine(0.1)' 'step(0.1, factor=0.5, every=200)' --steps 1000
    """
    import numpy as np

    from lrdecay.verbs.show import show

    length: dict[str, Any] = {
        "steps": steps,
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "samples_per_epoch": samples_per_epoch,
        "batch_size": batch_size,
        "tokens_per_step": tokens_per_step,
    }
    shown = show(schedules, **{name: value for name, value in length.items() if value is not None})
    curves = {repr(b.schedule): (np.arange(b.steps), b.values()) for b in shown.bounds}
    if plot is not None:
        from lrdecay.verbs.extras import require

        require("study", "show --plot")
        from lrdecay.report.drawing import plot_path, save
        from lrdecay.report.figures import rates_figure

        save(rates_figure(curves), plot_path(plot))
    if json:
        print_json(shown.to_json())
        return
    from lrdecay.report.picture import picture

    sys.stdout.write(picture(curves, title="learning rate", x_label="step", colour=sys.stdout.isatty()) + "\n")
    for bound in shown.bounds:
        marks = sorted({0, bound.steps // 4, bound.steps // 2, 3 * bound.steps // 4, bound.steps - 1})
        values = "  ".join(f"{t}: {bound(t):.6g}" for t in marks)
        sys.stdout.write(f"{bound.schedule!r}  ({bound.steps} steps)\n    {values}\n")
