"""Where a study keeps its snapshots: beside its journal, or where ``--snapshots`` says, a folder or an address.

Below what is given each study has a place of its own, under a name drawn once and noted in the study's folder, so that
the next start finds there what a kill left, and two studies never sweep one another's.
"""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from attrs import asdict, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.runs.files import write_text
from lrdecay.runs.snapshot_bucket import Bucket, check_address, is_address
from lrdecay.runs.snapshot_folder import LocalFolder, SnapshotFolder
from lrdecay.sweep.pools import Pool
from lrdecay.verbs.keeping import wording_the_disk

__all__ = ["SNAPSHOTS_NOTE", "check_place", "snapshot_folder"]

SNAPSHOTS_NOTE = "snapshots.json"
"""In a study's folder: where its snapshots are, if not there."""

_FILE = "file://"


@frozen
class _Noted:
    given: str  # as --snapshots said
    place: str  # of this study, below it


def check_place(given: str | Path) -> None:
    """Check what is given as ``--snapshots``, as far as that goes without looking there.

    Raises:
        InputError: it is an address of no known kind.
        MissingExtraError: a package for it is not installed.
    """
    root = _root(given)
    if is_address(root):
        check_address(root)


def snapshot_folder(pool: Pool, study: Path, snapshots: str | Path | None = None) -> SnapshotFolder:
    """Where a study keeps its snapshots; checked from every machine, and free of what is left elsewhere.

    Args:
        pool: of the workers that must reach it.
        study: its folder.
        snapshots: as given; None: where they were at the last start, and at first beside the journal.

    Raises:
        InputError: not every worker reaches it, or the last place cannot be reached any more.
        RunError: the study's folder cannot be written to.
    """
    study = study.absolute()
    noted = _noted(study)
    before = LocalFolder(study / "snapshots") if noted is None else _opened(noted.place)
    if snapshots is None or (noted is not None and noted.given == _root(snapshots)):
        _check(pool, before, study, noted)
        return before
    root, name = _root(snapshots), re.sub(r"[^A-Za-z0-9._-]", "_", study.name)
    chosen = _Noted(root, f"{root.rstrip('/')}/{name}-{secrets.token_hex(6)}")
    found = _opened(chosen.place)
    pool.check_reach(found)
    if noted is not None:
        _check(pool, before, study, noted)
    before.clean()
    with wording_the_disk(study):
        write_text(study / SNAPSHOTS_NOTE, json.dumps(asdict(chosen), indent=1) + "\n")
    return found


def _check(pool: Pool, before: SnapshotFolder, study: Path, noted: _Noted | None) -> None:
    """Check that the last place is still reached."""
    try:
        pool.check_reach(before)
    except InputError as problem:
        if noted is None:
            raise
        msg = f"{problem} The study kept its snapshots there: {study / SNAPSHOTS_NOTE} says so. Remove it to forget it."
        raise InputError(msg) from problem


def _root(given: str | Path) -> str:
    """An address as it is, a path in full.

    Raises:
        InputError: it is an address that became a path on the way, and lost a slash.
    """
    text = str(given)
    if isinstance(given, Path) and re.match(r"[a-z][a-z0-9+]+:/", text):
        msg = refusal("compare(snapshots=...)", "must be text where it is an address", text)
        raise InputError(msg)
    if text.startswith(_FILE):
        text = text.removeprefix(_FILE)
    return text if is_address(text) else str(Path(text).absolute())


def _opened(place: str) -> SnapshotFolder:
    return Bucket(place) if is_address(place) else LocalFolder(Path(place))


def _noted(study: Path) -> _Noted | None:
    path = study / SNAPSHOTS_NOTE
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        return _Noted(str(found["given"]), str(found["place"]))
    except (ValueError, KeyError, TypeError) as problem:
        msg = f"`{path}` must say where the study's snapshots are, got something else. Remove it; they stay there."
        raise InputError(msg) from problem
