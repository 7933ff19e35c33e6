"""What a run logged: one row per update, with metrics where they were measured.

Row t holds the 0-based index of the update, the epochs completed before it, the rate it used, the training loss it saw,
and, where the model was evaluated right after it, the metrics. Written as CSV (empty where not measured) or JSON lines.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError
from lrdecay.runs.files import write_atomically

__all__ = ["Trace"]

FloatArray = NDArray[np.float64]

_COLUMNS = ("step", "epoch", "rate", "loss")  # what every trace has


@frozen(eq=False)
class Trace:
    """A run's log. Arrays have one entry per update."""

    step: NDArray[np.int64]  # 0-based index of the update
    epoch: FloatArray  # epochs completed before it; nan where nobody knows
    rate: FloatArray  # learning rate it used
    loss: FloatArray  # training loss it saw, before the update
    metrics: Mapping[str, FloatArray] = field(factory=dict)  # nan where not measured

    @property
    def steps(self) -> int:
        """Updates logged."""
        return len(self.step)

    def measured(self, metric: str) -> tuple[NDArray[np.int64], FloatArray]:
        """Where a metric was measured: updates made by then, and its values."""
        values = self.metrics.get(metric, np.full(self.steps, np.nan))
        known = ~np.isnan(values)
        return self.step[known] + 1, values[known]

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, without what was not measured."""
        for i in range(self.steps):
            row: dict[str, Any] = {"step": int(self.step[i])}
            columns = {"epoch": self.epoch, "rate": self.rate, "loss": self.loss, **self.metrics}
            for name, column in columns.items():
                if name in ("rate", "loss") or not math.isnan(column[i]):
                    row[name] = float(column[i])
            yield row

    def logged(self) -> dict[int, dict[str, float]]:
        """Step -> what was logged there, by name; what is nan is left out."""
        columns = {"loss": self.loss, **self.metrics}
        return {
            int(t): {name: float(c[i]) for name, c in columns.items() if not math.isnan(c[i])}
            for i, t in enumerate(self.step)
        }

    def to_csv(self, path: Path) -> None:
        """Write as CSV, atomically; floats in full."""
        names = [*_COLUMNS, *self.metrics]
        with write_atomically(path) as f:
            writer = csv.DictWriter(f, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows())

    def to_jsonl(self, path: Path) -> None:
        """Write as JSON lines, atomically; a loss that is not finite is written as text."""
        with write_atomically(path) as f:
            for row in self.rows():
                f.write(json.dumps({k: v if math.isfinite(v) else str(v) for k, v in row.items()}) + "\n")

    @classmethod
    def from_csv(cls, path: Path) -> Trace:
        """Read what `to_csv` wrote; the same bits.

        Raises:
            InputError: the columns are not those of a trace, a row is cut short, or a value is not a number.
        """
        rule = f"`{path}` must be a trace with the columns step, epoch, rate and loss, got"
        try:
            with path.open(newline="", encoding="utf-8") as f:
                reader = csv.DictReader(f)
                rows, found = list(reader), list(reader.fieldnames or ())
            whole = all(None not in row.values() for row in rows)
            if whole and set(_COLUMNS) <= set(found):
                return cls.from_rows(rows)
        except (ValueError, TypeError, csv.Error) as problem:
            msg = f"{rule} {problem!r}."
            raise InputError(msg) from problem
        msg = f"{rule} {found if whole else 'a row that is cut short'}."
        raise InputError(msg)

    @classmethod
    def from_rows(cls, rows: list[Mapping[str, Any]] | list[dict[str, Any]]) -> Trace:
        """From rows of names and values; what is absent or empty is nan."""
        names = [n for n in dict.fromkeys(n for row in rows for n in row) if n not in _COLUMNS]

        def column(name: str) -> FloatArray:
            return np.array([math.nan if row.get(name) in (None, "") else float(row[name]) for row in rows])

        steps = np.array([int(row["step"]) for row in rows], dtype=np.int64)
        metrics = {name: column(name) for name in names}
        return cls(steps, column("epoch"), column("rate"), column("loss"), metrics)
