"""``lrdecay cooldown``: from one step of a run, which cooldown?"""

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
    Epochs,
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

__all__ = ["cooldown_command"]


def cooldown_command(
    task: Task = None,
    script: Script = None,
    checkpoint: Checkpoint = None,
    at: At = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", "-s", metavar="SPEC", help="What led there: SPEC, or SPEC @ ITS LENGTH.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="The rate there, where the schedule is not known.")] = None,
    steps: Annotated[int | None, typer.Option(help="The length of that schedule in updates.")] = None,
    epochs: Epochs = None,
    lengths: Annotated[
        str, typer.Option(metavar="P%,P%", help="Lengths of cooldowns, percent of the final length of the run.")
    ] = "5%,10%,20%",
    shapes: Annotated[str, typer.Option(metavar="SHAPE,SHAPE", help="Shapes of cooldowns.")] = "linear,1-sqrt",
    total: Annotated[
        int | None, typer.Option(help="Where all end that match in total; else where the longest ends.")
    ] = None,
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
    """Cool down from one step of a run in many ways: matching the total length, and matching the trunk.

    Example: lrdecay cooldown --script 'python train.py' --from ckpt.pt --rate 3e-4 --lengths 5%,10%,20%

    Example: lrdecay cooldown digits --at 400 --schedule 'constant(0.1)' --vary average={none,ema,lawa}
    """
    from lrdecay.verbs.cooldown import cooldown, cooldown_dry_run

    asked: dict[str, Any] = {
        "script": script,
        "checkpoint": checkpoint,
        "at": at,
        "schedule": schedule,
        "rate": rate,
        "steps": steps,
        "epochs": epochs,
        "lengths": lengths,
        "shapes": shapes,
        "total": total,
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
        print_plan(*cooldown_dry_run(task, **asked), json=json)
        return
    with ProgressBar() as bar:
        cooled = cooldown(task, **asked, out=out, export=export or (), watch=bar, say=say, command=command_line())
    if json:
        print_json(cooled.to_json())
        return
    print_study(cooled.matching_total, cooled.reports["matching_total"])
    print_study(cooled.matching_trunk, cooled.reports["matching_trunk"])
    print_exported(cooled.exported)
