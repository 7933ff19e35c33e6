"""Reading JSON lines, a JSON list of rows, our own JSON lines, and transformers' ``trainer_state.json``.

transformers logs at step s the mean of the training loss since it last logged, which so stands in the middle, and the
rate of update s - 1; held-out losses are of after s updates. The row that sums the run up (``train_runtime``) is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve

from lrdecay.errors import InputError, refusal
from lrdecay.logs.log import Table, series
from lrdecay.logs.rows import Asked, table_of_rows
from lrdecay.logs.writer import FINAL

__all__ = ["read_json"]


def read_json(path: Path, asked: Asked) -> list[Table]:
    """The runs of a JSON file; several in JSON lines of ours.

    Raises:
        InputError: it is no JSON, or holds no rows.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return _of_rows(_lines(text, path), path, asked)
    if isinstance(whole, dict) and isinstance(whole.get("log_history"), list):
        return [_of_trainer(whole["log_history"], path, asked)]
    return _of_rows(whole if isinstance(whole, list) else [whole], path, asked)


def _lines(text: str, path: Path) -> list[Any]:
    lines = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows: list[Any] = []
    for at, line in lines:
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError) as problem:
            if at == lines[-1][0] and len(lines) > 1:  # a run that still writes, or was killed while it did
                break
            rule = f"must be JSON, or JSON lines, in {path}"
            raise InputError(refusal("forecast(logs=...)", rule, f"{line[:60]} in line {at}")) from problem
    return rows


def _of_rows(rows: list[Any], path: Path, asked: Asked) -> list[Table]:
    good = [_flat(row) for row in rows if isinstance(row, dict)]
    if not good:
        raise InputError(
            refusal("forecast(logs=...)", f"must hold rows of names and numbers in {path}", str(rows)[:60])
        )
    if not any("params" in row and "run" in row for row in rows if isinstance(row, dict)):
        return [table_of_rows(good, asked, name=path.stem, source=str(path), kind="JSON lines")]
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in good:
        kept = {n: v for n, v in row.items() if n != "run" and not n.startswith(FINAL)}
        if "step" in kept:
            runs.setdefault(str(row["run"]), []).append(kept)
    late = {"rate": 0, "loss": 0, "epoch": 0}
    return [
        table_of_rows(
            own, asked, name=run, source=str(path), kind="lrdecay JSON lines", late=lambda name: late.get(name, 1)
        )
        for run, own in runs.items()
    ]


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Names within names are joined by a slash."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and name != "params":
            flat |= _flat(value, f"{before}{name}/")
        else:
            flat[f"{before}{name}"] = value
    return flat


def _of_trainer(history: list[Any], path: Path, asked: Asked) -> Table:
    rows = [row for row in history if isinstance(row, dict) and "train_runtime" not in row]
    name = path.stem if path.stem != "trainer_state" else path.resolve().parent.name
    table = table_of_rows(rows, asked, name=name, source=str(path), kind="transformers trainer state")
    columns = dict(table.columns)
    notes = table.notes
    if "loss" in columns:
        at = columns["loss"].steps
        before = np.concatenate([[0], at[:-1]])
        columns["loss"] = series((np.where(before < at, before, at) + at) // 2, columns["loss"].values)
        notes = (*notes, "Each training loss is a mean since the one before, and stands in the middle.")
    if "learning_rate" in columns:
        rate = columns["learning_rate"]
        columns["learning_rate"] = series(np.maximum(rate.steps - 1, 0), rate.values)
    return evolve(table, columns=columns, notes=notes)
