"""Where a result came from: command, versions, machine, time."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from typing import Any

__all__ = ["provenance"]


def provenance(command: Sequence[str] | str) -> dict[str, Any]:
    """What a sceptic needs to run it again."""
    versions = {}
    for package in ("lrdecay", "torch", "numpy", "scipy"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "command": command if isinstance(command, str) else " ".join(command),
        "versions": versions,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, one thread a worker, CPU",
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
