r"""Snapshots on disk: whole or not there, bit for bit, checked when they are read, and without pickle.

A snapshot is a folder. A task's holds one file, ``state``:

    lrdecay-snapshot 1\n   8 bytes: length of the JSON   JSON   arrays, one after the other   64 bytes: SHA-256 in hex

where the JSON says the state and, for each array, its name, type and shape; the checksum is over all before it. It is
written beside, flushed to disk and renamed. A script's snapshot is its own checkpoint, ``checkpoint``, a file or a
folder of which nothing is known, with what the run keeps beside it; ``manifest.json``, written last, holds the SHA-256
of every file, and the name of every folder without one, so that a checkpoint without it was cut short.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lrdecay.errors import RunError
from lrdecay.runs.files import write_text
from lrdecay.runs.trainable import Snapshot

__all__ = [
    "MANIFEST",
    "STATE",
    "BrokenSnapshotError",
    "broken",
    "checkpoint_in",
    "files_in",
    "has_snapshot",
    "read_snapshot",
    "remove_snapshot",
    "seal_checkpoint",
    "sealed_names",
    "size_of",
    "sweep_snapshots",
    "verified_checkpoint",
    "write_snapshot",
]

_MAGIC = b"lrdecay-snapshot 1\n"
STATE, MANIFEST = "state", "manifest.json"
"""A snapshot in which one of these files is there is whole."""

_CHECKPOINT = "checkpoint"
_HEX = 64


class BrokenSnapshotError(RunError):
    """A snapshot that is not what was written: its trunk must be trained again."""


def write_snapshot(folder: Path, snapshot: Snapshot) -> int:
    """Write a task's snapshot; gives its bytes on disk.

    Raises:
        RunError: an array holds objects, or the disk is full; nothing is left then.
    """
    arrays = {name: np.asarray(array) for name, array in snapshot.tensors.items()}
    bad = [name for name, array in arrays.items() if array.dtype.hasobject or array.dtype.fields]
    if bad:
        msg = f"`snapshot()` must hold arrays of plain numbers, got {arrays[bad[0]].dtype} in {bad[0]!r}."
        raise RunError(msg)
    index = [{"name": name, "type": a.dtype.str, "shape": a.shape} for name, a in arrays.items()]
    text = json.dumps({"state": dict(snapshot.state), "arrays": index}).encode()
    temporary = folder / f".{STATE}.{os.getpid()}.tmp"
    total = hashlib.sha256()
    with _wording_the_disk(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as f:
                for part in (_MAGIC, struct.pack("<Q", len(text)), text, *(_bytes(a) for a in arrays.values())):
                    total.update(part)
                    f.write(part)
                f.write(total.hexdigest().encode())
                f.flush()
                os.fsync(f.fileno())
            temporary.replace(folder / STATE)
        finally:
            temporary.unlink(missing_ok=True)
    return size_of(folder)


def read_snapshot(folder: Path) -> Snapshot:
    """Read what `write_snapshot` wrote; the same bits.

    Raises:
        RunError: it is not there, was cut short or has changed since.
    """
    data = bytearray(_content(folder / STATE))
    body, said = memoryview(data)[:-_HEX], bytes(data[-_HEX:])
    if hashlib.sha256(body).hexdigest().encode() != said or not data.startswith(_MAGIC):
        raise broken(folder / STATE, "another checksum")
    at = len(_MAGIC) + 8
    (length,) = struct.unpack("<Q", body[len(_MAGIC) : at])
    said_of = json.loads(bytes(body[at : at + length]))
    at += length
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for entry in said_of["arrays"]:
        kind, shape = np.dtype(entry["type"]), tuple(entry["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        # not at an address that suits the type, so copied
        tensors[entry["name"]] = np.frombuffer(body, dtype=kind, count=count, offset=at).reshape(shape).copy()
        at += count * kind.itemsize
    return Snapshot(tensors, said_of["state"])


def checkpoint_in(folder: Path) -> Path:
    """Where a script is told to save to, or to load from."""
    return folder / _CHECKPOINT


def seal_checkpoint(folder: Path) -> int:
    """A script has saved: flush its files to disk and write down their checksums; gives their bytes.

    Raises:
        RunError: it has saved nothing, or the disk is full.
    """
    if not checkpoint_in(folder).exists():
        msg = f"`save(path, t)` must write a checkpoint at the path it is given, got nothing at {checkpoint_in(folder)}"
        raise RunError(msg + ".")
    with _wording_the_disk(folder):
        sums = {f"{path.relative_to(folder).as_posix()}/": "" for path in folder.rglob("*") if _bare(path)}
        for path in files_in(folder):
            with path.open("rb") as f:
                sums[path.relative_to(folder).as_posix()] = hashlib.file_digest(f, "sha256").hexdigest()
                os.fsync(f.fileno())
        write_text(folder / MANIFEST, json.dumps(sums, indent=1) + "\n")
    return size_of(folder)


def verified_checkpoint(folder: Path) -> Path:
    """The checkpoint of a sealed snapshot.

    Raises:
        RunError: a file of it is missing or has changed since.
    """
    for name, said in _sums(folder).items():
        if name.endswith("/"):
            if not (folder / name).is_dir():
                raise broken(folder / name, "no folder")
        elif hashlib.sha256(_content(folder / name)).hexdigest() != said:
            raise broken(folder / name, "another checksum")
    return checkpoint_in(folder)


def broken(path: Path | str, why: str) -> BrokenSnapshotError:
    """A file of a snapshot that is not as it was written."""
    return BrokenSnapshotError(f"`{path}` must be a snapshot as it was written, got {why}. Run the same command again.")


def sealed_names(folder: Path) -> list[str]:
    """What the manifest of a sealed snapshot names: files, and folders that hold none, which end in a slash.

    Raises:
        RunError: it is not there, is none, or names something outside of the snapshot.
    """
    names = list(_sums(folder))
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise broken(folder / MANIFEST, f"the name {name!r}")
    return names


def has_snapshot(folder: Path) -> bool:
    """Whether a whole snapshot is there."""
    return (folder / STATE).is_file() or (folder / MANIFEST).is_file()


def remove_snapshot(folder: Path) -> None:
    """Remove it; first what says that it is whole, so that a kill leaves nothing that looks like one."""
    for name in (STATE, MANIFEST):
        (folder / name).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)


def sweep_snapshots(root: Path, keep: Collection[str]) -> int:
    """Remove every snapshot below a folder but those of these names, and what kills left behind; gives how many."""
    found = sorted(root.iterdir()) if root.is_dir() else []
    orphans = [folder for folder in found if folder.name not in keep or not has_snapshot(folder)]
    for folder in orphans:
        remove_snapshot(folder)
    return len(orphans)


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in files_in(folder))


def files_in(folder: Path) -> list[Path]:
    """Its files, those in its folders too, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _bare(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _sums(folder: Path) -> dict[str, str]:
    try:
        return {str(name): str(said) for name, said in json.loads(_content(folder / MANIFEST)).items()}
    except (ValueError, AttributeError) as problem:
        raise broken(folder / MANIFEST, "no manifest") from problem


def _bytes(array: np.ndarray[Any, Any]) -> bytes | memoryview:
    return np.ascontiguousarray(array).tobytes()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise broken(path, problem.strerror or str(problem)) from problem


@contextmanager
def _wording_the_disk(folder: Path) -> Iterator[None]:
    """A disk that refuses is said in one line, and leaves no half snapshot."""
    try:
        yield
    except OSError as problem:
        shutil.rmtree(folder, ignore_errors=True)
        msg = f"`{folder.parent}` must take a snapshot, got {problem.strerror}. What was finished is kept: make room"
        raise RunError(msg + ", or give --out elsewhere, and run the same command.") from problem
