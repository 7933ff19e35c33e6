"""What kind of log a file or a folder is: told by what is in it, not by what it is called.

W&B          begins with ":W&B"
SQLite       begins with "SQLite format 3"; the names of its tables say whose it is
TensorBoard  its first record is an event with the version "brain.Event:2"
JSON         begins with { or [
CSV          any other text
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from lrdecay.errors import InputError, RunError, refusal
from lrdecay.logs.reading_mlflow import run_folders
from lrdecay.logs.reading_studies import is_study

__all__ = ["kind_of"]

_HEAD = 4096
_EVENTS = b"brain.Event:"


def kind_of(path: Path) -> tuple[str, Path]:
    """The kind of a log, and the file or folder to be read.

    Returns:
        One of "csv", "json", "tensorboard", "mlflow", "mlflow database", "wandb", "traces" and "store"; and a path.

    Raises:
        InputError: there is nothing there, or nothing that is known.
        RunError: it cannot be read.
    """
    if not path.exists():
        raise InputError(refusal("forecast(logs=...)", "must be a file or a folder that is there", str(path)))
    if path.is_dir():
        return _of_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as problem:
        msg = f"`forecast(logs=...)` must be able to read {path}, got: {problem.strerror}."
        raise RunError(msg) from problem
    return _of_head(head, path), path


def _of_head(head: bytes, path: Path) -> str:
    if head.startswith(b":W&B"):
        return "wandb"
    if head.startswith(b"SQLite format 3\0"):
        return _of_database(path)
    if _EVENTS in head[:64]:
        return "tensorboard"
    if not head.strip():
        raise InputError(refusal("forecast(logs=...)", "must hold a log", f"{path}, which is empty"))
    if b"\0" in head:
        rule = "must be CSV, JSON, an event file of TensorBoard, a database of MLflow or a run of W&B"
        raise InputError(refusal("forecast(logs=...)", rule, f"{path}, which is none of them"))
    return "json" if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else "csv"


def _of_database(path: Path) -> str:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as problem:
        msg = f"`forecast(logs=...)` must be able to read the database {path}, got: {problem}."
        raise RunError(msg) from problem
    if {"runs", "metrics", "latest_metrics"} <= names:
        return "mlflow database"
    if "lrdecay_schema" in names:
        return "store"
    raise InputError(refusal("forecast(logs=...)", "must be a database of MLflow or of lrdecay", str(path)))


def _of_folder(folder: Path) -> tuple[str, Path]:
    kinds: dict[str, Callable[[], Path | None]] = {
        "traces": lambda: folder if is_study(folder) else None,
        "mlflow": lambda: folder if run_folders(folder) else None,
        "json": lambda: _trainer_state(folder),
        "csv": lambda: folder / "metrics.csv" if (folder / "metrics.csv").is_file() else None,
        "tensorboard": lambda: folder if any(folder.rglob("*tfevents*")) else None,
        "wandb": lambda: folder if any(folder.rglob("*.wandb")) else None,
    }
    for kind, find in kinds.items():
        found = find()
        if found is not None:
            return kind, found
    cure = "Name a log file in it."
    raise InputError(
        refusal("forecast(logs=...)", "must be a folder that holds a log that is known", str(folder), cure)
    )


def _trainer_state(folder: Path) -> Path | None:
    """The state that transformers left, or that in its last checkpoint."""
    own = folder / "trainer_state.json"
    if own.is_file():
        return own
    saved = [p for p in folder.glob("checkpoint-*/trainer_state.json") if p.parent.name[11:].isdigit()]
    return max(saved, key=lambda p: int(p.parent.name[11:]), default=None)
