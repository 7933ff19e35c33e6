"""The logs of a forecast: every run of them, branches joined to their trunks, and a sentence for all that was done.

A cooldown is often logged as a run of its own, from the step where it left a constant run. Where exactly one of the
other logs can be that run, its rates are put before the branch's own: it begins at the start, reaches the step, and has
there the rate that the branch begins with. Several that had the same rates up to there are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, field, frozen

from lrdecay.errors import InputError, at_least_one, did_you_mean, positive_int, refusal
from lrdecay.logs.joining import begins, joined
from lrdecay.logs.log import Table
from lrdecay.logs.reading import Reading, read_tables, reading_of
from lrdecay.losslaws.curve import Curve
from lrdecay.schedule import Horizon, Schedule
from lrdecay.verbs.show import horizon_of, spec_of

__all__ = ["Asked", "Laid", "Logs", "curves_of", "curves_of_logs", "tables_of_logs"]

_SAME = 0.02  # relative; by how much a branch's first rate may differ from its trunk's there


@frozen
class Asked:
    """How logs are to be read; see `lrdecay.forecast`."""

    loss: str | None = None
    step: str | None = None
    lr: str | None = None
    schedules: tuple[str | Schedule, ...] = ()
    log_steps: int | None = None
    warmup: int | None = None
    steps_per_epoch: int | None = None
    runs: tuple[str, ...] = ()


@frozen(eq=False)
class Laid:
    """One run with all that it logged, named apart from all others, and what was said of its rates.

    Attributes:
        table: what was logged.
        schedule: it was trained under; None: its rates were logged.
        steps: updates that the schedule was laid out for.
    """

    table: Table
    schedule: Schedule | None
    steps: int | None


@frozen(eq=False)
class Logs:
    """What was read.

    Attributes:
        curves: of every run, each with a name of its own.
        notes: sentences about what was left out, moved, joined or assumed.
        columns: the name of each run's column of losses.
    """

    curves: tuple[Curve, ...]
    notes: tuple[str, ...]
    columns: Mapping[str, str] = field(factory=dict, repr=False)


def curves_of_logs(logs: Sequence[str | Path], asked: Asked) -> Logs:
    """Read logs, and join branches to their trunks.

    Raises:
        InputError: there are none, or one cannot be read as asked.
        RunError: one cannot be reached.
    """
    return curves_of(tables_of_logs(logs, asked), asked)


def tables_of_logs(logs: Sequence[str | Path], asked: Asked) -> list[Laid]:
    """Every run that is asked for, with all that it logged.

    Raises:
        InputError: there are none, or one cannot be read as asked.
        RunError: one cannot be reached.
    """
    at_least_one.check("forecast(logs=...)", logs)
    return _chosen(_named([own for one in _laid_out(logs, asked) for own in _read(*one, asked)]), asked.runs)


def curves_of(runs: Sequence[Laid], asked: Asked) -> Logs:
    """The losses of runs that were read, branches joined to their trunks.

    Raises:
        InputError: one holds no losses that a law can be fitted to.
    """
    readings = [
        reading_of(own.table, loss=asked.loss, lr=asked.lr, schedule=own.schedule, steps=own.steps, warmup=asked.warmup)
        for own in runs
    ]
    whole = [_whole(r, readings) for r in readings]
    columns = {r.curve.name: r.log.loss_name for r in whole}
    return Logs(tuple(r.curve for r in whole), (*_told(whole), *_mixed(whole)), columns)


def _laid_out(logs: Sequence[str | Path], asked: Asked) -> list[tuple[str | Path, Schedule | None, int | None]]:
    """Every log with the schedule it was trained under, where that was said, and the length of it."""
    given = asked.schedules
    if given and len(given) != len(logs):
        cure = "Give --schedule SPEC once for each LOG, in order; 'SPEC @ N' says its length too."
        raise InputError(refusal("--schedule SPEC", f"must be as many as logs, {len(logs)}", len(given), cure))
    if asked.log_steps is not None:
        positive_int.check("--log-steps", asked.log_steps)
    if not given:
        return [(log, None, asked.log_steps) for log in logs]
    found: list[tuple[str | Path, Schedule | None, int | None]] = []
    for log, said in zip(logs, given, strict=True):
        spec = spec_of(said)
        steps = asked.log_steps
        if spec.horizon is not None:
            steps = horizon_of(spec, Horizon(steps=1, steps_per_epoch=asked.steps_per_epoch)).steps
        found.append((log, spec.schedule, steps))
    return found


def _read(log: str | Path, schedule: Schedule | None, steps: int | None, asked: Asked) -> list[Laid]:
    tables = read_tables(log, step=asked.step, steps_per_epoch=asked.steps_per_epoch)
    return [Laid(table, schedule, steps) for table in tables]


def _named(runs: list[Laid]) -> list[Laid]:
    """Names that several logs share are numbered from the second on: "run", "run (2)"."""
    seen: Counter[str] = Counter()
    found = []
    for own in runs:
        name = own.table.name
        seen[name] += 1
        apart = name if seen[name] == 1 else f"{name} ({seen[name]})"
        found.append(evolve(own, table=evolve(own.table, name=apart)))
    return found


def _chosen(runs: list[Laid], wanted: Sequence[str]) -> list[Laid]:
    names = [own.table.name for own in runs]
    for name in wanted:
        if name not in names:
            raise InputError(refusal("--run NAME", "must name a run of the logs", name, did_you_mean(name, names)))
    return [own for own in runs if not wanted or own.table.name in wanted]


def _whole(reading: Reading, readings: Sequence[Reading]) -> Reading:
    """The reading, joined to its trunk if it is a branch of one.

    Raises:
        InputError: several runs with different rates could be the trunk.
    """
    left = min(reading.log.first, begins(reading))
    if left == 0:
        return reading
    first = float(reading.curve.rates[begins(reading)]) if begins(reading) < len(reading.curve.rates) else 0.0
    trunks = [r for r in readings if begins(r) == 0 and len(r.curve.rates) >= left and _meets(r, left, first)]
    ways = {r.curve.rates[:left].tobytes() for r in trunks}
    if len(ways) > 1:
        names = ", ".join(r.curve.name for r in trunks)
        rule = f"must hold one run that {reading.curve.name} can have left at step {left}"
        raise InputError(refusal("forecast(logs=...)", rule, names, "Give it with its own trunk: --run NAME."))
    return joined(reading, trunks[0]) if trunks else reading


def _meets(trunk: Reading, step: int, rate: float) -> bool:
    """Whether a run had about this rate at a step."""
    there = float(trunk.curve.rates[min(step, len(trunk.curve.rates) - 1)])
    return abs(there - rate) <= _SAME * max(there, rate)


def _told(readings: Sequence[Reading]) -> list[str]:
    """Each note once, with the runs it is about before it."""
    about: dict[str, list[str]] = {}
    for r in readings:
        for note in r.notes:
            about.setdefault(note, []).append(r.curve.name)
    return [f"{', '.join(names[:3])}{' and others' if names[3:] else ''}: {note}" for note, names in about.items()]


def _mixed(readings: Sequence[Reading]) -> list[str]:
    """A warning where the runs' losses are not of one name, or begin at one point in different runs."""
    names = sorted({r.log.loss_name for r in readings})
    levels = np.array([float(np.median(r.curve.losses)) for r in readings])
    found = []
    if len(names) > 1:
        found.append(f"The losses are of different columns, {', '.join(names)}: a law needs one kind. --loss NAME.")
    if levels.max() > 3 * levels.min():
        found.append(f"The runs' losses lie far apart, medians {levels.min():.4g} to {levels.max():.4g}: one task?")
    return found
