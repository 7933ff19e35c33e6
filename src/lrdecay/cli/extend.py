"""``lrdecay extend``: a run is to be longer than was planned; how to go on?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lrdecay.cli.branching import (
    At,
    Checkpoint,
    DryRun,
    Floor,
    MaxDisk,
    NoShare,
    Seeds,
    Vary,
    print_exported,
    print_plan,
    print_study,
    say,
)
from lrdecay.cli.options import (
    Budget,
    Export,
    Json,
    Metric,
    Optimizer,
    Out,
    Script,
    Task,
    With,
    Workers,
    command_line,
    print_json,
    task_arguments,
)
from lrdecay.cli.progress import ProgressBar

__all__ = ["extend_command"]


def extend_command(
    steps: Annotated[int, typer.Option(help="The new length of the run in updates, in all.")],
    schedule: Annotated[
        str,
        typer.Option("--schedule", "-s", metavar="SPEC", help="What led there, with its old length: SPEC @ 5000."),
    ],
    task: Task = None,
    script: Script = None,
    checkpoint: Checkpoint = None,
    at: At = None,
    rewarm: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH", help="Bring the rate up again over this long: 2% of the new length, or updates."
        ),
    ] = None,
    peaks: Annotated[str, typer.Option(metavar="P%,P%", help="Up to these shares of the old peak.")] = "50%,100%",
    cooldown: Annotated[
        str, typer.Option(metavar="P%", help="Length of the cooldown after a constant rate, percent of the new length.")
    ] = "20%",
    shapes: Annotated[str, typer.Option(metavar="SHAPE,SHAPE", help="Shapes of the decays at the end.")] = "linear",
    floor: Floor = 0.0,
    seeds: Seeds = None,
    with_: With = None,
    optimizer: Optimizer = None,
    vary: Vary = None,
    budget: Budget = None,
    metric: Metric = None,
    out: Out = None,
    workers: Workers = None,
    no_share: NoShare = False,
    max_disk: MaxDisk = None,
    dry: DryRun = False,
    export: Export = None,
    json: Json = False,
) -> None:
    """Go on to more updates in several ways: the schedule stretched, a constant rate, the rate brought up again.

    Example: lrdecay extend --script 'python train.py' --from ckpt.pt -s 'cosine(3e-4) @ 5000' --steps 9000 --rewarm 2%
    """
    from lrdecay.verbs.extend import extend, extend_dry_run

    asked: dict[str, Any] = {
        "steps": steps,
        "schedule": schedule,
        "script": script,
        "checkpoint": checkpoint,
        "at": at,
        "rewarm": rewarm,
        "peaks": peaks,
        "cooldown": cooldown,
        "shapes": shapes,
        "floor": floor,
        "seeds": seeds,
        "arguments": task_arguments(with_, optimizer),
        "vary": vary or (),
        "budget": budget,
        "metric": metric,
        "workers": workers,
        "share": not no_share,
        "max_disk": max_disk,
    }
    if dry:
        print_plan(*extend_dry_run(task, **asked), json=json)
        return
    with ProgressBar() as bar:
        extended = extend(task, **asked, out=out, export=export or (), watch=bar, say=say, command=command_line())
    if json:
        print_json(extended.to_json())
        return
    print_study(extended.study, extended.report)
    print_exported(extended.exported)
