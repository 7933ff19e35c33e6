"""One holder at a time; a dead process holds nothing, nor does one that was not heard for long on another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lrdecay.errors import RunError
from lrdecay.runs.store import lease as leases
from lrdecay.runs.store.lease import holder, lease
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import ConflictError, Store

HOLD = """
import sys
from lrdecay.runs.store.lease import lease
from lrdecay.runs.store.opening import open_store
with open_store(sys.argv[1]) as store, lease(store, "study-1", "study 1"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "directory"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "s.db") if request.param == "sqlite" else f"dir:{tmp_path / 's'}"


def taken(store: Store) -> bool:
    try:
        with lease(store, "study-1", "study 1"):
            return False
    except ConflictError:
        return True


def test_while_it_is_held_nobody_else_gets_it_and_afterwards_anybody_does(where: str) -> None:
    with open_store(where) as store:
        with lease(store, "study-1", "study 1"):
            assert holder(store, "study-1") == holder(store, "study-1") is not None
            assert taken(store)
            with lease(store, "study-2", "study 2"):
                assert taken(store)
        assert holder(store, "study-1") is None
        assert not taken(store)
        assert store.check() == []


def test_it_ends_with_an_exception_even_where_the_store_fails(where: str) -> None:
    with open_store(where) as store:
        with pytest.raises(KeyError), lease(store, "study-1", "study 1"):
            raise KeyError
        assert store.commands("study-1")[0].outcome is not None
        assert not taken(store)


def test_another_process_holds_it_until_it_is_killed(where: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD, where], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"held\n"
        with open_store(where) as store:
            rule = rf"`study 1` must have one coordinator at a time, got one: process {child.pid} on \S+\. Wait for it"
            with pytest.raises(ConflictError, match=rule), lease(store, "study-1", "study 1"):
                pass
            os.kill(child.pid, signal.SIGKILL)
            while child.poll() is None and taken(store):
                pass
            assert not taken(store)  # a zombie, or gone
            assert "died" in store.commands("study-1")[0].outcome
    finally:
        child.kill()
        child.communicate()


def test_a_process_that_got_the_number_of_a_dead_one_does_not_hold_it(where: str) -> None:
    with open_store(where) as store:
        me = leases.this_process()
        store.command("study-1", me | {"process": [os.getppid(), "1"], "token": "x"}, by="somebody")
        assert holder(store, "study-1") is None
        store.acknowledge("study-1", 1, {})
        store.command("study-1", me | {"token": "of a call that is over"}, by="this process")
        assert holder(store, "study-1") is None


def test_one_on_another_machine_holds_it_as_long_as_it_is_heard(where: str, monkeypatch) -> None:
    with open_store(where) as store:
        store.command("study-1", {"machine": ["far", "b"], "process": [1, "1"], "token": "x"}, by="far")
        assert holder(store, "study-1").startswith("process 1 on far, heard ")
        assert taken(store)
        monkeypatch.setattr(leases, "SILENCE", 0.0)
        assert holder(store, "study-1") is None
        assert not taken(store)


def test_a_holder_says_now_and_then_that_it_is_alive(where: str, monkeypatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.01)
    with open_store(where) as store, lease(store, "study-1", "study 1"):
        while (heard := store.status("study-1", "alive")) is None or heard.sequence < 3:
            pass
        assert heard.record == {"number": 1}


def test_a_store_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    store = open_store(f"dir:{tmp_path / 's'}")
    (tmp_path / "s" / "runs").write_text("in the way")
    with pytest.raises(RunError), lease(store, "study-1", "study 1"):
        pass
