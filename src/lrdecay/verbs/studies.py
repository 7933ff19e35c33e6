"""`studies` and `check_study`: what was compared here, how far it is, and whether what is kept of it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError, RunError
from lrdecay.runs.store.lease import holder
from lrdecay.runs.store.opening import DATABASE, FILES, open_store
from lrdecay.runs.store.protocol import Store, StudyRecord
from lrdecay.verbs.extras import require
from lrdecay.verbs.keeping import NOTE, lease_of, studies_in

__all__ = ["FoundStudy", "check_study", "find_study", "opened", "studies"]

_REPORTS = Path("lrdecay-reports")


@frozen
class FoundStudy:
    """A study, where its report goes and where it is kept."""

    record: StudyRecord
    folder: Path
    where: str  # opens its store
    in_folder: bool  # whether that is the folder's own


def studies(store: str | Path | None = None) -> list[dict[str, Any]]:
    """The studies of a store, or of all folders below ``lrdecay-reports`` here; the oldest first.

    Returns:
        Of each ``id``, ``task``, ``state`` ("running", "interrupted", "finished" or "failed"), ``created``, ``runs``
        (how many it is known to need so far), ``folder``, ``store`` and ``command``.

    Raises:
        InputError: there is no such store.
    """
    require("study", "studies")
    places = sorted(_noted()) if store is None else [(None, str(store))]
    found: dict[str, dict[str, Any]] = {}
    for folder, where in dict.fromkeys(places):
        with opened(where) as kept:
            for record in kept.studies():
                found[record.id] = _row(kept, record, folder)
    return sorted(found.values(), key=lambda row: (row["created"], row["id"]))


def find_study(study: str | Path, store: str | Path | None = None) -> FoundStudy:
    """A study by its folder (the newest in it) or by its id.

    Args:
        study: folder or id.
        store: where it is kept; None: where its folder says, or in a folder below ``lrdecay-reports``.

    Raises:
        InputError: there is none.
    """
    folder = Path(study)
    if folder.is_dir():
        there = studies_in(folder)
        if not there:
            msg = f"`STUDY` must be the id or the folder of a study, got {str(study)!r}, a folder without a {NOTE}."
            raise InputError(msg)
        name, where = there[-1]
        return _found_in(name, where if store is None else str(store), folder)
    places = [where for _, where in _noted()] if store is None else [str(store)]
    for where in dict.fromkeys(places):
        with opened(where) as kept:
            if kept.study(str(study)) is None:
                continue
            last = kept.provenance(str(study))
        if last:
            return _found_in(str(study), where, Path(last[-1]["folder"]))
    looked = f"--store {store}" if store is not None else f"the folders of {_REPORTS} here"
    msg = f"`STUDY` must be the id or the folder of a study, got {str(study)!r}, which {looked} do not have."
    raise InputError(msg + " `lrdecay studies` lists them.")


def check_study(study: str | Path, store: str | Path | None = None) -> list[str]:
    """Read all of a study's store; one line for each thing that is wrong, none where nothing is.

    Raises:
        InputError: there is no such study.
    """
    require("study", "studies")
    found = find_study(study, store)
    with opened(found.where) as kept:
        wrong = kept.check()
        if found.record.state != "running":
            wrong += [f"study {found.record.id} has ended and lacks {what}" for what in _lacking(kept, found.record.id)]
            left = sorted((found.folder / "snapshots").glob("*"))
            if not _busy(kept, found):
                wrong += [f"{path} is a snapshot that nothing starts from" for path in left]
    return wrong


def _busy(kept: Store, found: FoundStudy) -> bool:
    """Whether a study of the same folder is being worked on, so that its snapshots are wanted."""
    return any(holder(kept, lease_of(name)) is not None for name, _ in studies_in(found.folder))


def _lacking(kept: Store, study: str) -> Iterator[str]:
    for member in kept.members(study):
        try:
            there = kept.node(member.identity) if member.role == "range test" else kept.result(member.identity)
        except RunError:  # damaged, which check() has said
            continue
        if there is None:
            yield f"the run {member.identity} ({member.role}, {member.schedule}, seed {member.seed})"


def _row(kept: Store, record: StudyRecord, folder: str | None) -> dict[str, Any]:
    state = record.state
    if state == "running" and holder(kept, lease_of(record.id)) is None:
        state = "interrupted"
    said = kept.provenance(record.id)
    return {
        "id": record.id,
        "task": record.question.get("task"),
        "state": state,
        "created": record.created,
        "runs": len({member.identity for member in kept.members(record.id)}),
        "folder": folder or (said[-1]["folder"] if said else None),
        "store": kept.where,
        "command": record.command,
    }


def _noted() -> list[tuple[str, str]]:
    """(folder, store) of every study's folder below ``lrdecay-reports`` here."""
    notes = sorted(_REPORTS.glob(f"*/{NOTE}"))
    return [(str(note.parent), where) for note in notes for _, where in studies_in(note.parent)]


def _found_in(name: str, where: str, folder: Path) -> FoundStudy:
    with opened(where) as kept:
        record = kept.study(name)
    if record is None:
        msg = f"`STUDY` must be in its store, got none of id {name} in {where}."
        raise InputError(msg)
    return FoundStudy(record, folder, where, Path(where).absolute() == folder.absolute())


@contextmanager
def opened(where: str) -> Iterator[Store]:
    """A store that is there; none is made.

    Raises:
        InputError: there is none.
    """
    path = Path(where.removeprefix("dir:"))
    there = path.exists() if where.startswith("dir:") or not path.is_dir() else False
    there = there or "://" in where or any((path / name).exists() for name in (DATABASE, FILES))
    if not there:
        msg = f"`--store` must be a store of lrdecay, got {where!r}, where there is none."
        raise InputError(msg)
    with open_store(where) as store:
        yield store
