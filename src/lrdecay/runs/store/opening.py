"""Which store a place means: a folder or a file on this machine, a folder on a network filesystem, or a database.

None             the folder lrdecay-reports here
a folder         lrdecay.db in it (SQLite), or lrdecay.store (files) where it is on a network filesystem
a file           that SQLite database
dir:PATH         files in that folder, wherever it is
postgresql://... that database; sqlite:///PATH is a file
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from lrdecay.errors import InputError, MissingExtraError, RunError, refusal
from lrdecay.runs.store.mounts import network_filesystem
from lrdecay.runs.store.protocol import Store

__all__ = ["DATABASE", "FILES", "open_store"]

DATABASE = "lrdecay.db"
"""The SQLite file in a study's folder."""

FILES = "lrdecay.store"
"""The folder of a directory store in a study's folder."""

_EXTRAS = {"sqlalchemy": "study", "cattrs": "study", "psycopg": "postgres"}
_URL = re.compile(r"([a-z0-9]+)(?:\+[a-z0-9]+)?://")


def open_store(where: str | Path | None = None) -> Store:
    """The store at a place, made if it is not there. Its ``note`` says where it had to be another than usual.

    Args:
        where: a folder, a file, ``dir:PATH`` or a URL; None: `lrdecay-reports` in the current folder.

    Raises:
        InputError: the place is somebody else's, of a newer version, or no place for a store.
        RunError: it cannot be reached or written.
        MissingExtraError: SQLAlchemy, cattrs or psycopg is not installed.
    """
    place = "lrdecay-reports" if where is None else where
    if isinstance(place, str):
        if place.startswith("dir:"):
            if not place[4:].strip():
                msg = refusal("--store dir:PATH", "must name a folder", place)
                raise InputError(msg)
            return _files(Path(place[4:]))
        if _URL.match(place):
            return _of_url(place)
        if not place.strip():
            msg = refusal("--store", "must name a folder, a file, dir:PATH or a URL", place)
            raise InputError(msg)
    path = Path(place)
    if path.is_file() or (path.suffix in (".db", ".sqlite", ".sqlite3") and not path.is_dir()):
        return _of_file(path)
    return _of_folder(path)


def _of_folder(folder: Path) -> Store:
    """The store in a folder: what is there already, or what suits its filesystem."""
    kind = network_filesystem(folder)
    if kind is None:
        return _files(folder / FILES) if (folder / FILES).exists() else _of_file(folder / DATABASE)
    if (folder / DATABASE).exists():
        return _of_file(folder / DATABASE)  # refuses it
    note = f"`{folder}` is on a network filesystem ({kind}), where databases lock badly: the store is plain files."
    return _files(folder / FILES, note)


def _of_file(path: Path) -> Store:
    """An SQLite file, on a filesystem that can keep one."""
    kind = network_filesystem(path)
    if kind is not None:
        rule = f"must not be on a network filesystem ({kind}), where SQLite can lose what it keeps"
        msg = refusal("--store FILE", rule, str(path), "Use dir:PATH, a PostgreSQL database or a local disk.")
        raise InputError(msg)
    _require("sqlalchemy", "cattrs")
    from sqlalchemy import URL

    from lrdecay.runs.store.sql import SqlStore

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        msg = f"`--store {path}` must be in a folder that can be written, got: {problem.strerror}."
        raise RunError(msg) from problem
    return SqlStore(URL.create("sqlite", database=str(path)), str(path))


def _of_url(text: str) -> Store:
    """A database by its URL; PostgreSQL is spoken to through psycopg."""
    _require("sqlalchemy", "cattrs")
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from lrdecay.runs.store.sql import SqlStore

    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as problem:  # a port that is no number
        msg = "`--store URL` must be like postgresql://user@host:5432/database, got one that cannot be read."
        raise InputError(msg) from problem  # not shown: it may hold a password
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return _of_file(Path(str(url.database)))
    if backend not in ("postgresql", "postgres"):
        msg = refusal("--store URL", "must begin with postgresql:// or sqlite:///PATH", f"{url.drivername}://...")
        raise InputError(msg)
    _require("psycopg")
    url = url.set(drivername="postgresql+psycopg")
    return SqlStore(url, url.set(drivername="postgresql").render_as_string(hide_password=True))


def _files(path: Path, note: str | None = None) -> Store:
    _require("cattrs")
    from lrdecay.runs.store.directory import DirectoryStore

    return DirectoryStore(path, note)


def _require(*packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            cure = f"Run: pip install 'lrdecay[{_EXTRAS[package]}]'"
            msg = f"`open_store()` must have {package}, which is not installed. {cure}"
            raise MissingExtraError(msg)
