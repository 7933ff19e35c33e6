"""Keeping a comparison: its store, its lease, its record, and the note in its folder that says where they are."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from lrdecay.errors import InputError, RunError
from lrdecay.runs.files import write_text
from lrdecay.runs.store.lease import lease
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Store, StudyRecord
from lrdecay.sweep.journal import Journal
from lrdecay.verbs.provenance import provenance

__all__ = ["NOTE", "Keeping", "kept_in", "lease_of", "studies_in", "wording_the_disk"]

NOTE = "study.json"
"""In a study's folder: ``{"studies": [{"study", "store"}, ...]}``, the newest last; ``store`` null: in the folder."""


@frozen(eq=False)
class Keeping:
    """A study that is being worked on."""

    journal: Journal
    study: StudyRecord

    @property
    def store(self) -> Store:
        """Where it is kept."""
        return self.journal.store

    def begin(self, command: str, **more: Any) -> None:
        """It will be trained: put the record, where this start came from, and the note in the folder."""
        self.store.put_study(self.study)
        folder = self.journal.folder.absolute()
        self.store.add_provenance(
            self.study.id, provenance(command) | {"folder": str(folder), "process": os.getpid()} | more
        )
        where = None if self.journal.owns_store else _absolute(self.store.where)
        entry = {"study": self.study.id, "store": where}
        others = [one for one in _noted(folder) if one["study"] != self.study.id]
        with wording_the_disk(folder):
            write_text(folder / NOTE, json.dumps({"studies": [*others, entry]}, indent=1) + "\n")

    def end(self, state: str) -> None:
        """It was trained."""
        self.store.put_study(evolve(self.study, state=state))


@contextmanager
def kept_in(
    folder: Path, store: str | Path | None, question: dict[str, Any], command: str, say: Callable[[str], None] | None
) -> Iterator[Keeping]:
    """Open the store and hold the leases of the study and of its folder, whose snapshots are one coordinator's.

    A study that is refused before it begins leaves no folder behind that was not there.

    Raises:
        InputError: the store or the folder is somebody else's.
        RunError: another process works on it, or the disk refuses.
    """
    study = StudyRecord(question, command)
    with _unless_begun(folder), ExitStack() as held:
        if store is None:
            journal = held.enter_context(Journal(folder, None, study))
        else:
            journal = held.enter_context(Journal(folder, held.enter_context(open_store(store)), study))
        if journal.store.note is not None and say is not None:
            say(journal.store.note)
        held.enter_context(lease(journal.store, lease_of(study.id), f"study {study.id}"))
        place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        held.enter_context(lease(journal.store, f"folder-{place}", f"--out {folder}"))
        yield Keeping(journal, study)


@contextmanager
def _unless_begun(folder: Path) -> Iterator[None]:
    """Folders that were made inside are removed again, unless a study has begun in them."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    finally:
        if folder in missing and folder.exists() and not (folder / NOTE).exists():
            shutil.rmtree(folder)
            for place in missing[1:]:
                with suppress(OSError):  # somebody else has put something there
                    place.rmdir()


def lease_of(study: str) -> str:
    """The name of a study's lease."""
    return f"study-{study}"


def studies_in(folder: Path) -> list[tuple[str, str]]:
    """The studies of a folder, by id, and where each is kept; the newest last; none where it is no study's folder.

    Raises:
        InputError: the note in it is not ours.
    """
    return [(one["study"], one["store"] or str(folder)) for one in _noted(folder)]


@contextmanager
def wording_the_disk(folder: Path) -> Iterator[None]:
    """A disk that refuses is said in one line."""
    try:
        yield
    except OSError as problem:
        cure = "make room" if problem.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        msg = f"`{folder}` must be a folder that can be written, got: {problem.strerror}. What was finished is kept:"
        raise RunError(msg + f" {cure} and run the same command.") from problem


def _noted(folder: Path) -> list[dict[str, Any]]:
    path = folder / NOTE
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text())["studies"]
        return [{"study": str(one["study"]), "store": one["store"]} for one in found]
    except (ValueError, KeyError, TypeError) as problem:
        msg = f"`{path}` must say which studies the folder holds, got something else. Use another --out."
        raise InputError(msg) from problem


def _absolute(where: str) -> str:
    """A store's place that holds from any folder."""
    if "://" in where:
        return where
    return f"dir:{Path(where[4:]).absolute()}" if where.startswith("dir:") else str(Path(where).absolute())
