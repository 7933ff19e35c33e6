"""One way into a database: a transaction that is whole or not at all, on SQLite and PostgreSQL alike.

SQLite is in WAL mode, waits `WAIT` seconds for another writer, and takes the lock to write at the beginning of a
transaction that will: a reader that turns writer half-way could be refused at once. What must outlive a power cut is
committed with synchronous=FULL; a run's status is not, and outlives a kill only.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from lrdecay.errors import InputError, RunError
from lrdecay.runs.store.sql_tables import prepare

__all__ = ["WAIT", "Database"]

WAIT = 60
"""Seconds to wait for another writer before giving up."""

_MODE = "lrdecay_mode"  # execution option: "read", "write" or "status"


class Database:
    """A database with our tables in it. Used by any thread; a forked child gets connections of its own.

    Raises:
        InputError: it is no database, somebody else's, or of a newer version.
        RunError: it cannot be reached.
    """

    def __init__(self, url: URL, where: str) -> None:
        """Connects, and makes the tables where there are none."""
        self.where = where
        self.sqlite = url.get_backend_name() == "sqlite"
        self._engine = create_engine(url, connect_args=_arguments(self.sqlite), pool_pre_ping=not self.sqlite)
        self._process = os.getpid()
        event.listen(self._engine, "connect", _set_up_sqlite if self.sqlite else _leave)
        event.listen(self._engine, "begin", _begin_sqlite if self.sqlite else _begin_postgresql)
        try:
            with self.transaction("write") as connection:
                prepare(connection, where)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def transaction(self, mode: str) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end.

        Args:
            mode: "read", "write", or "status": written, and not waited for.

        Raises:
            RunError: the database refused: a full disk, a lost connection, another writer that never ends.
        """
        if self._process != os.getpid():  # forked: the parent's connections are not ours to use or to close
            self._engine.dispose(close=False)
            self._process = os.getpid()
        try:
            with self._engine.connect().execution_options(**{_MODE: mode}) as connection, connection.begin():
                yield connection
        except DBAPIError as problem:
            raise self._worded(problem) from problem

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _worded(self, problem: DBAPIError) -> InputError | RunError:
        said = " ".join(str(problem.orig).split())
        if "not a database" in said:
            msg = f"`--store {self.where}` must be a store of lrdecay or a new file, got a file that is no database."
            return InputError(msg)
        cure = "What was kept before is safe."
        if "full" in said or "No space" in said or "I/O error" in said:
            cure = f"Make room on its disk and go on: {cure[0].lower()}{cure[1:]}"
        msg = f"`--store {self.where}` must be a database that answers, got: {said[:300]}. {cure}"
        return RunError(msg)


def _arguments(sqlite: bool) -> dict[str, Any]:
    return {"timeout": WAIT} if sqlite else {"connect_timeout": 10, "application_name": "lrdecay"}


def _set_up_sqlite(connection: Any, _: object) -> None:
    """On every new connection; that the journal is a WAL is remembered by the file."""
    connection.isolation_level = None  # transactions begin where we say
    until = time.monotonic() + WAIT
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as problem:  # SQLite does not wait here while another process does the same
            if "locked" not in str(problem) or time.monotonic() > until:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA foreign_keys = ON")


def _leave(connection: Any, _: object) -> None:
    """PostgreSQL connects as we want it."""


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options()[_MODE]
    connection.exec_driver_sql(f"PRAGMA synchronous = {'NORMAL' if mode == 'status' else 'FULL'}")
    connection.exec_driver_sql("BEGIN" if mode == "read" else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options()[_MODE] == "status":
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
