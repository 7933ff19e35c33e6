"""The tables of an SQL store, the same in SQLite and PostgreSQL, and the version they are written in.

JSON is text, times are UTC text, logs are the bytes of a CSV. All names begin with ``lrdecay_``: a PostgreSQL database
may be shared with others.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    inspect,
    select,
    text,
)

from lrdecay.errors import InputError
from lrdecay.runs.store.values import VERSION, newer

__all__ = [
    "COMMANDS",
    "COUNTERS",
    "EVENTS",
    "MEMBERS",
    "NODES",
    "PROVENANCE",
    "RESULTS",
    "STATUS",
    "STUDIES",
    "prepare",
]

_METADATA = MetaData()
_LOCK = 7_305_808_869_230_650  # of PostgreSQL: who holds it makes the tables


def _name(*, primary_key: bool = True) -> Column[str]:
    return Column("run", Text, primary_key=primary_key)


def _sealed(name: str, key: str) -> Table:
    return Table(
        f"lrdecay_{name}",
        _METADATA,
        Column(key, Text, primary_key=True),
        Column("record", Text, nullable=False),
        Column("trace", LargeBinary, nullable=False),
        Column("sha256", Text, nullable=False),
    )


_SCHEMA = Table("lrdecay_schema", _METADATA, Column("version", Integer, nullable=False))

STUDIES = Table(
    "lrdecay_studies",
    _METADATA,
    Column("id", Text, primary_key=True),
    Column("question", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("state", Text, nullable=False),
)
MEMBERS = Table(
    "lrdecay_members",
    _METADATA,
    Column("study", Text, ForeignKey(STUDIES.c.id), primary_key=True),
    Column("sha256", Text, primary_key=True),  # of all that follows
    Column("identity", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("peak", Float(53)),
    Column("role", Text, nullable=False),
)
PROVENANCE = Table(
    "lrdecay_provenance",
    _METADATA,
    Column("study", Text, ForeignKey(STUDIES.c.id), primary_key=True),
    Column("sha256", Text, primary_key=True),  # of the record
    Column("at", Text, nullable=False),
    Column("record", Text, nullable=False),
)
NODES = _sealed("nodes", "key")
RESULTS = _sealed("results", "identity")
COUNTERS = Table(
    "lrdecay_counters",
    _METADATA,
    _name(),
    Column("channel", Text, primary_key=True),  # "events" or "commands"
    Column("last", Integer, nullable=False),
)
EVENTS = Table(
    "lrdecay_events",
    _METADATA,
    _name(),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("record", Text, nullable=False),
)
STATUS = Table(
    "lrdecay_status",
    _METADATA,
    _name(),
    Column("kind", Text, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("record", Text, nullable=False),
)
COMMANDS = Table(
    "lrdecay_commands",
    _METADATA,
    _name(),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("outcome", Text),
)


def prepare(connection: Connection, where: str) -> None:
    """Make the tables where there are none; several processes may do so at once.

    Raises:
        InputError: a newer lrdecay wrote them, or an SQLite file is somebody else's.
    """
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    there = inspect(connection).get_table_names()
    if _SCHEMA.name in there:
        found = connection.execute(select(_SCHEMA.c.version)).scalar_one()
        if found > VERSION:
            raise newer(where, found)
        return
    if sqlite and there:
        msg = f"`--store {where}` must be a store of lrdecay or a new file, got a database with the table {there[0]}."
        raise InputError(msg)
    _METADATA.create_all(connection)
    connection.execute(_SCHEMA.insert().values(version=VERSION))
