"""Reading MLflow's stores: the folder of files, and the SQLite database. Neither MLflow nor a server is needed.

MLflow's own client makes folders in a store of files that it opens, and may migrate a database; so both are read
directly, and nothing is ever written.

    files     EXPERIMENT/RUN/metrics/NAME: lines of "timestamp value step"; NAME may hold slashes; the run's name is
              in tags/mlflow.runName, and a run that was deleted says so in meta.yaml
    database  tables runs (run_uuid, name, lifecycle_stage) and metrics (run_uuid, key, value, step, is_nan, timestamp);
              infinities are kept as the largest float
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from lrdecay.errors import InputError, RunError, refusal
from lrdecay.logs.log import Series, Table, series
from lrdecay.logs.rows import Asked, number
from lrdecay.logs.writer import FINAL

__all__ = ["read_mlflow", "read_mlflow_database", "run_folders"]

_LARGEST = 1.7976931348623157e308


def run_folders(folder: Path) -> list[Path]:
    """The folders of runs in a store of files, in an experiment of one, or a run's own; by name."""
    shapes = ("meta.yaml", "*/meta.yaml", "*/*/meta.yaml")
    places = {meta.parent for shape in shapes for meta in folder.glob(shape)}
    return sorted(p for p in places if (p / "metrics").is_dir() and ".trash" not in p.parts)


def read_mlflow(folder: Path, asked: Asked) -> list[Table]:
    """The runs of a store of files that were not deleted.

    Raises:
        InputError: a step column is asked for, a line is none of MLflow's, or no run has metrics.
    """
    _no_step(asked)
    tables = []
    for place in run_folders(folder):
        stage = [line for line in _read(place / "meta.yaml").splitlines() if line.startswith("lifecycle_stage:")]
        if stage and "deleted" in stage[0]:
            continue
        named = place / "tags" / "mlflow.runName"
        name = _read(named).strip() if named.is_file() else place.name
        columns = {key: s for key, s in _metrics(place / "metrics") if not key.startswith(FINAL)}
        if columns:
            tables.append(Table(name, str(place), "MLflow", columns))
    return _some(tables, folder)


def read_mlflow_database(path: Path, asked: Asked) -> list[Table]:
    """The runs of a database that were not deleted; the file is opened for reading only.

    Raises:
        InputError: a step column is asked for, or no run has metrics.
        RunError: SQLite cannot read it.
    """
    _no_step(asked)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            runs = database.execute("SELECT run_uuid, name FROM runs WHERE lifecycle_stage = 'active'").fetchall()
            tables = [
                Table(name or key, str(path), "MLflow", columns)
                for key, name in runs
                if (columns := _of_run(database, key))
            ]
    except sqlite3.Error as problem:
        msg = f"`forecast(logs=...)` must be able to read MLflow's database {path}, got: {problem}."
        raise RunError(msg) from problem
    return _some(tables, path)


def _of_run(database: sqlite3.Connection, run: str) -> dict[str, Series]:
    lines = database.execute(
        "SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY key, timestamp, step", (run,)
    )
    found: dict[str, tuple[list[int], list[float]]] = {}
    for key, step, value, is_nan in lines:
        if not str(key).startswith(FINAL):
            steps, values = found.setdefault(str(key), ([], []))
            steps.append(int(step))
            values.append(math.nan if is_nan else math.copysign(math.inf, value) if abs(value) >= _LARGEST else value)
    return {key: series(*pair) for key, pair in found.items()}


def _metrics(folder: Path) -> Iterator[tuple[str, Series]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        steps, values = [], []
        for at, line in enumerate(_read(path).splitlines(), 1):
            parts = line.split()
            value, step = (number(parts[1]), number(parts[2])) if len(parts) >= 3 else (None, None)
            if value is None or step is None:
                rule = f"must hold lines of a time, a value and a step in {path}"
                raise InputError(refusal("forecast(logs=...)", rule, f"{line[:60]} in line {at}"))
            steps.append(step)
            values.append(value)
        yield path.relative_to(folder).as_posix(), series(steps, values)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _no_step(asked: Asked) -> None:
    if asked.step is not None:
        cure = "Leave it out: each of its numbers has its own step."
        raise InputError(refusal("--step NAME", "must not be given for MLflow", asked.step, cure))


def _some(tables: list[Table], where: Path) -> list[Table]:
    if not tables:
        raise InputError(refusal("forecast(logs=...)", f"must hold metrics in {where}", "no run that has any"))
    return tables
