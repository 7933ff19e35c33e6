"""CSV and JSON lines: one file for all runs, written beside and renamed, so that it is whole or not there.

    CSV          one line per number: run, the run's params, step, name, value      ("long": what pandas and R like)
    JSON lines   one line per row: run, step and the values; a run begins with a line of its params

Numbers are written in full. A value that is not finite is ``nan``, ``inf`` or ``-inf`` in CSV, and the same as text in
JSON, which has no such numbers.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lrdecay.errors import InputError, refusal
from lrdecay.logs.writer import Param, Run, Writer, final
from lrdecay.runs.files import write_atomically

__all__ = ["csv_writer", "jsonl_writer"]


@contextmanager
def csv_writer(path: Path) -> Iterator[Writer]:
    """Write runs into one CSV file, one line per number."""
    with write_atomically(path) as file:
        yield _Csv(file)


@contextmanager
def jsonl_writer(path: Path) -> Iterator[Writer]:
    """Write runs into one file of JSON lines, one line per row."""
    with write_atomically(path) as file:
        yield _JsonLines(file)


class _Csv:
    """One line per number; the columns are fixed by the first run."""

    def __init__(self, file: TextIO) -> None:
        self._lines = csv.writer(file, lineterminator="\n")
        self._params: tuple[str, ...] | None = None
        self._run: tuple[Param, ...] = ()
        self._last = 0

    def open(self, run: Run) -> None:
        names = tuple(run.params)
        if self._params is None:
            self._lines.writerow(["run", *names, "step", "name", "value"])
            self._params = names
        if names != self._params:
            msg = refusal("Run(params=...)", f"must be {', '.join(self._params)} in every run", list(names))
            raise InputError(msg)
        self._run, self._last = (run.name, *run.params.values()), 0

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._last = step
        self._lines.writerows((*self._run, step, name, float(value)) for name, value in values.items())

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        self.log(self._last, final(metrics) | {"final/diverged": float(diverged)})


class _JsonLines:
    """One line per row."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._run = ""
        self._last = 0

    def open(self, run: Run) -> None:
        self._run, self._last = run.name, 0
        self._write({"run": run.name, "params": dict(run.params)})

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._last = step
        numbers = {name: float(v) if math.isfinite(v) else str(float(v)) for name, v in values.items()}
        self._write({"run": self._run, "step": step, **numbers})

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        self.log(self._last, final(metrics) | {"final/diverged": float(diverged)})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
