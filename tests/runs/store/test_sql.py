"""What is particular to databases: whose they are, their version, damage, and what reaches the disk."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.runs.store import sql_engine
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Member, StudyRecord
from lrdecay.runs.store.sql import SqlStore
from lrdecay.runs.trace import Trace

TRACE = Trace(np.arange(3), np.zeros(3), np.ones(3), np.arange(3.0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An SQLite store with a node in it."""
    with open_store(tmp_path / "x.db") as store:
        store.put_node("k1", {"n": 1}, TRACE)
    return tmp_path / "x.db"


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_a_store_of_a_newer_version_is_refused_in_a_line(path: Path) -> None:
    change(path, "UPDATE lrdecay_schema SET version = 2")
    with pytest.raises(InputError, match=r"must be of version 1 or older, got 2. A newer lrdecay wrote it") as caught:
        open_store(path)
    assert "\n" not in str(caught.value)


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    change(path, "CREATE TABLE experiments (id)")
    with pytest.raises(InputError, match="got a database with the table experiments"):
        open_store(path)
    tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("experiments",)]


def test_in_postgresql_other_tables_may_stand_beside_ours(database: str) -> None:
    import psycopg

    host = database.partition("host=")[2]
    with psycopg.connect(f"host={host} user=lrdecay dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE TABLE experiments (id int)")
        with open_store(database) as store:
            store.publish("a", "start", {})
            assert store.check() == []
        connection.execute("UPDATE lrdecay_schema SET version = 2")
    with pytest.raises(InputError, match="must be of version 1 or older, got 2"):
        open_store(database)


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE lrdecay_nodes SET trace = ?", TRACE.csv_text().replace("2.0", "2.5").encode()),
        ("UPDATE lrdecay_nodes SET record = ?", '{"n": 2}'),
        ("UPDATE lrdecay_nodes SET trace = ?", b""),
    ],
)
def test_a_damaged_node_is_named_never_returned_and_replaced_when_put_again(
    path: Path, statement: str, value: object
) -> None:
    change(path, statement, value)
    with open_store(path) as store:
        with pytest.raises(RunError, match="`node k1` must have the checksum it was kept with"):
            store.node("k1")
        (wrong,) = store.check()
        assert wrong.startswith("`node k1` must have the checksum")
        store.put_node("k1", {"n": 3}, TRACE)
        assert (store.node("k1") or ({},))[0] == {"n": 3}
        assert store.check() == []


def test_gaps_in_a_log_and_members_without_a_study_are_named(path: Path) -> None:
    with open_store(path) as store:
        study = StudyRecord({"q": 1}, "c")
        store.put_study(study)
        store.add_members(study.id, [Member("r", "n", "s", 0, None, "score")])
        for _ in range(3):
            store.command("a", {}, by="me")
    change(path, "DELETE FROM lrdecay_commands WHERE sequence = 2")
    change(path, "DELETE FROM lrdecay_studies")
    with open_store(path) as store:
        assert store.check() == [
            "a row of lrdecay_members has lost the study it belongs to",
            "commands of a must be numbered 1 to 3, got [1, 3]",
        ]


def test_a_file_with_overwritten_pages_is_named_by_check(path: Path) -> None:
    with open_store(path) as store:
        for i in range(50):
            store.put_node(f"n{i}", {}, TRACE)
    size = path.stat().st_size
    with path.open("r+b") as f:
        f.seek(size // 2)
        f.write(b"\xff" * (size // 4))
    with open_store(path) as store:
        wrong = store.check()
    assert wrong
    assert all("\n" not in line for line in wrong)


def test_what_must_outlast_a_power_cut_is_synced_and_a_status_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    begin = sql_engine._begin_sqlite
    monkeypatch.setattr(sql_engine, "_begin_sqlite", lambda c: (begin(c), said.append(_synchronous(c))))
    with open_store(path) as store:
        assert isinstance(store, SqlStore)
        said.clear()
        store.put_node("k2", {}, TRACE)
        store.publish("a", "drop", {})
        store.set_status("a", "now", {})
        store.command("a", {}, by="me")
    assert said == ["FULL", "FULL", "NORMAL", "FULL"]


def _synchronous(connection) -> str:
    return {1: "NORMAL", 2: "FULL"}[connection.exec_driver_sql("PRAGMA synchronous").scalar_one()]


def test_a_status_that_is_set_over_and_over_does_not_let_the_file_grow(path: Path) -> None:
    with open_store(path) as store:
        for step in range(20):
            store.set_status("a", "now", {"step": step, "text": "x" * 1000})
    before = path.stat().st_size
    with open_store(path) as store:
        for step in range(400):
            store.set_status("a", "now", {"step": step, "text": "x" * 1000})
    assert path.stat().st_size == before


def test_a_new_file_that_another_process_is_just_making_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.3, other.execute, ["COMMIT"])
    later.start()
    with open_store(tmp_path / "x.db") as store:
        assert store.publish("a", "start", {}) == 1
    later.join()
    other.close()


def test_a_writer_that_never_ends_is_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_engine, "WAIT", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    with open_store(path) as store:
        other.execute("BEGIN IMMEDIATE")
        assert store.node("k1") is not None  # readers do not wait
        with pytest.raises(RunError, match="must be a database that answers, got: database is locked") as caught:
            store.publish("a", "start", {})
        assert "\n" not in str(caught.value)
        other.execute("COMMIT")
        assert store.publish("a", "start", {}) == 1
    other.close()
