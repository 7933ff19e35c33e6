"""Reading W&B: the file of an offline run, and a run on a server by ``wandb:ENTITY/PROJECT/RUN``.

The history of a run is rows, each with ``_step``, W&B's count of log calls; where the run logged a step of its own
(``trainer/global_step``, ``train/global_step``), that is the step. A server is asked through W&B's public API, with
whatever login W&B itself finds, and for the whole history, not a sample.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import wandb

from lrdecay.errors import InputError, RunError, refusal
from lrdecay.logs.log import Table
from lrdecay.logs.rows import Asked, table_of_rows
from lrdecay.logs.wandb_file import wandb_records
from lrdecay.logs.writer import FINAL

__all__ = ["ONLINE", "read_wandb", "read_wandb_online"]

ONLINE = "wandb:"
"""What a run on a server begins with."""

_SECONDS = 20


def read_wandb(path: Path, asked: Asked) -> list[Table]:
    """The offline runs of a folder, or of one ``run-*.wandb``.

    Raises:
        InputError: a file is damaged, or holds no history.
    """
    files = [path] if path.is_file() else sorted({p.resolve() for p in path.rglob("*.wandb")})  # latest-run is a link
    return [_of_file(file, asked) for file in files]


def _of_file(path: Path, asked: Asked) -> Table:
    name, rows = path.stem, []
    for record in wandb_records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run" and record.run.display_name:
            name = record.run.display_name
        elif kind == "history":
            cells = {"/".join(i.nested_key) or i.key: _value(i.value_json) for i in record.history.item}
            rows.append({"_step": record.history.step.num} | cells)
    return _table(rows, name, str(path), asked)


def read_wandb_online(address: str, asked: Asked) -> list[Table]:
    """One run on a server.

    Args:
        address: ``wandb:ENTITY/PROJECT/RUN``.
        asked: see `Asked`.

    Raises:
        InputError: the address is none.
        RunError: W&B has no login here, no network, or no such run.
    """
    place = address.removeprefix(ONLINE).strip("/")
    if place.count("/") != 2 or not all(place.split("/")):
        raise InputError(refusal("forecast(logs=...)", "must be wandb:ENTITY/PROJECT/RUN", address))
    try:
        run = wandb.Api(timeout=_SECONDS).run(place)
        rows = [dict(row) for row in run.scan_history()]
        name = str(run.name or place)
    except (wandb.errors.Error, OSError, ValueError, RuntimeError) as problem:  # its API raises all of these
        why = " ".join(str(problem).split())[:160].rstrip(".")
        msg = f"`forecast(logs=...)` must reach {address}, got: {why}. Or export the run as CSV from W&B's page."
        raise RunError(msg) from problem
    return [_table(rows, name, address, asked)]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _table(rows: list[dict[str, Any]], name: str, source: str, asked: Asked) -> Table:
    kept = [{n: v for n, v in row.items() if not n.startswith(FINAL)} for row in rows]
    if not kept:
        raise InputError(refusal("forecast(logs=...)", f"must hold a history in {source}", "a run that logged nothing"))
    return table_of_rows(kept, asked, name=name, source=source, kind="W&B")
