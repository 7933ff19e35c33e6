"""``lrdecay convert``: another library's scheduler in our notation, or a schedule of ours as code for it."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from lrdecay.cli.options import Json, print_json

__all__ = ["convert_command"]


def convert_command(
    scheduler: Annotated[
        str, typer.Argument(help="Another library's scheduler, such as 'torch.StepLR(step_size=30)'; or a schedule.")
    ],
    to: Annotated[
        str | None, typer.Option(metavar="LIBRARY", help="Write code for torch, keras, optax or transformers.")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="The rate in the optimizer, where the scheduler multiplies it.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Updates in the run.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Epochs in the run; needs the length of one.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="Updates in an epoch.")] = None,
    samples_per_epoch: Annotated[int | None, typer.Option(help="Samples in an epoch; with --batch-size.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in an update.")] = None,
    tokens_per_step: Annotated[int | None, typer.Option(help="Tokens in an update.")] = None,
    as_is: Annotated[bool, typer.Option("--as-is", help="Keep what is plainly a bug of the other library.")] = False,
    json: Json = False,
) -> None:
    """Move a schedule over: read another library's scheduler, or write code for one. The numbers stay the same.

    Example: lrdecay convert 'torch.CosineAnnealingLR(T_max=100, eta_min=0.001)' --lr 0.1 --steps 100
    """
    from lrdecay.verbs.convert import convert

    length: dict[str, Any] = {
        "steps": steps,
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "samples_per_epoch": samples_per_epoch,
        "batch_size": batch_size,
        "tokens_per_step": tokens_per_step,
    }
    given = {name: value for name, value in length.items() if value is not None}
    done = convert(scheduler, to, lr=lr, as_is=as_is, **given)
    if json:
        print_json(done.to_json())
        return
    if done.code:
        sys.stdout.write(done.code)
        return
    sys.stdout.write(f"{done.schedule!r}\n")
    if done.bound is not None:
        bound = done.bound
        marks = sorted({0, bound.steps // 4, bound.steps // 2, 3 * bound.steps // 4, bound.steps - 1})
        values = [(str(t), f"{bound(t):.6g}") for t in marks]
        widths = [max(len(a), len(b)) for a, b in values]
        for label, row in zip(("step", "rate"), zip(*values, strict=True), strict=True):
            cells = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write(f"    {label}  {cells}\n")
    for saying in done.sayings:
        for what, text in (("differs", saying.differs), ("past its end", saying.ends)):
            if text:
                sys.stdout.write(f"{saying.library}.{saying.name}, {what}: {text}\n")
