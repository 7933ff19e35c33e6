"""What a study has finished, in a store, so that a kill loses at most the nodes being trained.

A run whose identity is in the store is never made again, whichever study made it. What belongs to which study is said
in the store before it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from lrdecay.errors import InputError
from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Member, Store, StudyRecord

__all__ = ["Journal"]


class Journal:
    """The finished runs of a study, by identity; a context manager that closes a store it opened itself.

    Args:
        folder: of the study: its report and its snapshots.
        store: where runs and nodes are kept; by default the one in the folder.
        study: of which study they are; None: of none.

    Raises:
        InputError: the folder holds the journal of an older lrdecay, or something else.
    """

    def __init__(self, folder: Path, store: Store | None = None, study: StudyRecord | None = None) -> None:
        """Opens the store where none is given."""
        if (folder / "journal.jsonl").exists():
            msg = f"`--out {folder}` must be a new folder or one of this version, got one with a journal.jsonl, which"
            raise InputError(msg + " an older lrdecay kept its runs in. Use another --out.")
        self.folder = folder
        self.store = open_store(folder) if store is None else store
        self.study = study
        self.owns_store = store is None
        self._finished: dict[str, RunResult] = {}

    def get(self, identity: str) -> RunResult | None:
        """The finished run, if it is finished.

        Raises:
            RunError: it is damaged.
        """
        if identity not in self._finished:
            kept = self.store.result(identity)
            if kept is None:
                return None
            self._finished[identity] = kept
        return self._finished[identity]

    def add(self, result: RunResult, nodes: Sequence[str] = ()) -> None:
        """Keep a run, and the keys of the nodes it was put together from."""
        self.store.put_result(result, nodes)
        self._finished[result.identity] = result

    def join(self, members: Sequence[Member]) -> None:
        """Say that these runs belong to the study."""
        if self.study is not None and members:
            self.store.add_members(self.study.id, members)

    def close(self) -> None:
        """Let go of the store, if it was opened here."""
        if self.owns_store:
            self.store.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
