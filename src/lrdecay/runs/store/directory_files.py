"""Files that appear whole or not at all, and logs whose numbers two writers never share, on network filesystems too.

A file is written under a temporary name, flushed to disk, and then either renamed to its place (the last one stands) or
linked to the next free number of a log (the first one stands: making a link fails where a file is, on NFS, Lustre and
GPFS alike, as opening with O_EXCL or locking may not). Then its folder is flushed. The first line of a file is the
SHA-256 of the rest, the second line is JSON, the rest is CSV or nothing.

What a killed writer leaves is a temporary file; `sweep` removes those whose writer is gone.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lrdecay.errors import InputError, RunError
from lrdecay.runs.store.records import Sealed

__all__ = ["Files", "numbered"]

_ABANDONED = 3600.0  # seconds after which a temporary file of another machine is taken to be abandoned
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}
_NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}  # of a folder: this filesystem has no such thing
_counter = itertools.count()


class Files:
    """Reading and writing below one folder.

    Every method raises `RunError` where the filesystem refuses, in one line: full, read-only, gone.
    """

    def __init__(self, root: Path) -> None:
        """Nothing is read or made."""
        self.root = root

    def read(self, path: Path) -> Sealed | None:
        """What is there, damaged or not; None: nothing."""
        with self._worded():
            try:
                data = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None
        sha256, _, body = data.partition(b"\n")
        record, _, trace = body.partition(b"\n")
        return Sealed(record.decode(errors="replace"), trace, sha256.decode(errors="replace"))

    def replace(self, path: Path, sealed: Sealed, *, durable: bool = True) -> None:
        """Put a file in its place, over what is there; if not durable, a power cut may lose it."""
        with self._worded(), self._written(self.root / "tmp", sealed, durable=durable) as temporary:
            self._folder(path.parent)
            temporary.replace(path)
            if durable:
                _flush(path.parent)

    def create(self, path: Path, sealed: Sealed) -> bool:
        """Put a file where none is; False: there was one, and it stands.

        Raises:
            InputError: this filesystem has no hard links.
        """
        with self._worded():
            self._folder(path.parent)
            with self._written(path.parent, sealed) as temporary:
                return self._linked(temporary, path)

    def append(self, folder: Path, sealed: Sealed, first: int, *, only: bool = False) -> int | None:
        """Put a file at the first free number of a log from ``first`` on; with ``only``, there or not at all.

        Args:
            folder: of the log.
            sealed: what is put.
            first: a number whose predecessor is in the log.
            only: give up where somebody else has taken ``first``.

        Returns:
            The number; None: given up.
        """
        with self._worded():
            self._folder(folder)
            with self._written(folder, sealed) as temporary:
                for number in itertools.count(first):
                    if self._linked(temporary, numbered(folder, number)):
                        return number
                    if only:
                        break
        return None

    def names(self, folder: Path) -> list[str]:
        """The names in a folder, sorted, without hidden ones; of one that is not there, none."""
        with self._worded():
            try:
                return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
            except (FileNotFoundError, NotADirectoryError):
                return []

    def last(self, folder: Path) -> int:
        """The highest number of a log; 0 where it is empty."""
        return max((int(n.partition(".")[0]) for n in self.names(folder) if n[0].isdigit()), default=0)

    def after(self, folder: Path, number: int) -> Iterator[tuple[int, Sealed]]:
        """What a log holds after a number, in order."""
        with self._worded(), suppress(FileNotFoundError):
            os.close(os.open(folder, os.O_RDONLY))  # an NFS client then asks again what is there
        for n in itertools.count(number + 1):
            sealed = self.read(numbered(folder, n))
            if sealed is None:
                return
            yield n, sealed

    def remove(self, path: Path) -> None:
        """Take a file away, if it is there."""
        with self._worded():
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _flush(path.parent)

    def abandoned(self) -> list[Path]:
        """Temporary files whose writer is gone."""
        with self._worded():
            folders = [self.root, self.root / "tmp", *(self.root / "runs").glob("*/*/")]
            return [path for folder in folders for path in folder.glob(".*.tmp") if _is_abandoned(path)]

    def sweep(self) -> None:
        """Remove what killed writers left."""
        for path in self.abandoned():
            self.remove(path)

    @contextmanager
    def _written(self, folder: Path, sealed: Sealed, *, durable: bool = True) -> Iterator[Path]:
        """A temporary file with this in it, on disk if durable; gone afterwards unless it was renamed."""
        self._folder(folder)
        temporary = folder / f".{socket.gethostname()}.{os.getpid()}.{time.time_ns()}-{next(_counter)}.tmp"
        try:
            with temporary.open("xb") as f:
                f.write(f"{sealed.sha256}\n{sealed.record}\n".encode() + sealed.trace)
                f.flush()
                if durable:
                    os.fsync(f.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _linked(self, temporary: Path, path: Path) -> bool:
        try:
            os.link(temporary, path)
        except FileExistsError:
            if not temporary.samefile(path):  # the same: an answer that was lost on the network, asked again
                return False
        except OSError as problem:
            if problem.errno not in _NO_LINKS:
                raise
            msg = f"`--store dir:{self.root}` must be on a filesystem with hard links, got: {problem.strerror}."
            msg += " Use another one, or a PostgreSQL database."
            raise InputError(msg) from problem
        _flush(path.parent)
        return True

    def _folder(self, path: Path) -> None:
        """Make a folder and those above it, and flush the ones they are in."""
        if path.is_dir():
            return
        self._folder(path.parent)
        path.mkdir(exist_ok=True)
        _flush(path.parent)

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            cure = "What was kept before is safe."
            if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                cure = "Make room on its disk and go on: what was kept before is safe."
            msg = f"`--store dir:{self.root}` must be a folder that can be written, got: {problem.strerror}. {cure}"
            raise RunError(msg) from problem


def numbered(folder: Path, number: int) -> Path:
    """The file of a log's entry."""
    return folder / f"{number:09d}.json"


def _flush(folder: Path) -> None:
    """Flush the names in a folder to disk, where the filesystem can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in _NO_FLUSH:
            raise
    finally:
        os.close(descriptor)


def _is_abandoned(temporary: Path) -> bool:
    host, pid, _ = temporary.name.removeprefix(".").removesuffix(".tmp").rsplit(".", 2)
    try:
        if host == socket.gethostname():
            os.kill(int(pid), 0)
        return time.time() - temporary.stat().st_mtime > _ABANDONED
    except ProcessLookupError:  # on this machine, and dead
        return True
    except FileNotFoundError:  # finished meanwhile
        return False
    except PermissionError:  # somebody else's, and alive
        return False
