"""Reading a log that holds, beside the held-out loss, that of averaged weights: what `lrdecay.losslaws.averaged` takes.

Such logs are those of `lrdecay.adapters.torch.CooldownNow` (columns heldout_loss and averaged), and our own traces of a
task that measures the average "polynomial(19)" beside others (columns none/loss and polynomial(19)/loss). In other logs
both columns are to be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.logs.cleaning import cleaned
from lrdecay.logs.columns import log_of
from lrdecay.logs.log import FloatArray, Table
from lrdecay.logs.rates import rates_of
from lrdecay.logs.reading import read_tables
from lrdecay.losslaws.averaged import AVERAGE, FEWEST, AveragedTrunk
from lrdecay.schedule import Schedule

__all__ = ["KEPT_RATE", "AveragedReading", "averaged_column", "averaged_of", "read_averaged"]

KEPT_RATE = 0.98
"""Of the highest rate of the last half of the updates: one below is no constant rate."""

_AVERAGED = ("averaged", f"{AVERAGE}/loss")
_PLAIN = ("none/loss", "heldout_loss")
_SMOOTH = "Neighbouring losses hang together"  # as those of averaged weights on fixed data are to


@frozen(eq=False)
class AveragedReading:
    """One run that was read.

    Attributes:
        name: of the run.
        trunk: its losses, at the steps at which both were measured.
        loss: the column of the weights' own.
        rates: of every update up to the last of these steps, shape (T,).
        warmup: updates that warmed up.
        notes: sentences about everything that was left out, moved or assumed.
    """

    name: str
    trunk: AveragedTrunk
    loss: str
    rates: FloatArray = field(repr=False)
    warmup: int
    notes: tuple[str, ...]


def averaged_column(names: Iterable[str]) -> str | None:
    """The column that is the loss of averaged weights; None where no name says that it is.

    >>> averaged_column(["step", "none/loss", "polynomial(19)/loss"])
    'polynomial(19)/loss'
    """
    found = set(names)
    return next((name for name in _AVERAGED if name in found), None)


def read_averaged(
    source: str | Path,
    *,
    averaged: str | None = None,
    loss: str | None = None,
    step: str | None = None,
    lr: str | None = None,
    schedule: str | Schedule | None = None,
    steps: int | None = None,
    warmup: int | None = None,
    steps_per_epoch: int | None = None,
    run: str | Sequence[str] | None = None,
) -> list[AveragedReading]:
    """Every run of a log that holds the loss of averaged weights.

    Args:
        source: as in `lrdecay.logs.reading.read_curves`, and so the rest.
        averaged: the column of the averaged weights' loss; None: known by its name.
        loss: that of the weights themselves.
        step: the column of steps.
        lr: the column that is the rate.
        schedule: what the rate was, where it was not logged.
        steps: updates that the schedule was laid out for.
        warmup: updates that warmed up.
        steps_per_epoch: for logs that count epochs only.
        run: which of several runs.

    Raises:
        InputError: no run holds such a column, or the rate of one was not constant over the last half of its updates.
    """
    tables = read_tables(source, step=step, steps_per_epoch=steps_per_epoch, run=run)
    found = [
        averaged_of(table, name, loss=loss, lr=lr, schedule=schedule, steps=steps, warmup=warmup)
        for table in tables
        if (name := averaged or averaged_column(table.columns)) is not None
    ]
    if not found:
        cure = f"Name it, or measure it: `CooldownNow`, or a task with the average {AVERAGE!r} among others."
        rule = "must hold the held-out loss of averaged weights"
        raise InputError(refusal("read_averaged(source)", rule, sorted({n for t in tables for n in t.columns}), cure))
    return found


def averaged_of(
    table: Table,
    averaged: str,
    *,
    loss: str | None = None,
    lr: str | None = None,
    schedule: str | Schedule | None = None,
    steps: int | None = None,
    warmup: int | None = None,
) -> AveragedReading:
    """One run that was read already; ``averaged`` is its column, the rest and the errors are as of `read_averaged`."""
    plain = loss or next((name for name in _PLAIN if name in table.columns), None)
    log = log_of(table, loss=plain, lr=lr)
    other_log = log_of(table, loss=averaged, lr=lr)
    (own, notes), (other, more) = cleaned(log, FEWEST), cleaned(other_log, FEWEST)
    both, i, j = np.intersect1d(own.steps, other.steps, return_indices=True)
    if not len(both):
        rule = f"must hold {averaged} at steps at which {log.loss_name} was measured too, in {table.name}"
        raise InputError(refusal("forecast(averaged=...)", rule, "none"))
    last = int(both[-1])
    rates = rates_of(log, last, schedule=schedule, steps=steps, warmup=warmup)
    felt = rates.values[last // 2 : last]
    if felt.min() < KEPT_RATE * felt.max():
        rule = f"must hold a constant rate over the last half of the updates of {table.name}"
        cure = "Give the trunk's log, without the cooldown; what averaged weights say is of a run at a constant rate."
        raise InputError(refusal("forecast(averaged=...)", rule, [float(felt.min()), float(felt.max())], cure))
    trunk = AveragedTrunk(both, other.values[j], own.values[i])
    said = dict.fromkeys((*log.notes, *notes, *more, *rates.notes))
    told = tuple(note for note in said if not note.startswith(_SMOOTH))
    return AveragedReading(table.name, trunk, log.loss_name, rates.values[:last], min(rates.warmup, last), told)
