"""One coordinator at a time: a lease in the store, which a dead process does not hold.

A lease is a command to ``NAME``, sent with ``expected_last``, so that of two that ask at once one gets it; its answer
is its end. Its record says who holds it: a process by number and start time, and its machine by name, boot and process
namespace. On that machine a holder is dead when no such process runs. From another machine that cannot be seen: there a
holder counts as alive until it has not been heard for `SILENCE` seconds by the clock; it sets the status ``alive``
every `BEAT` seconds.
"""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lrdecay.errors import RunError
from lrdecay.runs.store.processes import process, spoken, this_process
from lrdecay.runs.store.protocol import Command, ConflictError, Store
from lrdecay.runs.store.values import now

__all__ = ["BEAT", "SILENCE", "holder", "lease"]

BEAT = 20.0
"""Seconds between two signs of life."""

SILENCE = 120.0
"""Seconds without one after which a holder on another machine is taken to be dead."""

_mine: set[str] = set()  # tokens of the leases that this process holds


@contextmanager
def lease(store: Store, name: str, what: str) -> Iterator[None]:
    """Hold a lease while the block runs.

    Args:
        store: where everybody who might want it looks.
        name: of the lease.
        what: what messages call it: "this study".

    Raises:
        ConflictError: a process that is alive holds it; the message says which.
        RunError: the store cannot be read or written.
    """
    told = store.commands(name)
    last = told[-1] if told else None
    if last is not None and last.outcome is None:
        held = _alive(store, last)
        if held is not None:
            raise _refused(what, held)
        store.acknowledge(name, last.sequence, {"died": now()})
    token = uuid.uuid4().hex
    me = this_process() | {"token": token}
    try:
        number = store.command(name, me, by=spoken(me), expected_last=len(told))
    except ConflictError as problem:
        raise _refused(what, holder(store, name) or "another process, which asked at the same time") from problem
    _mine.add(token)
    ended = threading.Event()
    beats = threading.Thread(target=_beat, args=(store, name, number, ended), daemon=True)
    beats.start()
    try:
        yield
    except BaseException:
        with suppress(RunError):  # what went wrong is said already; the lease ends with the token below
            store.acknowledge(name, number, {"ended": now()})
        raise
    else:
        store.acknowledge(name, number, {"ended": now()})
    finally:
        _mine.discard(token)
        ended.set()
        beats.join()


def holder(store: Store, name: str) -> str | None:
    """Who holds a lease, in words; None: nobody, or a process that is dead."""
    told = store.commands(name)
    return _alive(store, told[-1]) if told and told[-1].outcome is None else None


def _alive(store: Store, held: Command) -> str | None:
    who, me = held.record, this_process()
    if who["machine"] == me["machine"]:
        if who["process"] == me["process"]:
            return spoken(who) if who["token"] in _mine else None
        return spoken(who) if process(who["process"][0]) == who["process"] else None
    beat = store.status(held.run, "alive")
    at = held.at if beat is None or beat.record["number"] != held.sequence else beat.at
    silent = (datetime.datetime.fromisoformat(now()) - datetime.datetime.fromisoformat(at)).total_seconds()
    return f"{spoken(who)}, heard {max(silent, 0):.0f} s ago" if silent < SILENCE else None


def _beat(store: Store, name: str, number: int, ended: threading.Event) -> None:
    """Say now and then that the holder is alive. A store that fails is the holder's own business to notice."""
    while not ended.wait(BEAT):
        with suppress(RunError):
            store.set_status(name, "alive", {"number": number})


def _refused(what: str, held: str) -> ConflictError:
    return ConflictError(f"`{what}` must have one coordinator at a time, got one: {held}. Wait for it, or end it.")
