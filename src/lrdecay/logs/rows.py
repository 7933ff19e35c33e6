"""From rows of named cells to a run: which cells are numbers, and at which step each stands.

The step is a column. Where only epochs are counted, an epoch must be told in updates: an epoch that is counted from 0
by whole numbers (Keras) is [e, e + 1) epochs long; what is a mean over it stands in its middle, a held-out loss at its
end, its rate at its first and last update. One counted from 1, or by fractions, is what has passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, refusal
from lrdecay.logs.columns import is_epoch, is_held_out, step_name
from lrdecay.logs.log import FloatArray, Series, Table, series

__all__ = ["Asked", "epoch_columns", "epochs_refused", "number", "table_of_rows"]

Row = Mapping[str, Any]


@frozen
class Asked:
    """What a reader is told beside the source.

    Attributes:
        step: the column of steps; None: guessed.
        steps_per_epoch: updates in an epoch, for logs that count epochs only.
    """

    step: str | None = None
    steps_per_epoch: int | None = None


def number(cell: object) -> float | None:
    """A cell as a number, nan and inf too; None where it is none.

    >>> number("1e-3"), number(""), number("NaN"), number("abc")
    (0.001, None, nan, None)
    """
    if cell is None or isinstance(cell, bool):
        return None
    if isinstance(cell, int | float | str):
        try:
            return float(cell)
        except (ValueError, OverflowError):
            return None
    return None


def table_of_rows(
    rows: Sequence[Row],
    asked: Asked,
    *,
    name: str,
    source: str,
    kind: str,
    late: Callable[[str], int] = lambda _: 0,
    notes: Iterable[str] = (),
) -> Table:
    """One run from its rows.

    Args:
        rows: cells by column, text or numbers; what is absent, None or empty is blank.
        asked: see `Asked`.
        name: of the run.
        source: where it was read.
        kind: the format.
        late: what to add to the step of a column's numbers.
        notes: of the reader.

    Raises:
        InputError: no column can be the step, several can, or a step is no whole number >= 0.
    """
    names = list(dict.fromkeys(n for row in rows for n in row))
    step = step_name(names, asked.step, name)
    if step is None:
        step = next((n for n in names if is_epoch(n)), None)
        if step is None:
            cure = "Say which column it is: --step NAME."
            raise InputError(refusal("forecast(logs=...)", f"must hold a column of steps in {name}", names, cure))
        if asked.steps_per_epoch is None:
            raise InputError(epochs_refused(name))
        raw, broken = _columns(rows, names, step, whole=False, name=name)
        columns = epoch_columns(raw, asked.steps_per_epoch)
        said = f"Epochs were turned into updates, {asked.steps_per_epoch} in each."
        return Table(name, source, kind, columns, broken, (*notes, said))
    raw, broken = _columns(rows, names, step, whole=True, name=name)
    columns = {n: series(at, values, late=late(n)) for n, (at, values) in raw.items()}
    if step == "_step" and asked.step is None:
        notes = (*notes, "The step is _step, W&B's count of log calls; for another: --step NAME.")
    lost = sum(1 for row in rows if number(row.get(step)) is None and any(number(v) is not None for v in row.values()))
    told = (f"{lost} rows without a step were left out.",) if lost else ()
    return Table(name, source, kind, columns, broken, (*notes, *told))


def epochs_refused(name: str) -> str:
    """The message where a log counts epochs only."""
    cure = "Say how many updates an epoch has: --steps-per-epoch N."
    return refusal("forecast(logs=...)", f"must count updates in {name}", "epochs only", cure)


def _columns(
    rows: Sequence[Row], names: Sequence[str], step: str, *, whole: bool, name: str
) -> tuple[dict[str, tuple[list[float], list[float]]], dict[str, str]]:
    """Of each column: the steps where it holds a number, and the numbers; and the first word in a column of numbers."""
    found: dict[str, tuple[list[float], list[float]]] = {n: ([], []) for n in names if n != step}
    words: dict[str, str] = {}
    for at, row in enumerate(rows, 1):
        here = number(row.get(step))
        if here is None:
            continue
        if not math.isfinite(here) or here < 0 or (whole and here != int(here)):
            rule = f"must be a column of whole numbers >= 0 in {name}"
            raise InputError(refusal(f"--step {step}", rule, row[step], f"It stands in row {at}."))
        for column, cell in row.items():
            value = number(cell)
            if column == step or column is None:
                continue
            if value is not None:
                found[column][0].append(here)
                found[column][1].append(value)
            elif isinstance(cell, str) and cell.strip():
                words.setdefault(column, f"{cell[:40]} (row {at})")
    held = {n: pair for n, pair in found.items() if pair[0]}
    return held, {n: word for n, word in words.items() if n in held}


def epoch_columns(raw: Mapping[str, tuple[Sequence[float], Sequence[float]]], per_epoch: int) -> dict[str, Series]:
    """Columns at epochs as columns at updates; see above.

    Args:
        raw: of each column its epochs and its values.
        per_epoch: updates in an epoch, > 0.
    """
    if per_epoch < 1:
        raise InputError(refusal("--steps-per-epoch", "must be a positive integer", per_epoch))
    everywhere = np.concatenate([np.asarray(at, dtype=np.float64) for at, _ in raw.values()])
    from_zero = bool((everywhere == np.floor(everywhere)).all()) and everywhere.min() == 0
    made: dict[str, Series] = {}
    for name, (at, values) in raw.items():
        begin = (np.asarray(at, dtype=np.float64) - (0 if from_zero else 1)) * per_epoch
        made[name] = _over_epochs(name, np.rint(begin), per_epoch, np.asarray(values, dtype=np.float64))
    return made


def _over_epochs(name: str, begin: FloatArray, length: int, values: FloatArray) -> Series:
    """What was logged once per epoch, given the update at which the epoch began."""
    if "lr" in name.lower() or "rate" in name.lower():
        both = np.stack([begin, begin + length - 1], axis=1).reshape(-1)
        return series(np.maximum(both, 0), np.repeat(values, 2))
    return series(begin + (length if is_held_out(name) else (length + 1) // 2), values)
