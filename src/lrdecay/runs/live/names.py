"""The name of a live run, and who holds it.

A process claims a name by a command to ``NAME.lives``, sent with the number of the last claim, so that of two that ask
at once one gets it. A claim ends by its answer, when the run has finished, or with the process that made it. On another
machine a process cannot be looked at: there it counts as alive until the run's status has not been set for `SILENCE`
seconds, or five of its own pauses if that is longer.
"""

from __future__ import annotations

import datetime
import re
import sys
from itertools import count
from pathlib import PurePath

from lrdecay.errors import Constraint, InputError, refusal
from lrdecay.runs.store.lease import SILENCE
from lrdecay.runs.store.processes import process, spoken, this_process
from lrdecay.runs.store.protocol import Command, Store
from lrdecay.runs.store.values import named, now

__all__ = ["LIVES", "STATUS", "claim", "claimed", "default_name", "free_name", "holder_of", "let_go", "run_name"]

LIVES = ".lives"
"""What the channel of claims ends with."""

STATUS = "live"
"""The kind of status by which a run says how it stands."""

_held: set[tuple[str, int]] = set()  # claims that this process holds

run_name = Constraint(
    "must be 1 to 100 letters, digits and ._=+- that begin with a letter or a digit",
    lambda v: named.holds(v) and len(v) <= 100 and not v.endswith(LIVES),
)


def default_name() -> str:
    """What a run is called that was given no name: as the script that is running, or "run"."""
    stem = PurePath(sys.argv[0] if sys.argv else "").stem
    name = re.sub(r"[^A-Za-z0-9_=+-]+", "-", stem).strip("-")[:90]
    return name if run_name.holds(name) else "run"


def free_name(store: Store, name: str) -> str:
    """The name, or the first of NAME-2, NAME-3, ... that no live run holds."""
    if holder_of(store, name) is None:
        return name
    return next(other for i in count(2) if holder_of(store, other := f"{name}-{i}") is None)


def holder_of(store: Store, name: str) -> str | None:
    """Who makes the run of this name now, in words; None: nobody who is alive."""
    last = claimed(store, name)
    return None if last is None else _alive(store, name, last)


def claim(store: Store, name: str, life: str, step: int) -> int:
    """Take a name for this process; gives the number of the claim.

    Raises:
        InputError: a live run holds it.
        ConflictError: another process asked at the same time, and got it.
    """
    told = store.commands(name + LIVES)
    held = _alive(store, name, told[-1]) if told else None
    if held is not None:
        cure = "Take another name."
        msg = refusal("script(name=...)", f"must be free, and {held} makes a run of that name", name, cure)
        raise InputError(msg)
    me = this_process() | {"life": life, "step": step}
    number = store.command(name + LIVES, me, by=spoken(me), expected_last=len(told))
    _held.add((name, number))
    return number


def let_go(store: Store, name: str, number: int, step: int, *, finished: bool) -> None:
    """End a claim of this process: the run has finished, or it goes on under another name."""
    store.acknowledge(name + LIVES, number, {"finished" if finished else "left": now(), "step": step})
    _held.discard((name, number))


def claimed(store: Store, name: str) -> Command | None:
    """The last claim of a name."""
    told = store.commands(name + LIVES)
    return told[-1] if told else None


def _alive(store: Store, name: str, last: Command) -> str | None:
    if last.outcome is not None:
        return None
    who, me = last.record, this_process()
    if who["machine"] == me["machine"]:
        if who["process"] == me["process"]:
            return spoken(who) if (name, last.sequence) in _held else None
        return spoken(who) if process(who["process"][0]) == who["process"] else None
    status = store.status(name, STATUS)
    at, pause = (last.at, 0.0) if status is None else (max(last.at, status.at), float(status.record["pause"]))
    silent = (datetime.datetime.fromisoformat(now()) - datetime.datetime.fromisoformat(at)).total_seconds()
    return f"{spoken(who)}, heard {max(silent, 0):.0f} s ago," if silent < max(SILENCE, 5 * pause) else None
