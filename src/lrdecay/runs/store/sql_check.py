"""What is wrong in a database: its own file, every node and result, the numbers of every log."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, select

from lrdecay.errors import RunError
from lrdecay.runs.store.checking import of_contents, of_numbers
from lrdecay.runs.store.records import Sealed
from lrdecay.runs.store.sql_engine import Database
from lrdecay.runs.store.sql_tables import COMMANDS, COUNTERS, EVENTS, NODES, RESULTS

__all__ = ["check_database"]

_STREAM = {"yield_per": 20}  # rows in memory at a time


def check_database(database: Database) -> list[str]:
    """One line for each thing that is wrong."""
    wrong: list[str] = []
    try:
        with database.transaction("read") as c:
            wrong += _integrity(c)
        with database.transaction("read") as c:
            wrong += of_contents(_sealed(c, NODES), _sealed(c, RESULTS))
            wrong += _numbering(c, "events", EVENTS) + _numbering(c, "commands", COMMANDS)
    except RunError as problem:  # so damaged that it cannot be read to the end
        wrong.append(str(problem))
    return wrong


def _integrity(connection: Connection) -> list[str]:
    """What SQLite says of its own file. PostgreSQL looks after its own."""
    if connection.dialect.name != "sqlite":
        return []
    said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    wrong = [f"the file itself: {line}" for line in said if line != "ok"]
    return wrong + [f"a row of {row[0]} has lost the study it belongs to" for row in lost]


def _sealed(connection: Connection, table: Table) -> Iterator[tuple[str, Sealed]]:
    for row in connection.execute(select(table), execution_options=_STREAM):
        yield row[0], Sealed(row.record, bytes(row.trace), row.sha256)


def _numbering(connection: Connection, channel: str, table: Table) -> list[str]:
    """Every number up to the counter's, once, in each run."""
    counters = connection.execute(select(COUNTERS).where(COUNTERS.c.channel == channel)).all()
    found: dict[str, list[int]] = {row.run: [] for row in counters}
    for row in connection.execute(select(table.c.run, table.c.sequence)):
        found.setdefault(row.run, []).append(row.sequence)
    last = {row.run: row.last for row in counters}
    wrong = []
    for run, numbers in found.items():
        wrong += of_numbers(f"{channel} of {run}", numbers, last.get(run, 0))
    return wrong
