"""Runs as a pandas DataFrame, and as a parquet file.

The frame is long: one row per number, with the columns run, the run's params, step, name and value, so that

    frame[frame.name == "loss"].pivot_table(index="step", columns="schedule", values="value")

is the mean training loss of each schedule. What repeats (run, params, name) is categorical and costs little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame

from lrdecay.errors import InputError, refusal
from lrdecay.logs.writer import Param, Run, Writer, final

__all__ = ["DataFrame", "FrameWriter", "parquet_writer"]


@contextmanager
def parquet_writer(path: Path) -> Iterator[Writer]:
    """Write runs into one parquet file, which appears whole when the block ends; needs pyarrow."""
    writer = FrameWriter()
    yield writer
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        writer.frame().to_parquet(temporary, index=False, engine="pyarrow")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class FrameWriter:
    """A writer whose runs are kept in memory: `frame` gives what was written so far."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._which: list[int] = []  # of each number: its run
        self._steps: list[int] = []
        self._names: list[str] = []
        self._values: list[float] = []
        self._last = 0

    def open(self, run: Run) -> None:
        """Begin a run.

        Raises:
            InputError: its params are not those of the first run.
        """
        if self._runs and list(run.params) != list(self._runs[0].params):
            rule = f"must be {', '.join(self._runs[0].params)} in every run"
            msg = refusal("Run(params=...)", rule, list(run.params))
            raise InputError(msg)
        self._runs.append(run)
        self._last = 0

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row of numbers."""
        self._last = step
        for name, value in values.items():
            self._which.append(len(self._runs) - 1)
            self._steps.append(step)
            self._names.append(name)
            self._values.append(float(value))

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        """End the run with its final metrics."""
        self.log(self._last, final(metrics) | {"final/diverged": float(diverged)})

    def frame(self) -> DataFrame:
        """One row per number, in the order in which they were logged."""
        which = np.asarray(self._which, dtype=np.int64)
        columns: dict[str, object] = {"run": _repeated([run.name for run in self._runs], which)}
        for name in self._runs[0].params if self._runs else ():
            columns[name] = _repeated([run.params[name] for run in self._runs], which)
        columns["step"] = np.asarray(self._steps, dtype=np.int64)
        columns["name"] = pd.Categorical(self._names)
        columns["value"] = np.asarray(self._values, dtype=np.float64)
        return DataFrame(columns)


def _repeated(values: list[Param], which: np.ndarray[tuple[int], np.dtype[np.int64]]) -> object:
    """Each run's value for each of its numbers: text as a category, numbers as they are."""
    if values and all(isinstance(v, str) for v in values):
        known = list(dict.fromkeys(values))
        codes = np.array([known.index(v) for v in values], dtype=np.int64)
        return pd.Categorical.from_codes(codes[which], categories=known)
    return np.asarray(values)[which]
