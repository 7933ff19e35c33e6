"""``lrdecay show``: schedules and plans as a picture, a table of values, or JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrdecay.cli.options import Json, print_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lrdecay.schedule import Bound, BoundPlan

__all__ = ["show_command"]


def show_command(
    schedules: Annotated[list[str], typer.Argument(help="Schedules or plans in the notation, such as 'cosine(0.1)'.")],
    steps: Annotated[int | None, typer.Option(help="Updates in the run.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Epochs in the run; needs the length of one.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="Updates in an epoch.")] = None,
    samples_per_epoch: Annotated[int | None, typer.Option(help="Samples in an epoch; with --batch-size.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in an update.")] = None,
    tokens_per_step: Annotated[int | None, typer.Option(help="Tokens in an update.")] = None,
    json: Json = False,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Write a picture: .png, .svg or .pdf.")] = None,
) -> None:
    """Show schedules and plans: a small picture and the values where something happens.

    A plan with weight decay shows lr*weight_decay and its timescale 1/(lr*weight_decay) too.

    Example: lrdecay show 'warmup(100) + cosine(0.1)' 'step(0.1, factor=0.5, every=200)' --steps 1000

    Example: lrdecay show 'plan(lr=cosine(0.1), weight_decay=0.05)' --steps 100
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
    curves = {_spelled(b): (np.arange(b.steps), _rates(b)) for b in shown.bounds}
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
        sys.stdout.write(f"{_spelled(bound)}  ({bound.steps} steps)\n{_table(bound)}")


def _spelled(bound: Bound | BoundPlan) -> str:
    from lrdecay.schedule import Bound

    return repr(bound.schedule if isinstance(bound, Bound) else bound.plan)


def _rates(bound: Bound | BoundPlan) -> NDArray[np.float64]:
    from lrdecay.schedule import Bound

    return bound.values() if isinstance(bound, Bound) else bound.values("lr")


def _table(bound: Bound | BoundPlan) -> str:
    """Values at five marks: a line for a schedule; for a plan one for each name, and what other groups have."""
    from lrdecay.schedule import Bound
    from lrdecay.verbs.show import curves_of

    marks = sorted({0, bound.steps // 4, bound.steps // 2, 3 * bound.steps // 4, bound.steps - 1})

    def line(values: NDArray[np.float64]) -> str:
        return "  ".join(f"{t}: {values[t]:.6g}" for t in marks)

    if isinstance(bound, Bound):
        return f"    {line(bound.values())}\n"
    default = curves_of(bound)
    rows = {name: line(values) for name, values in default.items()}
    for label in bound.groups[1:]:
        own = {name: line(values) for name, values in curves_of(bound, label).items()}
        rows |= {f"{label}: {name}": text for name, text in own.items() if text != rows[name]}
    width = max(map(len, rows))
    return "".join(f"    {name:<{width}}  {text}\n" for name, text in rows.items())
