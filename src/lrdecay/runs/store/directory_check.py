"""What is wrong in a directory store: every file is one of ours, whole, and where it belongs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from cattrs.errors import BaseValidationError

from lrdecay.errors import LrdecayError
from lrdecay.runs.store.checking import of_contents, of_numbers
from lrdecay.runs.store.directory_files import Files
from lrdecay.runs.store.records import Sealed, member_from, study_from

__all__ = ["check_folder"]

_NAME = r"[^/]+"
_PLACES = {
    "version": r"store\.json",
    "study": rf"studies/{_NAME}/study\.json",
    "members": rf"studies/{_NAME}/members/[0-9a-f]{{64}}\.json",
    "provenance": rf"studies/{_NAME}/provenance/[0-9a-f]{{64}}\.json",
    "node": rf"nodes/{_NAME}/{_NAME}",
    "result": rf"results/{_NAME}/{_NAME}",
    "entry": rf"runs/{_NAME}/(events|commands|outcomes)/\d{{9}}\.json",
    "status": rf"runs/{_NAME}/status/{_NAME}\.json",
}


def check_folder(files: Files) -> list[str]:
    """One line for each thing that is wrong; hidden files are not ours, but for those a killed writer left."""
    wrong = [f"{p.relative_to(files.root)} was left half-written; it goes when opened again" for p in files.abandoned()]
    found: dict[str, list[str]] = {place: [] for place in _PLACES}
    for path in _paths(files.root):
        place = next((name for name, pattern in _PLACES.items() if re.fullmatch(pattern, path)), None)
        if place is None:
            wrong.append(f"{path} is no file of a store")
        else:
            found[place].append(path)
    for place in ("version", "study", "members", "provenance", "entry", "status"):
        for path in found[place]:
            wrong += _unreadable(files, path, place)
    wrong += of_contents(_sealed(files, found["node"]), _sealed(files, found["result"]))
    return wrong + _numbering(found["entry"])


def _paths(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder, n).relative_to(root).as_posix() for n in sorted(names) if not n.startswith("."))


def _unreadable(files: Files, path: str, place: str) -> list[str]:
    try:
        sealed = files.read(files.root / path)
        record = {} if sealed is None else sealed.json(path)
        if place == "study":
            study_from(record)
        if place == "members":
            [member_from(m) for m in record["members"]]
    except LrdecayError as problem:
        return [str(problem)]
    except (BaseValidationError, KeyError, TypeError) as problem:
        return [f"{path} does not hold a {place}: {problem!r}"]
    return []


def _sealed(files: Files, paths: list[str]) -> Iterator[tuple[str, Sealed]]:
    for path in paths:
        sealed = files.read(files.root / path)
        if sealed is not None:
            yield path.rpartition("/")[2], sealed


def _numbering(paths: list[str]) -> list[str]:
    """Events and commands without gaps; outcomes only of commands there are."""
    logs: dict[tuple[str, str], set[int]] = {}
    for path in paths:
        _, run, channel, name = path.split("/")
        logs.setdefault((run, channel), set()).add(int(name.partition(".")[0]))
    wrong = []
    for (run, channel), numbers in logs.items():
        if channel == "outcomes":
            none = sorted(numbers - logs.get((run, "commands"), set()))
            wrong += [f"outcome {n} of {run} has no command" for n in none]
        else:
            wrong += of_numbers(f"{channel} of {run}", numbers, max(numbers))
    return wrong
