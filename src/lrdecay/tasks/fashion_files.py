"""Where the four files of Fashion-MNIST are, how they are fetched, and how they are read.

Looked for in this order: a directory the user names, the directory in the environment variable LRDECAY_DATA, the place
where Debian's package ``dataset-fashion-mnist`` puts them, the user's cache. Only where none has them are they
downloaded (31 MB) into the cache, each file checked by its SHA-256 and put in place by a rename.

The format, IDX: two zero bytes, a type (8 is unsigned bytes), the number of dimensions, each dimension as four bytes,
most significant first, then the numbers (LeCun, Cortes and Burges 1998).
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import tempfile
import urllib.request
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import InputError, RunError, refusal

__all__ = ["DEBIAN", "SHA256", "SOURCES", "cache_directory", "download", "locate", "read_idx"]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")

SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
"""The published files and their checksums. Debian's are the same numbers in other gzip headers."""

SOURCES = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)

_CURE = (
    "Install Debian's package dataset-fashion-mnist, or give a directory that holds them (--with data=DIR or "
    "LRDECAY_DATA=DIR), or run once with a network to download 31 MB."
)


def cache_directory() -> Path:
    """``lrdecay/fashion-mnist`` in XDG_CACHE_HOME, or in ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lrdecay" / "fashion-mnist"


def locate(
    data: str | None,
    *,
    system: Path = DEBIAN,
    sources: tuple[str, ...] = SOURCES,
    sums: Mapping[str, str] = SHA256,
    timeout: float = 10.0,
) -> Path:
    """The directory that holds the four files, after a download where that is needed.

    Args:
        data: a directory named by the user; it must hold the files.
        system: where a system package puts them.
        sources: addresses to download from, in this order, each ending in a slash.
        sums: the names of the files and their SHA-256.
        timeout: seconds without an answer after which a source is given up.

    Raises:
        InputError: a named directory lacks a file, or they are nowhere and no source could be reached.
    """
    named = {"fashion(data=...)": data, "LRDECAY_DATA": os.environ.get("LRDECAY_DATA") or None}
    for call, value in named.items():
        if value is not None:
            directory = Path(value).expanduser() if isinstance(value, str) else Path()
            absent = [name for name in sums if not (directory / name).is_file()]
            if absent or not isinstance(value, str):
                msg = refusal(call, f"must be a directory that holds {', '.join(absent) or 'the files'}", value)
                raise InputError(msg)
            return directory
    cache = cache_directory()
    for directory in (system, cache):
        if all((directory / name).is_file() for name in sums):
            return directory
    reason = "no source to download from"
    for source in sources:
        try:
            for name, checksum in sums.items():
                if not (cache / name).is_file():
                    download(source + name, cache / name, checksum, timeout=timeout)
        except RunError as problem:
            reason = str(problem)
        else:
            return cache
    msg = refusal("fashion", "must find the four files of Fashion-MNIST", reason, _CURE)
    raise InputError(msg)


def download(url: str, target: Path, checksum: str, *, timeout: float = 10.0) -> None:
    """Fetch one file; the target appears only when complete and right.

    Raises:
        RunError: no answer, an answer that breaks off, an unwritable target, or another SHA-256 than ``checksum``.
    """
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        total = hashlib.sha256()
        with (
            urllib.request.urlopen(url, timeout=timeout) as answer,  # noqa: S310  the addresses are our own
            tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, suffix=".part", delete=False) as part,
        ):
            temporary = Path(part.name)
            while block := answer.read(1 << 20):
                total.update(block)
                part.write(block)
            part.flush()
            os.fsync(part.fileno())
        if total.hexdigest() != checksum:
            msg = refusal(f"download({url!r})", f"must have the SHA-256 {checksum[:12]}...", total.hexdigest())
            raise RunError(msg)
        temporary.replace(target)
    except (OSError, http.client.HTTPException) as problem:
        msg = refusal(f"download({url!r})", "must be answered", f"{type(problem).__name__}: {problem}")
        raise RunError(msg) from problem
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def read_idx(path: Path) -> NDArray[Any]:
    """The array of unsigned bytes in a gzipped IDX file; read-only.

    Raises:
        InputError: it cannot be read, is not such a file, or is cut short.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as problem:
        msg = refusal(str(path), "must be a gzipped IDX file", f"{type(problem).__name__}: {problem}")
        raise InputError(msg) from problem
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08" or len(raw) < 4 + 4 * raw[3]:
        msg = refusal(str(path), "must start as an IDX file of unsigned bytes", raw[:4])
        raise InputError(msg)
    start = 4 + 4 * raw[3]
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], dtype=">u4"))
    if len(raw) - start != int(np.prod(shape, dtype=np.int64)):
        msg = refusal(str(path), f"must hold the numbers of shape {shape}", f"{len(raw) - start} bytes")
        raise InputError(msg)
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)
