"""Snapshots in an object store, or wherever else fsspec reaches: ``s3://bucket/prefix``, ``gs://``, ``abfs://``.

A store of objects has no rename, no locks and no flush, and needs none: an object that is put is there whole or not at
all, and the file that says that a snapshot is whole is put last and removed first. What is put and got goes through a
folder of this machine, in the form of `lrdecay.runs.snapshot_file`, whose checksums are checked after each download.

fsspec and the package that speaks to the store are loaded when they are needed. Who may do what there is their
business: they read the environment and the files that they always read.
"""

from __future__ import annotations

import importlib.util
import platform
import secrets
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

from attrs import frozen

from lrdecay.errors import InputError, LrdecayError, MissingExtraError, RunError, refusal
from lrdecay.runs.snapshot_file import (
    MANIFEST,
    STATE,
    BrokenSnapshotError,
    broken,
    files_in,
    read_snapshot,
    seal_checkpoint,
    sealed_names,
    size_of,
    verified_checkpoint,
    write_snapshot,
)
from lrdecay.runs.trainable import Snapshot

__all__ = ["Bucket", "check_address", "is_address"]

_MEANT_OTHERWISE = ("::", "*", "?", "[", "#")  # by fsspec


def is_address(place: str) -> bool:
    """Whether it is an address, such as s3://bucket/prefix, and no path."""
    return "://" in place


def check_address(address: str) -> None:
    """Check that an address can be read here; nothing is connected to.

    Raises:
        InputError: no such kind of address is known, or it says more than a place.
        MissingExtraError: a package is not installed.
    """
    call = f"--snapshots {address}"
    kind, _, place = address.partition("://")
    if not place.strip("/"):
        msg = refusal("--snapshots ADDRESS", "must name a bucket", address, "Such as s3://bucket/prefix.")
        raise InputError(msg)
    odd = next((mark for mark in _MEANT_OTHERWISE if mark in address), None)
    if odd is not None:
        msg = refusal("--snapshots ADDRESS", f"must be a plain address without {odd!r}", address)
        raise InputError(msg)
    if importlib.util.find_spec("fsspec") is None:
        msg = f"`{call}` must have fsspec, which is not installed. Run: pip install "
        raise MissingExtraError(msg + ("s3fs" if kind == "s3" else "fsspec, and its package for this kind of address"))
    from fsspec.registry import get_filesystem_class, known_implementations

    try:
        get_filesystem_class(kind)
    except ImportError as problem:
        package = known_implementations[kind]["class"].partition(".")[0]
        cure = f"Run: pip install {package}" if package != "fsspec" else str(problem)
        msg = f"`{call}` must have a package for {kind}://, which is not installed. {cure}"
        raise MissingExtraError(msg) from problem
    except ValueError as problem:
        cure = "Such as s3://bucket/prefix, gs://bucket/prefix, abfs://container/prefix, or a folder."
        msg = refusal("--snapshots ADDRESS", "must be of a kind that fsspec knows", address, cure)
        raise InputError(msg) from problem


@final
@frozen
class Bucket:
    """All objects below an address."""

    address: str

    @property
    def where(self) -> str:
        """Its address."""
        return self.address

    def write(self, name: str, snapshot: Snapshot) -> int:
        """Written here and put there."""
        with tempfile.TemporaryDirectory(prefix="lrdecay-") as spare:
            write_snapshot(Path(spare, name), snapshot)
            return self._put(name, Path(spare, name))

    def read(self, name: str) -> Snapshot:
        """Got, and checked by its checksum."""
        with tempfile.TemporaryDirectory(prefix="lrdecay-") as spare, self._removed_if_broken(name):
            self._get(name, [STATE], Path(spare))
            return read_snapshot(Path(spare))

    def desk(self, name: str, spare: Path) -> Path:
        """A folder of this machine, from which `seal` puts it there."""
        (spare / name).mkdir()
        return spare / name

    def seal(self, name: str, spare: Path) -> int:
        """Each file is an object; the manifest is put last."""
        seal_checkpoint(spare / name)
        return self._put(name, spare / name)

    def checkpoint(self, name: str, spare: Path) -> Path:
        """Got file by file, as the manifest says, and checked by the checksums in it."""
        folder = spare / name
        folder.mkdir()
        with self._removed_if_broken(name):
            self._get(name, [MANIFEST], folder)
            names = sealed_names(folder)
            for bare in (one for one in names if one.endswith("/")):
                (folder / bare).mkdir(parents=True, exist_ok=True)
            self._get(name, [one for one in names if not one.endswith("/")], folder)
            return verified_checkpoint(folder)

    def has(self, name: str) -> bool:
        """Whether a whole snapshot is there."""
        with self._asking() as (store, root):
            return any(store.exists(f"{root}/{name}/{file}") for file in (STATE, MANIFEST))

    def remove(self, name: str) -> None:
        """Remove it; first what says that it is whole."""
        with self._asking() as (store, root):
            for file in (STATE, MANIFEST):
                with suppress(FileNotFoundError):
                    store.rm_file(f"{root}/{name}/{file}")
            with suppress(FileNotFoundError):
                store.rm(f"{root}/{name}", recursive=True)

    def sweep(self, keep: Collection[str]) -> int:
        """Remove whatever else there is than whole snapshots of these names; gives how many."""
        orphans = [name for name in self._names() if name not in keep or not self.has(name)]
        for name in orphans:
            self.remove(name)
        return len(orphans)

    def clean(self) -> None:
        """Remove every object below the address."""
        self.sweep(())

    @contextmanager
    def marked(self) -> Iterator[str]:
        """An object; written, listed, read and removed."""
        check_address(self.address)
        mark = f".reach.{secrets.token_hex(6)}"
        with self._reaching() as (store, root):
            store.pipe_file(f"{root}/{mark}", mark.encode())
        try:
            yield mark
        finally:
            with self._reaching() as (store, root):
                store.rm_file(f"{root}/{mark}")

    def sees(self, mark: str) -> bool:
        """Whether the object is there, says what it should, and another can be written, listed and removed."""
        check_address(self.address)
        with self._reaching() as (store, root):
            mine = f"{root}/{mark}.{secrets.token_hex(6)}"
            store.pipe_file(mine, mark.encode())
            try:
                listed = {path.rpartition("/")[2] for path in store.ls(root, detail=False)}
            finally:
                store.rm_file(mine)
            return mark in listed and store.cat_file(f"{root}/{mark}") == mark.encode()

    def _put(self, name: str, folder: Path) -> int:
        """Put a whole snapshot there, in place of what another attempt may have left."""
        linked = next((path for path in folder.rglob("*") if path.is_symlink() and path.is_dir()), None)
        if linked is not None:
            shown = linked.relative_to(folder).as_posix()
            cure = "Save the folder itself, or give --snapshots a folder that all machines share."
            msg = refusal("save(path, t)", "must write no links to folders to be kept in an object store", shown, cure)
            raise RunError(msg)
        self.remove(name)
        files = sorted(files_in(folder), key=lambda path: path in (folder / STATE, folder / MANIFEST))
        with self._asking() as (store, root):
            for path in files:
                store.put_file(str(path), f"{root}/{name}/{path.relative_to(folder).as_posix()}")
        return size_of(folder)

    def _get(self, name: str, files: list[str], folder: Path) -> None:
        with self._asking() as (store, root):
            for file in files:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                try:
                    store.get_file(f"{root}/{name}/{file}", str(folder / file))
                except FileNotFoundError as problem:
                    there = f"{self.address}/{name}/{file}"
                    raise broken(there, "nothing") from problem

    def _names(self) -> list[str]:
        with self._asking() as (store, root):
            try:
                return sorted(path.rstrip("/").rpartition("/")[2] for path in store.ls(root, detail=False))
            except FileNotFoundError:
                return []

    @contextmanager
    def _asking(self) -> Iterator[tuple[Any, str]]:
        """The store and the path in it, seen as it is now; what goes wrong is said in one line.

        Packages for fsspec raise what the library under them raises, and there is no telling what.
        """
        try:
            yield self._opened()
        except LrdecayError:
            raise
        except Exception as problem:
            msg = f"`--snapshots {self.address}` must take and give snapshots, got {_said(problem)}. "
            raise RunError(msg + "What was finished is kept; run the same command.") from problem

    @contextmanager
    def _reaching(self) -> Iterator[tuple[Any, str]]:
        """The same before the study: what goes wrong is the address or who asks."""
        try:
            yield self._opened()
        except Exception as problem:
            msg = f"`--snapshots {self.address}` must be a place where {platform.node()} can write, list, read and "
            msg += f"remove, got {_said(problem)}. Check the address and the credentials."
            raise InputError(msg) from problem

    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        store, root = url_to_fs(self.address)
        store.invalidate_cache()  # of listings: others write and remove, too
        return store, root.rstrip("/")

    @contextmanager
    def _removed_if_broken(self, name: str) -> Iterator[None]:
        """A snapshot that was got and is not what was put is removed, so that its trunk is trained again."""
        try:
            yield
        except BrokenSnapshotError:
            self.remove(name)
            raise


def _said(problem: Exception) -> str:
    """An exception on one line."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    said = "".join(c if c.isprintable() else " " for c in (lines[0] if lines else "no message"))
    return f"{type(problem).__name__}: {said.rstrip('.')}"
