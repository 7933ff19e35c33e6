"""``lrdecay forecast``: what would another decay have reached, and which one to use?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lrdecay.cli.options import Json, command_line, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from lrdecay.losslaws.reaching import Reach
    from lrdecay.losslaws.recommending import Recommendation
    from lrdecay.verbs.forecast_result import Forecast

__all__ = ["forecast_command"]

_MOST_CURVES = 8  # that a picture can tell apart
_LOGGED = 80  # points of a logged curve that are drawn: means of neighbours
_EARLY = 0.05  # of the longest run: the fall before it would flatten everything else


def forecast_command(
    logs: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG...",
            help="Files or folders of any tool, or wandb:ENTITY/PROJECT/RUN; runs of one task and peak.",
        ),
    ],
    predict: Annotated[
        list[str] | None,
        typer.Option(
            "--predict",
            metavar="SPEC",
            help="A schedule (`peak` is the logs' peak), its length (@ 50000) perhaps, a grid or @FILE; repeat.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Updates of predicted runs; by default as many as the longest log.")
    ] = None,
    recommend: Annotated[bool, typer.Option("--recommend", help="Say which decay to use over --steps.")] = False,
    target: Annotated[float | None, typer.Option(metavar="LOSS", help="Say how long to train until this loss.")] = None,
    law: Annotated[
        str, typer.Option(metavar="NAME", help="auto, noise_floor, multi_power, momentum or functional.")
    ] = "auto",
    loss: Annotated[str | None, typer.Option(metavar="NAME", help="The column that is the loss.")] = None,
    step: Annotated[str | None, typer.Option(metavar="NAME", help="The column of steps.")] = None,
    lr: Annotated[str | None, typer.Option(metavar="NAME", help="The column that is the learning rate.")] = None,
    schedule: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule", "-s", metavar="SPEC", help="What the rate was, where it was not logged; one for each LOG."
        ),
    ] = None,
    log_steps: Annotated[int | None, typer.Option(help="The length of --schedule, where it does not say @ N.")] = None,
    warmup: Annotated[int | None, typer.Option(help="Updates of the logs that warmed up; by default seen.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="For logs and schedules in epochs.")] = None,
    run: Annotated[
        list[str] | None, typer.Option("--run", metavar="NAME", help="Only this run of the logs. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the near-equal fits that the intervals rest on.")] = 0,
    json: Json = False,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Write a picture: .png, .svg or .pdf.")] = None,
) -> None:
    """Forecast final losses of other decays from logs, with 90% intervals, and say which decay to use.

    Example: lrdecay forecast constant.csv cooldown.csv --predict 'cosine(peak)' --predict 'wsd(peak, 300, "40%")'

    Example: lrdecay forecast runs/ --loss val/loss --recommend --steps 50000 --target 2.95
    """
    from lrdecay.verbs.extras import require
    from lrdecay.verbs.forecast import forecast
    from lrdecay.verbs.grids import check_typed

    require("study", "forecast")
    from lrdecay.report.drawing import plot_path, save

    picture_file = None if plot is None else plot_path(plot)
    check_typed(predict or (), "--predict SPEC")
    found = forecast(
        logs,
        predict=predict or (),
        steps=steps,
        recommend=recommend,
        target=target,
        law=law,
        loss=loss,
        step=step,
        lr=lr,
        schedule=schedule,
        log_steps=log_steps,
        warmup=warmup,
        steps_per_epoch=steps_per_epoch,
        run=run or (),
        seed=seed,
        command=command_line(),
    )
    if picture_file is not None:
        from lrdecay.report.forecast_figure import forecast_figure

        save(forecast_figure(found.forecaster, found.drawn), picture_file)
    if json:
        print_json(found.to_json())
        return
    _show(found)


def _show(found: Forecast) -> None:
    from rich.console import Console

    from lrdecay.losslaws.reaching import FARTHEST
    from lrdecay.report.forecasting import laws_table, predictions_table

    sys.stdout.write(_picture(found) + "\n\n")
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(laws_table(found.forecaster.choice))
    if found.predictions:
        console.print(predictions_table([(p, found.to_best(p)) for p in found.predictions]))
    if found.recommendation is not None:
        _advise(console, found.recommendation, found.steps)
    if found.target is not None:
        _tell(console, _reached(found.target.reach, FARTHEST * found.forecaster.longest))
    for s in found.next_runs:
        start = f"from the checkpoint at step {s.start}" if s.start else "from the start"
        line = f"next run: {s.spec} @ {s.steps} {start}: {s.cost} updates, takes {s.share:.0%} of the doubt away"
        _tell(console, line)
    for note in found.notes:
        _tell(console, f"note: {note}")


def _tell(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def _picture(found: Forecast) -> str:
    """Logged and predicted losses, without the first twentieth."""
    from lrdecay.report.picture import picture

    logged = [c.thinned(_LOGGED) for c in found.forecaster.curves]
    curves = {f"{c.name} (logged)": (c.steps, c.losses) for c in logged}
    curves |= {f"{p.spec} @ {p.length} (forecast)": (p.steps, p.losses) for p in found.drawn}
    first = _EARLY * max(float(steps[-1]) for steps, _ in curves.values())
    shown = dict(list(curves.items())[-_MOST_CURVES:])
    late = {name: (steps[steps > first], losses[steps > first]) for name, (steps, losses) in shown.items()}
    title = f"loss, logged and forecast; {found.law} law"
    return picture(late, title=title, x_label="step", colour=sys.stdout.isatty())


def _advise(console: Console, r: Recommendation, steps: int) -> None:
    from lrdecay.report.forecasting import loss_digits

    head = (
        f"no recommendation over {steps} updates" if r.spec is None else f"recommended over {steps} updates: {r.spec}"
    )
    console.print(head, style="bold", highlight=False, markup=False, soft_wrap=True)
    digits = loss_digits([r.prediction])
    p = r.prediction
    _tell(console, f"  {r.why}")
    known = ", extrapolated" if p.extrapolated else ""
    _tell(console, f"  {r.choice}: {p.loss:.{digits}f} (90%: {p.low:.{digits}f} to {p.high:.{digits}f}{known})")


def _reached(reach: Reach, farthest: int) -> str:
    """When the target is reached; ``farthest`` is how far was looked."""
    if reach.updates is None:
        return f"target: {reach.why}"
    low, high = (f"more than {farthest}" if n is None else f"{n}" for n in (reach.low, reach.high))
    return f"target: {reach.why} 90% of near-equal fits: {low} to {high} updates."
