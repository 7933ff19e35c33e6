"""Where a study keeps its snapshots: what the executor and its workers ask of such a place, and a folder that is one.

`lrdecay.runs.snapshot_bucket` is another. A snapshot has a name, and is there whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, final

from attrs import frozen

from lrdecay.runs.snapshot_file import (
    BrokenSnapshotError,
    has_snapshot,
    read_snapshot,
    remove_snapshot,
    seal_checkpoint,
    sweep_snapshots,
    verified_checkpoint,
    write_snapshot,
)
from lrdecay.runs.trainable import Snapshot

__all__ = ["LocalFolder", "SnapshotFolder", "sees"]


class SnapshotFolder(Protocol):
    """A place for snapshots that every worker reaches: a value, which is sent to them."""

    @property
    def where(self) -> str:
        """What opens it, for people."""

    def write(self, name: str, snapshot: Snapshot) -> int:
        """Keep a task's snapshot; gives its bytes.

        Raises:
            RunError: it cannot be kept; nothing that looks whole is left then.
        """

    def read(self, name: str) -> Snapshot:
        """What `write` kept; the same bits.

        Raises:
            RunError: it is not there, or broken, and then removed, so that the next start trains its trunk again.
        """

    def desk(self, name: str, spare: Path) -> Path:
        """An empty folder of this machine in which a script's checkpoint is written, below ``spare`` if need be."""

    def seal(self, name: str, spare: Path) -> int:
        """The checkpoint is written: keep what is at the desk; gives its bytes.

        Raises:
            RunError: nothing was written, or it cannot be kept.
        """

    def checkpoint(self, name: str, spare: Path) -> Path:
        """A script's checkpoint as it was written, on this machine; below ``spare`` if need be.

        Raises:
            RunError: as `read`.
        """

    def has(self, name: str) -> bool:
        """Whether a whole snapshot is there."""

    def remove(self, name: str) -> None:
        """Remove it, if it is there."""

    def sweep(self, keep: Collection[str]) -> int:
        """Remove whatever else there is than whole snapshots of these names; gives how many."""

    def clean(self) -> None:
        """Remove every snapshot and the place itself."""

    @contextmanager
    def marked(self) -> Iterator[str]:
        """A mark is there meanwhile, which every worker must find; gives its name.

        Raises:
            InputError: the place cannot be reached, written to or read.
        """

    def sees(self, mark: str) -> bool:
        """In a worker: whether the mark is there, and the place can be written to.

        Raises:
            InputError: this machine cannot reach it.
        """


def sees(folder: SnapshotFolder, mark: str) -> bool:
    """`SnapshotFolder.sees`, as a pool calls it."""
    return folder.sees(mark)


@final
@frozen
class LocalFolder:
    """A folder of this machine, or of a filesystem that all machines mount under the same path."""

    root: Path  # whatever else than snapshots is in it is removed

    @property
    def where(self) -> str:
        """Its path."""
        return str(self.root)

    def write(self, name: str, snapshot: Snapshot) -> int:
        """Written beside, flushed to disk, renamed."""
        return write_snapshot(self.root / name, snapshot)

    def read(self, name: str) -> Snapshot:
        """Checked by its checksum."""
        with self._removed_if_broken(name):
            return read_snapshot(self.root / name)

    def desk(self, name: str, spare: Path) -> Path:  # noqa: ARG002
        """Where it is kept."""
        self.remove(name)
        (self.root / name).mkdir(parents=True)
        return self.root / name

    def seal(self, name: str, spare: Path) -> int:  # noqa: ARG002
        """Flushed to disk; the manifest is written last."""
        return seal_checkpoint(self.root / name)

    def checkpoint(self, name: str, spare: Path) -> Path:  # noqa: ARG002
        """Where it is kept."""
        with self._removed_if_broken(name):
            return verified_checkpoint(self.root / name)

    def has(self, name: str) -> bool:
        """Whether a whole snapshot is there."""
        return has_snapshot(self.root / name)

    def remove(self, name: str) -> None:
        """Remove it, if it is there."""
        remove_snapshot(self.root / name)

    def sweep(self, keep: Collection[str]) -> int:
        """Remove whatever else there is than whole snapshots of these names; gives how many."""
        return sweep_snapshots(self.root, keep)

    def clean(self) -> None:
        """Remove every snapshot and the folder."""
        self.sweep(())
        if self.root.is_dir():
            self.root.rmdir()

    @contextmanager
    def marked(self) -> Iterator[str]:
        """A file beside the folder, which need not be there yet."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        mark = self.root.parent / f".reach.{os.getpid()}"
        mark.touch()
        try:
            yield str(mark)
        finally:
            mark.unlink(missing_ok=True)

    def sees(self, mark: str) -> bool:
        """Whether there is such a file here."""
        return Path(mark).is_file()

    @contextmanager
    def _removed_if_broken(self, name: str) -> Iterator[None]:
        try:
            yield
        except BrokenSnapshotError:
            self.remove(name)
            raise
