"""Where finished nodes are kept, so that none is trained twice; here, a folder beside the study's journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from lrdecay.errors import RunError
from lrdecay.runs.files import append_line, read_lines
from lrdecay.runs.trace import Trace

__all__ = ["FolderNodes", "NodeStore"]


class NodeStore(Protocol):
    """What the executor asks of a store."""

    def node(self, key: str) -> tuple[Mapping[str, Any], Trace] | None:
        """The record and the trace of a finished node."""

    def put_node(self, key: str, record: Mapping[str, Any], trace: Trace) -> None:
        """Keep a finished node, on disk before this returns; in place of one of the same key."""


class FolderNodes:
    """``nodes.jsonl`` with a line per node, and ``nodes/<key>.csv`` with its trace.

    Raises:
        RunError: the folder holds something else.
    """

    def __init__(self, folder: Path) -> None:
        """Reads the lines; traces are read when they are asked for."""
        self._path, self._traces = folder / "nodes.jsonl", folder / "nodes"
        self._records = {line["key"]: line["record"] for line in read_lines(self._path)}

    def node(self, key: str) -> tuple[Mapping[str, Any], Trace] | None:
        """The record and the trace of a finished node.

        Raises:
            RunError: its trace is gone.
        """
        if key not in self._records:
            return None
        path = self._trace(key)
        if not path.exists():
            msg = f"`{self._path}` must have the trace of each node beside it, got no {path.name}. Use another --out."
            raise RunError(msg)
        return self._records[key], Trace.from_csv(path)

    def put_node(self, key: str, record: Mapping[str, Any], trace: Trace) -> None:
        """Write the trace, then the line."""
        trace.to_csv(self._trace(key))
        append_line(self._path, {"key": key, "record": dict(record)})
        self._records[key] = json.loads(json.dumps(record))  # as it will be read

    def _trace(self, key: str) -> Path:
        return self._traces / f"{key[:32]}.csv"
