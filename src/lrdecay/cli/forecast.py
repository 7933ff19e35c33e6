"""``lrdecay forecast``: what would another decay have reached, and which one to use?"""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from lrdecay.cli.options import Json, command_line, print_json
from lrdecay.errors import InputError, refusal

__all__ = ["forecast_command"]


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
    free_form: Annotated[
        bool, typer.Option("--free-form", help="Search rates at knots around the recommended decay, too.")
    ] = False,
    cooldown: Annotated[
        bool, typer.Option("--cooldown", help="Say what every length of a linear cooldown gives over --steps.")
    ] = False,
    target: Annotated[float | None, typer.Option(metavar="LOSS", help="Say how long to train until this loss.")] = None,
    extend: Annotated[
        int | None,
        typer.Option(metavar="N", help="Say how to go on to N updates in all from where a run stands, or to stop."),
    ] = None,
    extend_run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which run; by default the one longest at its peak.")
    ] = None,
    extend_at: Annotated[
        int | None, typer.Option(metavar="STEP", help="From its checkpoint at this step; by default its end.")
    ] = None,
    refine: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The refined schedule from gradient norms in this column.")
    ] = None,
    averaged: Annotated[
        bool,
        typer.Option("--averaged", help="Say what cooldowns from here give, by the loss of averaged weights; no law."),
    ] = False,
    averaged_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The same, where the column is not known by its name.")
    ] = None,
    norms: Annotated[str, typer.Option(help="2: they are 2-norms, for SGD; 1: 1-norms, for Adam.")] = "2",
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
    write: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write what is recommended, extended or refined to a .json, for @FILE."),
    ] = None,
) -> None:
    """Forecast final losses of other decays from logs, with 90% intervals, and say which decay to use.

    Example: lrdecay forecast constant.csv cooldown.csv --predict 'cosine(peak)' --predict 'wsd(peak, 300, "40%")'

    Example: lrdecay forecast runs/ --loss val/loss --recommend --free-form --steps 50000 --write best.json

    Example: lrdecay forecast constant.csv cooldown.csv --cooldown --target 2.95

    Example: lrdecay forecast constant.csv cooldown.csv --extend 80000

    Example: lrdecay forecast watch.csv --averaged
    """
    from lrdecay.cli.forecast_words import show
    from lrdecay.verbs.extras import require
    from lrdecay.verbs.forecast import forecast
    from lrdecay.verbs.grids import check_typed

    require("study", "forecast")
    from lrdecay.report.drawing import plot_path, save

    picture_file = None if plot is None else plot_path(plot)
    check_typed(predict or (), "--predict SPEC")
    schedule_file = None if write is None else _json_file(write)
    found = forecast(
        logs,
        predict=predict or (),
        steps=steps,
        recommend=recommend,
        free_form=free_form,
        cooldown=cooldown,
        target=target,
        extend=extend,
        extend_run=extend_run,
        extend_at=extend_at,
        refine=refine,
        norms=norms,
        averaged=averaged if averaged_column is None else averaged_column,
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

        if found.forecaster is None:
            rule = "must come with logs that carry a law, which it draws"
            raise InputError(refusal("--plot FILE", rule, str(plot), "Leave it out with --averaged alone."))
        save(forecast_figure(found.forecaster, found.drawn), picture_file)
    if schedule_file is not None and found.schedules:
        schedule_file.write_text(dumps(found.schedules, indent=2) + "\n", encoding="utf-8")
    if json:
        print_json(found.to_json())
        return
    show(found)
    if schedule_file is not None:
        what = ", ".join(found.schedules)
        print(f"written to {write}: {what}" if what else f"{write} was not written: there is no schedule to write")


def _json_file(name: str) -> Path:
    path = Path(name)
    if path.suffix.lower() != ".json":
        raise InputError(refusal("--write FILE", "must end in .json", name, "It is read again by @FILE."))
    if not path.parent.is_dir():
        raise InputError(refusal("--write FILE", "must lie in a folder that exists", name))
    return path
