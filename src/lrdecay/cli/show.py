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
    from lrdecay.schedule.grid import Grid

__all__ = ["show_command"]

_MOST_CURVES = 8  # that a picture can tell apart
_MOST_ROWS = 50  # of a grid that are listed


def show_command(
    schedules: Annotated[list[str], typer.Argument(help="Schedules, grids, plans or @FILE, such as 'cosine(0.1)'.")],
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

    A grid is listed: how many schedules it has, and which; without a length, that is all.

    A plan with weight decay shows lr*weight_decay and its timescale 1/(lr*weight_decay) too.

    Example: lrdecay show 'warmup(100) + cosine(0.1)' 'step(0.1, factor=0.5, every=200)' --steps 1000

    Example: lrdecay show 'wsd(0.1, warmup=100, cooldown={"10%","20%"}, shape={"linear","1-sqrt"})'

    Example: lrdecay show 'plan(lr=cosine(0.1), weight_decay=0.05)' --steps 100
    """
    import numpy as np

    from lrdecay.verbs.grids import check_typed, grids_of, names_several, preview
    from lrdecay.verbs.show import show

    length: dict[str, Any] = {
        "steps": steps,
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "samples_per_epoch": samples_per_epoch,
        "batch_size": batch_size,
        "tokens_per_step": tokens_per_step,
    }
    length = {name: value for name, value in length.items() if value is not None}
    check_typed(schedules, "SCHEDULES")
    grids = grids_of(schedules) if any(map(names_several, schedules)) else []
    if grids:
        if json and not length:
            print_json(preview(grids))
            return
        if not length and plot is None:
            sys.stdout.write(_listing(grids))
            return
        schedules = [str(spec) for grid in grids for spec in grid.specs]
    shown = show(schedules, **length)
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
    sys.stdout.write(_listing(grids) if grids else "")
    if len(shown.bounds) > _MOST_CURVES and grids:
        return
    from lrdecay.report.picture import picture

    sys.stdout.write(picture(curves, title="learning rate", x_label="step", colour=sys.stdout.isatty()) + "\n")
    for bound in shown.bounds:
        sys.stdout.write(f"{_spelled(bound)}  ({bound.steps} steps)\n{_table(bound)}")


def _listing(grids: list[Grid]) -> str:
    """How many schedules the grids have, and each with what was chosen for it."""
    lines = []
    for grid in grids:
        sizes = [str(len({repr(point.axes[axis]) for point in grid.points})) for axis in grid.axes]
        product = f": {' x '.join(grid.axes)} = {' x '.join(sizes)}" if sizes else ""
        count = "1 schedule" if len(grid.points) == 1 else f"{len(grid.points)} schedules"
        twice = f", {len(grid.repeated)} more are the same as one of them" if grid.repeated else ""
        lines.append(f"{grid.written}\n  {count}{product}{twice}")
        chosen = ["  ".join(f"{k}={v}" for k, v in point.axes.items()) for point in grid.points[:_MOST_ROWS]]
        width = max(map(len, chosen))
        rows = zip(chosen, grid.specs, strict=False)
        lines += [f"  {i:>5}  {text:<{width}}  {spec}" for i, (text, spec) in enumerate(rows, 1) if grid.axes]
        if len(grid.points) > _MOST_ROWS:
            lines.append(f"         ... and {len(grid.points) - _MOST_ROWS} more; --json lists them all")
    total = sum(len(grid.points) for grid in grids)
    return "\n".join([*lines, f"{total} schedules in all"] if len(grids) > 1 else lines) + "\n"


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
