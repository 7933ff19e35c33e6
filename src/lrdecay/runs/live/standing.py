"""How a live run stands: what it says of itself in the store, and what is made of that by who reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray

from lrdecay.feedback.dial import Dial
from lrdecay.runs.live.names import STATUS, claimed, holder_of
from lrdecay.runs.store.processes import spoken
from lrdecay.runs.store.protocol import Store

__all__ = ["POINTS", "LiveRun", "curve_of", "read", "said"]

POINTS = 64
"""Of the remaining curve that is told: enough for a picture, whatever the length of the run."""


@frozen
class LiveRun:
    """A run as it said it stood, and whether it is still there.

    Attributes:
        name: of the run.
        state: "running", "finished", or "dead": its process has gone without saying that it had finished.
        who: its process and machine.
        at: when it said so, UTC.
        step: updates made; the index of the next one.
        steps: its horizon.
        schedule: in the notation.
        rate: of the next update, r(t).
        scheduled: what the schedule alone says of it, f(t).
        rule: what the rule multiplies by; 1 without one.
        curve: (step, rate) pairs of what remains, if nothing changes.
        journal: the edits that were made, as JSON.
        until: the step up to which it repeats what it had done before it was killed; None: it does not.
        last: number of the last command it was sent.
        waiting: commands it has not answered.
        pause: seconds between two looks at the store.
    """

    name: str
    state: str
    who: str
    at: str
    step: int
    steps: int
    schedule: str
    rate: float
    scheduled: float
    rule: float
    curve: tuple[tuple[int, float], ...]
    journal: tuple[Mapping[str, Any], ...]
    until: int | None
    last: int
    waiting: tuple[str, ...]
    pause: float

    @property
    def multiplier(self) -> float | None:
        """What the rate is of the scheduled one; None where that is 0."""
        return self.rate / self.scheduled if self.scheduled > 0 else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self) | {"multiplier": self.multiplier}


def curve_of(dial: Dial, t: int) -> list[tuple[int, float]]:
    """At most `POINTS` of the rates of updates t, t + 1, ... to the end, the first and the last among them."""
    last = dial.horizon.steps - 1
    if t > last:
        return []
    at: NDArray[np.int64] = np.unique(np.linspace(t, last, min(POINTS, last - t + 1)).round().astype(np.int64))
    return [(s, dial.rate(s)) for s in at.tolist()]


def said(dial: Dial, t: int, state: str, schedule: str, until: int | None, pause: float) -> dict[str, Any]:
    """What a run says of itself after t updates, as JSON."""
    return {
        "state": state,
        "life": None if dial.life is None else dial.life["life"],
        "step": t,
        "steps": dial.horizon.steps,
        "schedule": schedule,
        "rate": dial.rate(t),
        "scheduled": dial.scheduled(t),
        "rule": dial.multiplier,
        "curve": curve_of(dial, t),
        "journal": [edit.to_json() for edit in dial.journal],
        "until": until,
        "pause": pause,
    }


def read(store: Store, name: str) -> LiveRun | None:
    """How a run of this name stands; None: there is none."""
    status = store.status(name, STATUS)
    last = claimed(store, name)
    if status is None or last is None:
        return None
    told, r = store.commands(name), status.record
    alive = holder_of(store, name)
    state = "finished" if last.outcome is not None and "finished" in last.outcome else "running" if alive else "dead"
    return LiveRun(
        name=name,
        state=state,
        who=spoken(last.record),
        at=status.at,
        step=r["step"],
        steps=r["steps"],
        schedule=r["schedule"],
        rate=float(r["rate"]),
        scheduled=float(r["scheduled"]),
        rule=float(r["rule"]),
        curve=tuple((int(s), float(v)) for s, v in r["curve"]),
        journal=tuple(r["journal"]),
        until=r["until"],
        last=told[-1].sequence if told else 0,
        waiting=tuple(f"{c.sequence}: {c.record}" for c in told if c.outcome is None),
        pause=float(r["pause"]),
    )
