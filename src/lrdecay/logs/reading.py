"""The door of reading: from a log, of whatever tool, to curves that a law can be fitted to.

    read_curves("metrics.csv")                                      # Lightning's, Keras', W&B's page's, any CSV
    read_curves("runs/", loss="val/loss")                           # TensorBoard, one curve for each run in it
    read_curves("log.jsonl", schedule="cosine(3e-4)", steps=24_000) # where the rate was not logged
    read_curves("wandb:entity/project/run")                         # asks W&B's server

Nothing is ever written to what is read, and nothing in it is executed.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve, frozen

from lrdecay.errors import InputError, MissingExtraError, RunError, did_you_mean, refusal
from lrdecay.logs.cleaning import cleaned
from lrdecay.logs.columns import log_of
from lrdecay.logs.log import Log, Table
from lrdecay.logs.rates import rates_of
from lrdecay.logs.recognising import kind_of
from lrdecay.logs.rows import Asked
from lrdecay.losslaws.curve import Curve
from lrdecay.schedule import Schedule

__all__ = ["Reading", "read_curves", "read_tables", "reading_of"]

_READERS = {  # kind -> (module of logs, function)
    "csv": ("reading_csv", "read_csv"),
    "json": ("reading_json", "read_json"),
    "tensorboard": ("reading_tensorboard", "read_tensorboard"),
    "mlflow": ("reading_mlflow", "read_mlflow"),
    "mlflow database": ("reading_mlflow", "read_mlflow_database"),
    "wandb": ("reading_wandb", "read_wandb"),
}
_EXTRAS = {"tensorboard": "tensorboard", "wandb": "wandb"}


@frozen(eq=False)
class Reading:
    """One run that was read.

    Attributes:
        curve: its rates and its losses.
        log: what it was made of.
        notes: sentences about everything that was left out, moved or assumed.
        scheduled: whether the rates are of a schedule that was given, not of the log.
    """

    curve: Curve
    log: Log
    notes: tuple[str, ...]
    scheduled: bool = False


def read_curves(
    source: str | Path,
    *,
    loss: str | None = None,
    step: str | None = None,
    lr: str | None = None,
    schedule: str | Schedule | None = None,
    steps: int | None = None,
    warmup: int | None = None,
    steps_per_epoch: int | None = None,
    run: str | Sequence[str] | None = None,
) -> list[Reading]:
    """Every run of a log.

    Args:
        source: a file, a folder, ``wandb:ENTITY/PROJECT/RUN``, or the URL of a store of lrdecay.
        loss: the column that is the loss; None: guessed where one alone can be it.
        step: the column of steps, in CSV, JSON and W&B.
        lr: the column that is the rate.
        schedule: what the rate was, where it was not logged; it wins over a column.
        steps: updates that the schedule was laid out for.
        warmup: updates that warmed up; None: seen in the rates.
        steps_per_epoch: for logs that count epochs only.
        run: which of several runs, by name; None: all. Runs of one name are "run", "run (2)", ...

    Raises:
        InputError: it cannot be read as asked; the message says what to do.
        RunError: it cannot be reached.
        MissingExtraError: what the format needs is not installed.
    """
    tables = read_tables(source, step=step, steps_per_epoch=steps_per_epoch, run=run)
    return [reading_of(table, loss=loss, lr=lr, schedule=schedule, steps=steps, warmup=warmup) for table in tables]


def read_tables(
    source: str | Path,
    *,
    step: str | None = None,
    steps_per_epoch: int | None = None,
    run: str | Sequence[str] | None = None,
) -> list[Table]:
    """Every run of a log with all that it logged; arguments and errors as of `read_curves`."""
    return _chosen(_told_apart(_tables(source, Asked(step, steps_per_epoch))), run, str(source))


def reading_of(
    table: Table,
    *,
    loss: str | None = None,
    lr: str | None = None,
    schedule: str | Schedule | None = None,
    steps: int | None = None,
    warmup: int | None = None,
) -> Reading:
    """One run that was read already; arguments and errors as of `read_curves`."""
    log = log_of(table, loss=loss, lr=lr)
    losses, notes = cleaned(log)
    rates = rates_of(log, int(losses.steps[-1]), schedule=schedule, steps=steps, warmup=warmup)
    curve = Curve(log.name, rates.values, losses.steps, losses.values, rates.warmup)
    return Reading(curve, log, (*log.notes, *notes, *rates.notes), scheduled=schedule is not None)


def _tables(source: str | Path, asked: Asked) -> list[Table]:
    if isinstance(source, str) and source.startswith("wandb:"):
        return _read("wandb", "read_wandb_online", source, asked)
    if isinstance(source, str) and "://" in source:
        return _stored(source)
    kind, path = kind_of(Path(source))
    if kind in ("traces", "store"):
        return _stored(path)
    try:
        return _read(kind, _READERS[kind][1], path, asked)
    except OSError as problem:
        msg = f"`forecast(logs=...)` must be able to read {path}, got: {problem.strerror or problem}."
        raise RunError(msg) from problem


def _stored(where: str | Path) -> list[Table]:
    from lrdecay.logs.reading_studies import read_store, read_study

    return read_study(where) if isinstance(where, Path) and where.is_dir() else read_store(str(where))


def _read(kind: str, function: str, source: str | Path, asked: Asked) -> list[Table]:
    extra = _EXTRAS.get(kind)
    if extra is not None and importlib.util.find_spec(extra) is None:
        cure = f"Run: pip install 'lrdecay[{extra}]'"
        msg = f"`forecast(logs={str(source)!r})` must have {extra}, which is not installed. {cure}"
        raise MissingExtraError(msg)
    module = importlib.import_module(f"lrdecay.logs.{_READERS[kind][0]}")
    tables: list[Table] = getattr(module, function)(source, asked)
    return tables


def _told_apart(tables: list[Table]) -> list[Table]:
    """Runs of one name are numbered from the second on: "run", "run (2)"."""
    seen: Counter[str] = Counter()
    made = []
    for table in tables:
        seen[table.name] += 1
        made.append(table if seen[table.name] == 1 else evolve(table, name=f"{table.name} ({seen[table.name]})"))
    return made


def _chosen(tables: list[Table], run: str | Sequence[str] | None, source: str) -> list[Table]:
    if run is None:
        return tables
    wanted = [run] if isinstance(run, str) else list(run)
    names = [t.name for t in tables]
    for name in wanted:
        if name not in names:
            raise InputError(refusal("--run NAME", f"must name a run of {source}", name, did_you_mean(name, names)))
    return [t for t in tables if t.name in wanted]
