"""Processes by number, start time and machine, so that one can be told from a later one that was given its number."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from lrdecay.runs.store.values import Json

__all__ = ["process", "spoken", "this_process"]


def spoken(record: Json) -> str:
    """A process in words, from what `this_process` said of it."""
    return f"process {record['process'][0]} on {record['machine'][0]}"


def this_process() -> dict[str, Any]:
    """This process, and its machine by name, boot and process namespace, as JSON."""
    boot = _text(Path("/proc/sys/kernel/random/boot_id"))
    with suppress(OSError):
        boot += " " + str(Path("/proc/self/ns/pid").readlink())
    return {"machine": [socket.gethostname(), boot], "process": process(os.getpid())}


def process(pid: int) -> list[Any] | None:
    """A process by number and, where the system says it, start time (proc(5), field 22); None: there is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # somebody else's
        pass
    behind_name = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    if behind_name and behind_name[0] in "ZX":
        return None  # dead, and not waited for yet
    return [pid, behind_name[19] if len(behind_name) > 19 else ""]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
