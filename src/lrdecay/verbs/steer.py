"""`steer` and `live`: tell a run that is under way what to do with its rate, and see how runs stand."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, non_negative, refusal
from lrdecay.feedback.commands import check_command, spoken
from lrdecay.runs.live.names import STATUS
from lrdecay.runs.live.standing import LiveRun, read
from lrdecay.runs.store.protocol import ConflictError, Store
from lrdecay.verbs.studies import opened

__all__ = ["WAIT", "Steered", "live", "steer"]

WAIT = 15.0
"""Seconds that `steer` waits for the run's answer; a run looks about once a second, between two updates."""

_LOOK = 0.05  # seconds between two looks for the answer


@frozen
class Steered:
    """A command that was sent, and what came of it.

    Attributes:
        run: its name.
        sequence: the number of the command.
        asked: the command in words.
        edit: what it became, as JSON, such as ``{"step": 815, "kind": "scale", "factor": 0.5, ...}``; None: not known
            yet, for it was not answered in time.
        before: how the run stood when it was sent.
        after: how it stood once it had obeyed; None: not known yet.
    """

    run: str
    sequence: int
    asked: str
    edit: Mapping[str, Any] | None
    before: LiveRun
    after: LiveRun | None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "run": self.run,
            "sequence": self.sequence,
            "asked": self.asked,
            "edit": None if self.edit is None else dict(self.edit),
            "before": self.before.to_json(),
            "after": None if self.after is None else self.after.to_json(),
        }


def live(run: str | None = None, *, store: str | Path | None = None) -> list[LiveRun]:
    """How the runs of a store stand that are or were steerable, by name.

    Args:
        run: this one alone.
        store: where they are kept; by default ``lrdecay-reports`` here.

    Raises:
        InputError: there is no such store, or no such run in it.
    """
    with opened(_place(store)) as kept:
        if run is not None:
            return [_known(kept, run)]
        found = (read(kept, name) for name in kept.runs() if kept.status(name, STATUS) is not None)
        return [standing for standing in found if standing is not None]


def steer(
    run: str,
    *,
    set: float | None = None,
    scale: float | None = None,
    drop: bool = False,
    cooldown: str | int | None = None,
    shape: str | None = None,
    floor: float | None = None,
    hold: bool = False,
    undo: bool = False,
    ramp: str | int | None = None,
    store: str | Path | None = None,
    wait: float = WAIT,
    expected_last: int | None = None,
) -> Steered:
    """Tell a run one thing, and wait until it says at which step it did it.

    Args:
        run: its name; `live` lists them.
        set: the rate to go to; what is left of the curve keeps its shape.
        scale: what to multiply what is left of the curve by, > 0.
        drop: multiply by a tenth.
        cooldown: decay over this long from here, such as "10%" of the whole run or a number of updates, then stay.
        shape: of the cooldown; linear by default.
        floor: the rate at its end; 0 by default.
        hold: stay at the rate of the next update.
        undo: go back to the curve before the last command that is in force.
        ramp: how long the rate takes to get there; "0.5%" of the run by default. Not with a cooldown or a hold.
        store: where the run is kept; by default ``lrdecay-reports`` here.
        wait: seconds to wait for its answer.
        expected_last: number of the last command you have seen (`LiveRun.last`), 0 for none; by default, the last one
            there is.

    Raises:
        InputError: not one command, or not one that can be done; or no live run of this name.
        ConflictError: somebody else told it something first; nothing was sent.

    Example: ``steer("train", cooldown="20%", shape="1-sqrt")``
    """
    non_negative.check("steer(wait=...)", wait)
    given = {"set": set, "scale": scale, "drop": drop, "cooldown": cooldown, "hold": hold, "undo": undo}
    command = _command(given, {"shape": shape, "floor": floor, "ramp": ramp})
    check_command(command)
    with opened(_place(store)) as kept:
        before = _steerable(kept, run)
        last = before.last if expected_last is None else expected_last
        try:
            number = kept.command(run, command, by=_me(), expected_last=last)
        except ConflictError as problem:
            raise _late(kept, run, last) from problem
        edit, after = _answered(kept, run, number, time.monotonic() + wait)
    return Steered(run, number, spoken(command), edit, before, after)


def _command(given: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """The command that was asked for, exactly one."""
    asked = [do for do, value in given.items() if value is not None and value is not False]
    if len(asked) != 1:
        cure = f"One of {', '.join(given)}."
        msg = refusal("steer(RUN, ...)", "must be told one thing", " and ".join(asked) or "nothing", cure)
        raise InputError(msg)
    do = asked[0]
    own = {"set": "rate", "scale": "factor", "cooldown": "over"}
    command: dict[str, Any] = {"do": do} | ({own[do]: given[do]} if do in own else {})
    return command | {name: value for name, value in beside.items() if value is not None}


def _known(kept: Store, run: str) -> LiveRun:
    """How it stands.

    Raises:
        InputError: there is none.
    """
    found = read(kept, run)
    if found is None:
        names = [name for name in kept.runs() if kept.status(name, STATUS) is not None]
        cure = did_you_mean(run, names) if names else "None was ever started here by lrdecay.script()."
        msg = refusal("steer(RUN)", f"must be a run of {kept.where}", run, cure)
        raise InputError(msg)
    return found


def _steerable(kept: Store, run: str) -> LiveRun:
    """How it stands, if it can be told anything.

    Raises:
        InputError: it cannot.
    """
    found = _known(kept, run)
    if found.state == "finished":
        msg = f"`steer({run})` must come before the end of the run, got one that finished at step {found.step}."
        raise InputError(msg)
    if found.state == "dead":
        cure = "Resume it from a checkpoint first."
        msg = f"`steer({run})` must name a run that is alive, got one whose {found.who} has gone. {cure}"
        raise InputError(msg)
    return found


def _answered(kept: Store, run: str, number: int, until: float) -> tuple[Mapping[str, Any] | None, LiveRun | None]:
    """The edit and how the run stands after it, or as much as is known when the time is over.

    Raises:
        InputError: the run refused.
    """
    edit: Mapping[str, Any] | None = None
    while True:
        if edit is None:
            outcome = kept.commands(run, number - 1)[0].outcome or {}
            if "refused" in outcome:
                raise InputError(outcome["refused"])
            edit = outcome.get("applied")
        if edit is not None:
            after = read(kept, run)
            if after is not None and any(made["sequence"] == number for made in after.journal):
                return edit, after
        if time.monotonic() >= until:
            return edit, None
        time.sleep(_LOOK)


def _late(kept: Store, run: str, last: int) -> ConflictError:
    """What the one who was second is told."""
    others = kept.commands(run, last)
    if not others:
        known = kept.commands(run)
        msg = f"`steer({run}, expected_last=...)` must be {len(known)}, got {last}. Nothing was sent."
        return ConflictError(msg)
    first = others[0]
    what = f"{first.by} said {spoken(first.record)!r} (command {first.sequence})"
    return ConflictError(f"`steer({run})` must be the only one, got somebody else first: {what}. Nothing was sent.")


def _me() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _place(store: str | Path | None) -> str:
    return "lrdecay-reports" if store is None else str(store)
