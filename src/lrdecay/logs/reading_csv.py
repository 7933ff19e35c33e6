"""Reading CSV: plain ``step,lr,loss``, Lightning's ``metrics.csv``, Keras' ``CSVLogger``, W&B's page, and our own.

plain       one column is the step, one the loss, perhaps one the rate
Lightning   many rows per step, each with some columns blank; a training row at step t was logged while update t
            was made, a held-out loss after it: it stands at t + 1
Keras       one row per epoch, counted from 0
W&B's page  ``RUN - METRIC`` with ``RUN - METRIC__MIN`` and ``__MAX``: several runs in a file, one metric
ours        a trace (step, epoch, rate, loss, ...), and `compare --export csv:FILE` (one line per number)
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from lrdecay.errors import InputError, refusal
from lrdecay.logs.columns import is_held_out
from lrdecay.logs.log import Series, Table, series
from lrdecay.logs.rows import Asked, Row, number, table_of_rows
from lrdecay.logs.writer import FINAL
from lrdecay.runs.trace import Trace

__all__ = ["read_csv", "trace_table"]

_BETWEEN = " - "
_TRACE = ["step", "epoch", "rate", "loss"]


def read_csv(path: Path, asked: Asked) -> list[Table]:
    """The runs of a CSV file; several in an export of ours or of W&B's page.

    Raises:
        InputError: it has no header or no rows, a row is longer than the header, or no column can be the step.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    header, rows = _parsed(text, path)
    if header[:4] == _TRACE:
        return [trace_table(Trace.from_csv_text(text, str(path)), path.stem, str(path))]
    if header[:1] == ["run"] and header[-3:] == ["step", "name", "value"]:
        return _long(rows, path)
    runs = _pages(header)
    if runs:
        return _of_page(runs, header, rows, path, asked)
    lightning = "step" in header and "epoch" in header
    keras = header[:1] == ["epoch"] and "step" not in header
    return [
        table_of_rows(
            rows,
            asked,
            name=path.stem,
            source=str(path),
            kind="Lightning CSV" if lightning else "Keras CSV" if keras else "CSV",
            late=lambda name: int(lightning and is_held_out(name)),
        )
    ]


def trace_table(trace: Trace, name: str, source: str) -> Table:
    """A run from a trace of ours: the loss of row t was seen before update t, its metrics were measured after it."""
    columns = {"loss": series(trace.step, trace.loss), "rate": series(trace.step, trace.rate)}
    for metric in trace.metrics:
        at, values = trace.measured(metric)
        columns[metric] = series(at, values)
    return Table(name, source, "lrdecay trace", columns)


def _parsed(text: str, path: Path) -> tuple[list[str], list[Row]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    mark = max(",;\t", key=first.count)
    try:
        lines = [
            line for line in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if any(map(str.strip, line))
        ]
    except csv.Error as problem:
        raise InputError(
            refusal("forecast(logs=...)", "must be CSV that can be read", f"{path}: {problem}")
        ) from problem
    header = [name.strip() for name in lines[0]] if lines else []
    if not header or any(number(name) is not None for name in header):
        cure = "Begin it with the names of its columns, such as step,lr,loss."
        raise InputError(refusal("forecast(logs=...)", f"must be a log with a header in {path}", first[:60], cure))
    if len(lines) == 1:
        raise InputError(refusal("forecast(logs=...)", f"must hold rows in {path}", "a header only"))
    for at, line in enumerate(lines[1:], 2):
        if len(line) > len(header):
            rule = f"must have {len(header)} columns in every row of {path}"
            raise InputError(refusal("forecast(logs=...)", rule, f"{len(line)} in row {at}"))
    twice = sorted({n for n in header if n and header.count(n) > 1})
    if twice:
        raise InputError(refusal("forecast(logs=...)", f"must name each column once in {path}", twice))
    return header, [dict(zip(header, line, strict=False)) for line in lines[1:]]


def _long(rows: list[Row], path: Path) -> list[Table]:
    """Our export: one line per number."""
    found: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for row in rows:
        at, value, name = number(row.get("step")), number(row.get("value")), str(row.get("name"))
        if at is None or value is None:
            raise InputError(
                refusal("forecast(logs=...)", f"must hold a step and a value in every row of {path}", dict(row))
            )
        if not name.startswith(FINAL):
            steps, values = found.setdefault(str(row["run"]), {}).setdefault(name, ([], []))
            steps.append(at)
            values.append(value)
    return [
        Table(run, str(path), "lrdecay CSV", {name: _exported(name, *pair) for name, pair in columns.items()})
        for run, columns in found.items()
    ]


def _exported(name: str, steps: list[float], values: list[float]) -> Series:
    return series(steps, values, late=0 if name in ("rate", "loss") else 1)


def _pages(header: list[str]) -> dict[str, dict[str, str]]:
    """Run -> metric -> column, of a file from W&B's page; empty where it is none."""
    named = [n for n in header[1:] if _BETWEEN in n]
    if not named or len(named) < len(header) - 1:
        return {}
    runs: dict[str, dict[str, str]] = {}
    for column in named:
        run, _, metric = column.rpartition(_BETWEEN)
        runs.setdefault(run, {})[metric] = column
    return runs


def _of_page(
    runs: dict[str, dict[str, str]], header: list[str], rows: list[Row], path: Path, asked: Asked
) -> list[Table]:
    tables = []
    for run, metrics in runs.items():
        plain = {m: c for m, c in metrics.items() if not m.endswith(("__MIN", "__MAX"))}
        kept = [r for r in rows if any(number(r.get(c)) is not None for m, c in plain.items() if m != "_step")]
        cells = [{header[0]: r.get(header[0])} | {m: r.get(c) for m, c in plain.items()} for r in kept]
        binned = any(
            number(r.get(metrics.get(f"{m}__MIN", ""))) != number(r.get(metrics.get(f"{m}__MAX", "")))
            for r in kept
            for m in plain
        )
        notes = ["W&B's page had put neighbours together: each point is a mean of several."] if binned else []
        tables.append(table_of_rows(cells, asked, name=run, source=str(path), kind="W&B CSV", notes=notes))
    return tables
