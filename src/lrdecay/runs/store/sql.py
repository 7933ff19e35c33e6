"""The store in a database: SQLite in one file, or PostgreSQL, by the same statements.

Many processes may write at once; each call is one transaction. Numbers of events and commands come from a counter row,
which is locked until they are committed: that is why they have no gaps and become visible in order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import URL, Connection, Row, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from lrdecay.errors import InputError, refusal
from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.records import Sealed, fingerprint, plain, result_from, seal, seal_result
from lrdecay.runs.store.sql_check import check_database
from lrdecay.runs.store.sql_engine import Database
from lrdecay.runs.store.sql_tables import (
    COMMANDS,
    COUNTERS,
    EVENTS,
    MEMBERS,
    NODES,
    PROVENANCE,
    RESULTS,
    STATUS,
    STUDIES,
)
from lrdecay.runs.store.values import (
    Command,
    Event,
    Json,
    Member,
    StudyRecord,
    check_command,
    conflict,
    json_text,
    named,
    now,
    sorted_members,
)
from lrdecay.runs.trace import Trace

__all__ = ["SqlStore"]

_LOGS = {"events": EVENTS, "commands": COMMANDS}


class SqlStore:
    """A `lrdecay.runs.store.protocol.Store` in a database.

    Raises:
        InputError: it is somebody else's, or of a newer version.
        RunError: it cannot be reached.
    """

    def __init__(self, url: URL, where: str, note: str | None = None) -> None:
        """Opens it, and makes what is not there."""
        self._database = Database(url, where)
        self._where, self._note = where, note
        self._new = sqlite.insert if self._database.sqlite else postgresql.insert

    @property
    def where(self) -> str:
        """What opens it again, without a password."""
        return self._where

    @property
    def note(self) -> str | None:
        """What its user should be told."""
        return self._note

    def put_study(self, study: StudyRecord) -> None:
        """Keep a study, or its new command and state."""
        row = {
            "id": study.id,
            "question": json_text(study.question),
            "command": study.command,
            "created": study.created,
            "state": study.state,
        }
        statement = self._new(STUDIES).values(row)
        later = {"command": study.command, "state": study.state}
        with self._database.transaction("write") as c:
            c.execute(statement.on_conflict_do_update(index_elements=[STUDIES.c.id], set_=later))

    def study(self, study: str) -> StudyRecord | None:
        """A study by its id."""
        with self._database.transaction("read") as c:
            row = c.execute(select(STUDIES).where(STUDIES.c.id == study)).one_or_none()
        return None if row is None else _study(row)

    def studies(self) -> list[StudyRecord]:
        """All, the oldest first."""
        with self._database.transaction("read") as c:
            found = [_study(row) for row in c.execute(select(STUDIES))]
        return sorted(found, key=lambda s: (s.created, s.id))

    def add_members(self, study: str, members: Sequence[Member]) -> None:
        """Say which runs belong to a study."""
        rows = [{"study": study, "sha256": fingerprint(plain(m)), **plain(m)} for m in members]
        with self._database.transaction("write") as c:
            _known(c, study)
            if rows:
                c.execute(self._new(MEMBERS).on_conflict_do_nothing(), rows)

    def members(self, study: str) -> list[Member]:
        """The runs of a study."""
        with self._database.transaction("read") as c:
            rows = c.execute(select(MEMBERS).where(MEMBERS.c.study == study)).all()
        return sorted_members([Member(r.identity, r.name, r.schedule, r.seed, r.peak, r.role) for r in rows])

    def add_provenance(self, study: str, record: Json) -> None:
        """Keep where work on a study came from."""
        row = {"study": study, "sha256": fingerprint(record), "at": now(), "record": json_text(record)}
        with self._database.transaction("write") as c:
            _known(c, study)
            c.execute(self._new(PROVENANCE).values(row).on_conflict_do_nothing())

    def provenance(self, study: str) -> list[dict[str, Any]]:
        """Everything `add_provenance` was given, by time."""
        with self._database.transaction("read") as c:
            rows = c.execute(select(PROVENANCE).where(PROVENANCE.c.study == study)).all()
        return [json.loads(row.record) for row in sorted(rows, key=lambda r: (r.at, r.sha256))]

    def node(self, key: str) -> tuple[dict[str, Any], Trace] | None:
        """A finished node."""
        sealed = self._sealed(NODES, key)
        return None if sealed is None else sealed.opened(f"node {key}")

    def put_node(self, key: str, record: Json, trace: Trace) -> None:
        """Keep a finished node."""
        self._keep(NODES, key, seal(record, trace))

    def result(self, identity: str) -> RunResult | None:
        """A finished run."""
        sealed = self._sealed(RESULTS, identity)
        return None if sealed is None else result_from(*sealed.opened(f"result {identity}"))

    def put_result(self, result: RunResult, nodes: Sequence[str] = ()) -> None:
        """Keep a finished run, and the keys of its nodes."""
        self._keep(RESULTS, result.identity, seal_result(result, nodes))

    def discard(self, key: str) -> None:
        """Forget the node and the result of this key."""
        with self._database.transaction("write") as c:
            c.execute(delete(NODES).where(NODES.c.key == key))
            c.execute(delete(RESULTS).where(RESULTS.c.identity == key))

    def publish(self, run: str, kind: str, record: Json) -> int:
        """Append to the log of a run."""
        named.check("publish(kind=...)", kind)
        return self._append("events", run, {"kind": kind, "record": json_text(record)}, None)

    def events(self, run: str, after: int = 0) -> list[Event]:
        """The log of a run after an event."""
        rows = self._after(EVENTS, run, after)
        return [Event(run, r.sequence, r.kind, json.loads(r.record), r.at) for r in rows]

    def set_status(self, run: str, kind: str, record: Json) -> int:
        """Say how a run stands."""
        named.check("set_status(run=...)", run)
        named.check("set_status(kind=...)", kind)
        new = {"at": now(), "record": json_text(record)}
        statement = self._new(STATUS).values(run=run, kind=kind, sequence=1, **new)
        statement = statement.on_conflict_do_update(
            index_elements=[STATUS.c.run, STATUS.c.kind], set_={"sequence": STATUS.c.sequence + 1, **new}
        )
        with self._database.transaction("status") as c:
            return int(c.execute(statement.returning(STATUS.c.sequence)).scalar_one())

    def status(self, run: str, kind: str) -> Event | None:
        """How a run stands, by kind."""
        with self._database.transaction("read") as c:
            r = c.execute(select(STATUS).where(STATUS.c.run == run, STATUS.c.kind == kind)).one_or_none()
        return None if r is None else Event(run, r.sequence, kind, json.loads(r.record), r.at)

    def runs(self) -> list[str]:
        """The runs that said something."""
        said = select(COUNTERS.c.run).where(COUNTERS.c.channel == "events").union(select(STATUS.c.run))
        with self._database.transaction("read") as c:
            return sorted(c.execute(said).scalars())

    def command(self, run: str, record: Json, *, by: str, expected_last: int | None = None) -> int:
        """Tell a run something."""
        check_command(by, expected_last)
        return self._append("commands", run, {"by": by, "record": json_text(record)}, expected_last)

    def commands(self, run: str, after: int = 0) -> list[Command]:
        """What a run was told after a command."""
        return [_command(row) for row in self._after(COMMANDS, run, after)]

    def acknowledge(self, run: str, sequence: int, outcome: Json) -> bool:
        """Say what came of a command, once."""
        this = (COMMANDS.c.run == run) & (COMMANDS.c.sequence == sequence)
        first = COMMANDS.update().where(this, COMMANDS.c.outcome.is_(None)).values(outcome=json_text(outcome))
        with self._database.transaction("write") as c:
            if c.execute(first).rowcount == 1:
                return True
            if c.execute(select(func.count()).select_from(COMMANDS).where(this)).scalar_one() == 0:
                msg = refusal("acknowledge(sequence=...)", "must be the number of a command of this run", sequence)
                raise InputError(msg)
        return False

    def check(self) -> list[str]:
        """Read everything; one line for each thing that is wrong."""
        return check_database(self._database)

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    def __enter__(self) -> SqlStore:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def _sealed(self, table: Table, key: str) -> Sealed | None:
        with self._database.transaction("read") as c:
            row = c.execute(select(table).where(table.primary_key.columns[0] == key)).one_or_none()
        return None if row is None else _of(row)

    def _keep(self, table: Table, key: str, sealed: Sealed) -> None:
        """Insert, unless a whole one is there; a damaged one is replaced."""
        column = table.primary_key.columns[0]
        named.check("put(key=...)", key)
        row = {column.name: key, "record": sealed.record, "trace": sealed.trace, "sha256": sealed.sha256}
        with self._database.transaction("write") as c:
            made = c.execute(self._new(table).values(row).on_conflict_do_nothing()).rowcount == 1
            if not made and not _of(c.execute(select(table).where(column == key)).one()).whole:
                c.execute(table.update().where(column == key).values(row))

    def _append(self, channel: str, run: str, row: dict[str, str], expected_last: int | None) -> int:
        """A row with the next number; the counter's row is locked until it is committed."""
        named.check(f"{'publish' if channel == 'events' else 'command'}(run=...)", run)
        this = {"run": run, "channel": channel}
        mine = (COUNTERS.c.run == run) & (COUNTERS.c.channel == channel)
        with self._database.transaction("write") as c:
            c.execute(self._new(COUNTERS).values(last=0, **this).on_conflict_do_nothing())
            last = int(c.execute(select(COUNTERS.c.last).where(mine).with_for_update()).scalar_one())
            if expected_last not in (None, last):
                raise conflict(run, expected_last, last)
            c.execute(COUNTERS.update().where(mine).values(last=last + 1))
            c.execute(_LOGS[channel].insert().values(run=run, sequence=last + 1, at=now(), **row))
        return last + 1

    def _after(self, table: Table, run: str, after: int) -> Sequence[Row[Any]]:
        statement = select(table).where(table.c.run == run, table.c.sequence > after).order_by(table.c.sequence)
        with self._database.transaction("read") as c:
            return c.execute(statement).all()


def _known(connection: Connection, study: str) -> None:
    if connection.execute(select(STUDIES.c.id).where(STUDIES.c.id == study)).first() is None:
        msg = refusal("study", "must be the id of a study of this store", study)
        raise InputError(msg)


def _study(row: Row[Any]) -> StudyRecord:
    return StudyRecord(json.loads(row.question), row.command, row.created, row.state, row.id)


def _of(row: Row[Any]) -> Sealed:
    return Sealed(row.record, bytes(row.trace), row.sha256)


def _command(r: Row[Any]) -> Command:
    outcome = None if r.outcome is None else json.loads(r.outcome)
    return Command(r.run, r.sequence, json.loads(r.record), r.by, r.at, outcome)
