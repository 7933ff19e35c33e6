"""Reading what lrdecay itself left: ``trace.csv`` of a run, ``traces/`` of a comparison, or a study's store.

A folder is read from its traces; where it has none (a comparison that has not ended), from its store. Of a store, the
runs that were scored are read; pilots and range tests are not.
"""

from __future__ import annotations

from pathlib import Path

from lrdecay.errors import InputError, refusal
from lrdecay.logs.log import Table
from lrdecay.logs.reading_csv import trace_table
from lrdecay.runs.store.opening import DATABASE, FILES, open_store
from lrdecay.runs.trace import Trace

__all__ = ["is_study", "read_store", "read_study"]


def is_study(folder: Path) -> bool:
    """Whether a folder is one that lrdecay left."""
    return any((folder / name).exists() for name in ("trace.csv", "traces", DATABASE, FILES))


def read_study(folder: Path) -> list[Table]:
    """The runs of a folder.

    Raises:
        InputError: it holds no run that ended.
    """
    single = folder / "trace.csv"
    paths = [single] if single.is_file() else sorted((folder / "traces").glob("*.csv"))
    if not paths:
        return read_store(str(folder))
    name = folder.resolve().name
    return [trace_table(Trace.from_csv(p), name if p == single else p.stem, str(p)) for p in paths]


def read_store(where: str) -> list[Table]:
    """The runs of a store, each once, named by schedule, peak and seed.

    Args:
        where: see `open_store`.

    Raises:
        InputError: it holds no run that ended.
    """
    tables: dict[str, Table] = {}
    with open_store(where) as store:
        for study in store.studies():
            for member in store.members(study.id):
                if member.role != "score" or member.identity in tables:
                    continue
                result = store.result(member.identity)
                if result is not None:
                    name = f"{result.schedule} seed {result.seed}"
                    tables[member.identity] = trace_table(result.trace, name, where)
    if not tables:
        raise InputError(refusal("forecast(logs=...)", f"must hold a run that ended in {where}", "none"))
    return list(tables.values())
