"""What averaged weights say in a forecast: of every log that holds their loss at a constant rate, one answer.

No law is needed. A log whose rate came down is left out with a note where another one can be read, and refused where
none can.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import evolve

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.logs.averaged import AveragedReading, averaged_column, averaged_of
from lrdecay.logs.log import Table
from lrdecay.losslaws.averaged import AVERAGE
from lrdecay.losslaws.extending import logged_rates
from lrdecay.losslaws.forecaster import Forecaster
from lrdecay.report.forecast_averaged import AveragedLog, CooledNow
from lrdecay.schedule import Horizon, parse
from lrdecay.verbs.forecast_logs import Asked, Laid, Logs

__all__ = ["SHARES", "Averaged", "averaged_of_logs", "can_be_asked", "with_law"]

SHARES = (0.1, 0.2, 0.4)
"""Lengths of the cooldowns, of the updates before them."""

Averaged = tuple[tuple[AveragedLog, ...], tuple[AveragedReading, ...], tuple[str, ...]]
"""The answers, the runs they are of, and what a reader must know."""

_CALL = "forecast(averaged=...)"


def averaged_of_logs(runs: Sequence[Laid], column: str | None, asked: Asked) -> Averaged:
    """Answers for every run that holds the loss of averaged weights at a constant rate.

    Args:
        runs: of the logs.
        column: their loss; None: known by its name.
        asked: how to read.

    Raises:
        InputError: no run holds the column, or none that does can carry an answer; then the first one's refusal.
    """
    held = [(own, name) for own in runs if (name := _column(own.table, column)) is not None]
    if not held:
        raise InputError(_lacking(runs, column))
    found, refused = [], []
    for own, name in held:
        try:
            reading = _read(own, name, asked)
            found.append((_answer(reading), reading))
        except InputError as problem:
            refused.append((own.table.name, problem))
    if not found:
        raise refused[0][1]
    notes = [f"{name}: its averaged weights were left out. {problem}" for name, problem in refused]
    for answer, reading in found:
        notes += [f"{answer.log}: {note}" for note in reading.notes]
        if reading.trunk.estimate().rising:
            notes.append(f"{answer.log}: the averaged loss rises, as that of no run did on which this was measured.")
    return tuple(a for a, _ in found), tuple(r for _, r in found), tuple(notes)


def can_be_asked(runs: Sequence[Laid], asked: Asked) -> tuple[str, ...]:
    """The names of the runs that carry an answer nobody asked for; a run that does not is no matter here."""
    found = []
    for own in runs:
        name = _column(own.table, None)
        if name is not None:
            try:
                _answer(_read(own, name, asked))
            except InputError:
                continue
            found.append(own.table.name)
    return tuple(found)


def with_law(said: Averaged, fitted: Forecaster, read: Logs) -> Averaged:
    """The same, with what the law says of each cooldown, and a note where the two disagree.

    A law of another column says nothing of them, and a note says that.

    Raises:
        InputError: a run's rates rise above the logs' peak.
    """
    answers, readings, notes = said
    laws = sorted(set(read.columns.values()))
    made, other = [], []
    for answer, reading in zip(answers, readings, strict=True):
        if laws != [answer.column]:
            other.append(answer.column)
            made.append(answer)
            continue
        rows = tuple(_beside(own, reading, fitted) for own in answer.cooldowns)
        made.append(evolve(answer, cooldowns=rows))
    if other:
        names = dict.fromkeys(other)
        told = f"The law is of {', '.join(laws)}, what averaged weights say of {', '.join(names)}: they stand apart."
        notes = (*notes, f"{told} {' or '.join(f'--loss {name}' for name in names)} fits the law to the same losses.")
    return tuple(made), readings, (*notes, *_disagreements(made))


def _disagreements(answers: Sequence[AveragedLog]) -> list[str]:
    """A sentence for every log of which the law and the averaged weights say what cannot both be so."""
    found = []
    for answer in answers:
        shares = [f"{own.share:.0%}" for own in answer.cooldowns if own.apart]
        if shares:
            found.append(
                f"{answer.log}: the law and the averaged weights disagree on the cooldown of {', '.join(shares)} "
                "beyond both 90% intervals. A short real cooldown would tell which is right."
            )
    return found


def _column(table: Table, asked: str | None) -> str | None:
    names = [name for name, own in table.columns.items() if len(own)]
    return averaged_column(names) if asked is None else asked if asked in names else None


def _lacking(runs: Sequence[Laid], column: str | None) -> str:
    names = sorted({name for own in runs for name in own.table.columns})
    if column is not None:
        return refusal(_CALL, "must name a column of the logs", column, did_you_mean(column, names))
    cure = f"Name it, or measure it: `CooldownNow`, or a task with the average {AVERAGE!r} among others."
    return refusal(_CALL, "must come with a log that holds the loss of averaged weights", names, cure)


def _read(own: Laid, column: str, asked: Asked) -> AveragedReading:
    reading = averaged_of(
        own.table,
        column,
        loss=asked.loss,
        lr=asked.lr,
        schedule=own.schedule,
        steps=own.steps,
        warmup=asked.warmup,
    )
    if asked.warmup is not None and asked.warmup >= len(reading.rates):
        rule = f"must be over before the last look of {reading.name}, at step {len(reading.rates)}"
        raise InputError(refusal("--warmup", rule, asked.warmup))
    return reading


def _answer(reading: AveragedReading) -> AveragedLog:
    estimates = [reading.trunk.estimate(share) for share in SHARES]
    past = logged_rates(reading.rates, reading.warmup)
    rows = []
    for e in estimates:
        updates = max(1, round(e.share * e.step))
        rows.append(CooledNow(e.share, updates, f"{past} + {_cooldown(reading, updates)}", e.loss, e.low, e.high))
    first = estimates[0]
    return AveragedLog(reading.name, first.step, first.now, tuple(rows), reading.trunk, reading.loss)


def _cooldown(reading: AveragedReading, updates: int) -> str:
    rate = float(f"{reading.rates[-1]:.6g}")
    return f"wsd({rate!r}, warmup=0, cooldown={updates})"


def _beside(own: CooledNow, reading: AveragedReading, fitted: Forecaster) -> CooledNow:
    ahead = parse(_cooldown(reading, own.updates)).bind(Horizon(steps=own.updates)).values()
    return evolve(own, law=fitted.predict(np.concatenate([reading.rates, ahead]), reading.warmup))
