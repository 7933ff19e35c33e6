"""Where a result came from: command, versions, machine, time."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["provenance", "report_folder"]


def report_folder(verb: str, label: str, question: str) -> Path:
    """Where a verb writes unless it is told: a folder of this question's own, so that asking again finds it."""
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[-40:].strip("-")
    return Path("lrdecay-reports") / f"{verb}-{slug}-{question[:8]}"


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
