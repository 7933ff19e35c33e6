"""Emoji as grey pictures of 28x28 in categories: where their archive is, how it is fetched, how it is read.

The archive is the npm package ``emoji-datasource-google`` 16.0.0 (74 MB): Google's Noto Emoji, Apache-2.0. It is looked
for at the path in the environment variable LRDECAY_EMOJI, then in the user's cache; only where neither has it, it is
downloaded into the cache, checked by its SHA-256 (the registry's own SHA-512 was the same file's) and put in place by a
rename. Nothing of it is unpacked to disk.

A picture is that of 64x64, laid over black, in the grey of ITU-R 601-2, and reduced by means of areas. Every emoji is
taken once, without its skin tones, and every category that has at least 100 of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import InputError, MissingExtraError, RunError, refusal
from lrdecay.tasks.fashion_files import cache_directory, download

__all__ = ["FEWEST", "NAME", "SHA256", "SOURCE", "checksum", "find_archive", "pictures"]

NAME = "emoji-datasource-google-16.0.0.tgz"
SOURCE = f"https://registry.npmjs.org/emoji-datasource-google/-/{NAME}"
SHA256 = "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"

FEWEST = 100
"""Emoji of a category that is taken."""

_SIDE = 28
_INDEX = "package/emoji.json"
_PICTURES = "package/img/google/64/"
_CURE = f"Give the file {NAME} in LRDECAY_EMOJI, or run once with a network to download 74 MB."


def find_archive(*, source: str = SOURCE, expected: str = SHA256, timeout: float = 10.0) -> Path:
    """The archive, after a download where that is needed.

    Args:
        source: where it is downloaded from.
        expected: its SHA-256. A file that the user names is not checked.
        timeout: seconds without an answer after which the source is given up.

    Raises:
        InputError: the file that the user named is not there, or it is nowhere and cannot be downloaded.
    """
    named = os.environ.get("LRDECAY_EMOJI")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise InputError(refusal("LRDECAY_EMOJI", f"must be the file {NAME}", named))
        return path
    path = cache_directory().parent / "emoji" / NAME
    if not path.is_file():
        try:
            download(source, path, expected, timeout=timeout)
        except RunError as problem:
            msg = refusal("emoji", f"must find {NAME}", str(problem), _CURE)
            raise InputError(msg) from problem
    return path


@lru_cache(maxsize=2)
def checksum(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)
def pictures(sha256: str) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Pictures (n, 28, 28), their categories (n,), and the names of these.

    Args:
        sha256: of the archive, which is found as in `find_archive`; so that a run's arguments say what it saw.

    Raises:
        InputError: the archive is nowhere, is another one, or is not of that form.
        MissingExtraError: Pillow is not installed.
    """
    path = find_archive()
    if checksum(path) != sha256:
        msg = refusal("pictures(sha256=...)", f"must be of the file that is found, {checksum(path)}", sha256)
        raise InputError(msg)
    try:
        index, files = _members(path)
        listed = sorted(
            (int(e["sort_order"]), str(e["category"]), str(e["image"])) for e in index if e["has_img_google"]
        )
        sizes = Counter(category for _, category, _ in listed)
        names = tuple(sorted(name for name, size in sizes.items() if size >= FEWEST))
        taken = [(names.index(category), files[image]) for _, category, image in listed if category in names]
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, KeyError, TypeError) as problem:
        msg = refusal(str(path), "must be an archive of emoji", f"{type(problem).__name__}: {problem}", _CURE)
        raise InputError(msg) from problem
    if not taken:
        raise InputError(refusal(str(path), f"must hold a category of at least {FEWEST} emoji", dict(sizes)))
    grey = np.stack([_grey(raw) for _, raw in taken])
    return grey, np.array([category for category, _ in taken], dtype=np.int64), names


def _members(path: Path) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The index, and the bytes of every small picture by its name."""
    index: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            wanted = archive.extractfile(member) if member.name.startswith((_INDEX, _PICTURES)) else None
            if wanted is not None and member.name == _INDEX:
                index = json.load(wanted)
            elif wanted is not None:
                files[member.name.removeprefix(_PICTURES)] = wanted.read()
    return index, files


def _grey(raw: bytes) -> NDArray[np.uint8]:
    """A PNG over black, grey, (28, 28)."""
    try:
        from PIL import Image
    except ModuleNotFoundError as problem:
        msg = "`you2019/transfer` must have Pillow, which is not installed. Run: pip install 'lrdecay[lab]'"
        raise MissingExtraError(msg) from problem
    picture = Image.open(io.BytesIO(raw)).convert("RGBA")
    black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    flat = Image.alpha_composite(black, picture).convert("L")
    return np.asarray(flat.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.uint8)
