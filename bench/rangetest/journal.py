"""What has been measured, one JSON line a piece, so that a measurement can be stopped and gone on with.

A piece is known by its key, a list: its kind, then what tells it from others of that kind. A line cut short by a kill
is left out when the file is read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from lrdecay.sweep.pool import LocalPool

__all__ = ["Journal", "Measurement"]

Key = tuple[Any, ...]


class Journal:
    """The pieces of one results directory.

    Args:
        directory: where `results.jsonl` is, or will be.
    """

    def __init__(self, directory: Path) -> None:
        """Read what is there."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "results.jsonl"
        self._pieces: dict[Key, dict[str, Any]] = {}
        written = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        if written and not written.endswith("\n"):
            written = written[: written.rfind("\n") + 1]
            self.path.write_text(written, encoding="utf-8")
        for line in written.splitlines():
            row = json.loads(line)
            self._pieces[tuple(row.pop("key"))] = row

    def __contains__(self, key: Key) -> bool:
        return key in self._pieces

    def __getitem__(self, key: Key) -> dict[str, Any]:
        return self._pieces[key]

    def get(self, key: Key) -> dict[str, Any] | None:
        """A piece, or None where it has not been measured."""
        return self._pieces.get(key)

    def of(self, *start: Any) -> dict[Key, dict[str, Any]]:
        """All pieces whose key begins so; by the rest of the key."""
        n = len(start)
        return {key[n:]: row for key, row in self._pieces.items() if key[:n] == start}

    def add(self, key: Key, row: dict[str, Any]) -> None:
        """Write a piece down at once."""
        self._pieces[key] = row
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": list(key), **row}) + "\n")


class Measurement(NamedTuple):
    """What a stage works with."""

    pool: LocalPool
    journal: Journal
    directory: Path
    only: tuple[str, ...] = ()  # "task" or "task/optimizer"; none: all

    def wants(self, task: str, optimizer: str) -> bool:
        """Whether it is of this measurement, or left to another one beside it."""
        return not self.only or task in self.only or f"{task}/{optimizer}" in self.only
