"""The run's side of steering: it says how it stands, and does what it is told, between two updates.

    channel.boundary(t)        before every update t, and once more after the last

What it costs is bounded: it looks at a clock, and at the store only when `PAUSE` seconds and `SHARE` times what the
last look cost have passed. Of several ranks the first looks, and what it found goes to all at a step that all agreed on
in the last exchange, so that a command holds from the same update on everywhere.

A command is resolved into an `Edit` at the next update t, then answered in the store, ``{"applied": edit}`` or
``{"refused": why}``, and only then put into the journal, which is in the user's own checkpoint. So nothing is applied
twice or lost silently, whoever is killed when:

* Each start from the beginning is a *life*, whose id is in every checkpoint. A run that goes on from a checkpoint of
  its life makes again, at their own steps, the edits that were answered after it, and takes what was not answered as
  new. Until it has made all of them it takes nothing new.
* A start from the beginning under an old name is a new life: what waited for the old one is refused.
* A run that goes on from a checkpoint under another name is a new life, too, and keeps the journal.
* A command that is in the journal and was not answered, since the store failed at that moment, is answered then.

A store that fails stops no training: that is said once on stderr, and it is asked again after the next pause.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, final

from lrdecay.errors import LrdecayError, RunError
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.edits import Edit
from lrdecay.runs.live.desk import Desk, unnumbered
from lrdecay.runs.store.protocol import Store

__all__ = ["Broadcast", "Channel"]

Broadcast = Callable[[Any], Any]
"""What the first rank gives, JSON, comes back on every rank; all of them call it."""


@final
class Channel:
    """What joins a dial to a store; made by `lrdecay.runs.live.steering`.

    Args:
        dial: of what drives the optimizer.
        schedule: in the notation, for people.
        opened: opens the store.
        name: of the run; None: that of its checkpoint, or of its script, with a number if that is taken.
        broadcast: to all ranks; None: this process is alone.
        first: whether this is the first rank.

    Attributes:
        parted: whether this rank found itself at another step than the first.
    """

    def __init__(
        self,
        dial: Dial,
        schedule: str,
        opened: Callable[[], Store],
        *,
        name: str | None = None,
        broadcast: Broadcast | None = None,
        first: bool = True,
    ) -> None:
        self._dial, self._desk = dial, Desk(dial, schedule, opened, name)
        self._broadcast, self._first = broadcast, first
        self._over = self.parted = False
        self._next = -1
        self._met = (0.0, 0)  # when and at which step the ranks last exchanged

    @property
    def name(self) -> str | None:
        """Of the run in the store; None: it has said nothing yet, and on other ranks than the first."""
        return self._desk.name

    def boundary(self, t: int) -> None:
        """Update t is about to be made: look, if it is time to.

        Raises:
            InputError: at the first look, the name is held by a live run or the store cannot be had.
            RunError: at the first look, the store fails; or ranks are at different steps.
        """
        if self._over:
            return
        if t >= self._dial.horizon.steps:
            self.finish(t)
        elif self._broadcast is not None:
            if t >= self._next or self._dial.life is not self._desk.life:
                self._exchange(t, self._broadcast)
        elif time.monotonic() >= self._desk.due or self._dial.life is not self._desk.life:
            self._desk.look(t)

    def finish(self, t: int) -> None:
        """All updates are made: say so, and answer what is still waiting."""
        if not self._over:
            self._over = True
            self._desk.finish(t)

    def _exchange(self, t: int, broadcast: Broadcast) -> None:
        """The first rank looks if it is time to; all do what it found, and agree on the step of the next exchange."""
        if not self._first:
            heard = broadcast(None)
            if "failed" in heard:
                raise RunError(heard["failed"])
            if heard["at"] != t:
                self.parted = True
                msg = f"`steer` must find all ranks at one step, got {heard['at']} on the first and {t} on this one."
                raise RunError(msg)
            if self._dial.life is not None and self._dial.life["life"] != heard["life"]["life"]:
                unnumbered(self._dial)
            self._desk.life = self._dial.life = heard["life"]
            for edit in heard["edits"]:
                self._dial.add(Edit.from_json(edit))
            self._next = heard["next"]
            return
        before = len(self._dial.journal)
        try:
            if time.monotonic() >= self._desk.due or self._dial.life is not self._desk.life:
                self._desk.look(t)
        except LrdecayError as problem:
            broadcast({"failed": str(problem)})
            raise
        edits = [edit.to_json() for edit in self._dial.journal[before:]]
        self._next = t + self._apart(t)
        broadcast({"at": t, "life": self._desk.life, "edits": edits, "next": self._next})

    def _apart(self, t: int) -> int:
        """Updates to the next exchange: as many as fill the pause, and at most twice as many as the last time."""
        now, (then, since) = time.monotonic(), self._met
        self._met = (now, t)
        made = t - since
        if then == 0.0 or made <= 0:
            return 1
        pace = (now - then) / made
        return max(1, min(2 * made, math.ceil(self._desk.pause / pace) if pace > 0 else 2 * made))
