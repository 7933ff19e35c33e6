"""Writing so that a kill at any moment leaves either the old file or the new one, and a journal that only grows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lrdecay.errors import RunError

__all__ = ["append_line", "read_lines", "write_atomically", "write_text"]


@contextmanager
def write_atomically(path: Path) -> Iterator[TextIO]:
    """A text file that appears whole or not at all: written beside, flushed to disk, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", newline="", encoding="utf-8") as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text atomically."""
    with write_atomically(path) as f:
        f.write(text)


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line to a journal and flush it to disk.

    A line that a kill cut short is ended first, so that the new one stands alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as f:
        if f.tell():
            f.seek(-1, os.SEEK_END)
            if f.read(1) != b"\n":
                f.write(b"\n")
        f.write(json.dumps(record, allow_nan=False).encode() + b"\n")
        f.flush()
        os.fsync(f.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal. A line cut short by a kill was never finished and does not count.

    Raises:
        RunError: a line is not the beginning of a JSON object: somebody else wrote here.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not line.startswith(b"{"):  # everything a journal holds starts so
            msg = f"`{path}` must be a journal of JSON lines, got something else in line {number}. Use another --out."
            raise RunError(msg)
        try:
            records.append(json.loads(line))
        except ValueError:  # cut short
            continue
    return records
