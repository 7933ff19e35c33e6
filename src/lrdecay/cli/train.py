"""``lrdecay train``: one run under one schedule."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lrdecay.cli.options import (
    Epochs,
    Json,
    Metric,
    Optimizer,
    Out,
    Script,
    Steps,
    Task,
    With,
    command_line,
    print_json,
    task_arguments,
)
from lrdecay.cli.progress import ProgressBar

__all__ = ["train_command"]


def train_command(
    task: Task = None,
    schedule: Annotated[str, typer.Option("--schedule", "-s", metavar="SPEC", help="The schedule.")] = ...,  # type: ignore[assignment]
    script: Script = None,
    peak: Annotated[float | None, typer.Option(help="Fill or replace the schedule's peak.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    steps: Steps = None,
    epochs: Epochs = None,
    with_: With = None,
    optimizer: Optimizer = None,
    metric: Metric = None,
    evaluations: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many times along the run held-out metrics are measured; 10 by default."),
    ] = None,
    out: Out = None,
    verify_fork: Annotated[
        int, typer.Option(metavar="N", help="Also fork at N random steps and report whether the ends agree.")
    ] = 0,
    json: Json = False,
) -> None:
    """Train once under a schedule and keep the trace.

    Example: lrdecay train digits -s 'cosine(0.1)' --epochs 5 --out run

    Example: lrdecay train digits -s 'constant(0.1) * plateau(every="1ep")' --epochs 60
    """
    from lrdecay.verbs.train import train

    with ProgressBar() as bar:
        trained = train(
            task,
            schedule,
            script=script,
            peak=peak,
            seed=seed,
            steps=steps,
            epochs=epochs,
            arguments=task_arguments(with_, optimizer),
            metric=metric,
            evaluations=evaluations,
            out=out,
            verify_fork=verify_fork,
            watch=bar,
            command=command_line(),
        )
    if json:
        print_json(trained.to_json())
        return
    from lrdecay.report.picture import picture

    r = trained.result
    title = f"{trained.task}: training loss under {r.schedule}"
    curve = {"loss": (r.trace.step, r.trace.loss)}
    sys.stdout.write(picture(curve, title=title, x_label="step", colour=sys.stdout.isatty()) + "\n")
    final = ", ".join(f"{name} {value:.4g}" for name, value in r.metrics.items())
    sys.stdout.write(f"{r.steps} updates in {r.seconds:.1f} s; at the end: {final}\n")
    for event in r.events:
        factors = f"{event['before']:.4g} to {event['after']:.4g}"
        sys.stdout.write(f"{event['kind']} at step {event['step']}: the multiplier from {factors}; {event['why']}\n")
    for fork in trained.forks:
        weights = "" if fork.weight_difference is None else f", weights {fork.weight_difference:.3g}"
        ends = "identical" if fork.identical else f"differs: loss {fork.loss_difference:.3g}{weights}"
        sys.stdout.write(f"fork at step {fork.step}: {ends}\n")
    for note in r.notes:
        sys.stdout.write(f"note: {note}\n")
    sys.stdout.write(f"trace: {trained.folder / 'trace.csv'}\n")
