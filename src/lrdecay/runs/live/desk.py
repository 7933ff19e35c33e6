"""The one process that speaks with the store: it takes a name, says how the run stands, and obeys; see `channel`."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from typing import Any, final

from attrs import evolve

from lrdecay.errors import InputError, RunError
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.edits import Edit
from lrdecay.runs.live.names import STATUS, claim, default_name, free_name, let_go
from lrdecay.runs.live.standing import said
from lrdecay.runs.store.protocol import Command, ConflictError, Store

__all__ = ["PAUSE", "SHARE", "Desk", "unnumbered"]

PAUSE = 1.0
"""Seconds between two looks at the store, at least."""

SHARE = 100.0
"""How many times what a look costs passes before the next one: at most 1% of the time goes there."""


@final
class Desk:
    """Where a run is told what to do, and says how it stands.

    Args:
        dial: what is turned.
        schedule: in the notation, for people.
        opened: opens the store.
        name: of the run; None: that of its checkpoint, or of its script, with a number if that is taken.

    Attributes:
        name: of the run in the store; None: it has said nothing yet.
        life: the dial's, as this desk left it; another one there means that a checkpoint was loaded.
        pause: seconds between this look and the next.
        due: when that is, by the monotonic clock.
    """

    def __init__(self, dial: Dial, schedule: str, opened: Callable[[], Store], name: str | None) -> None:
        self._dial, self._schedule, self._opened, self._wanted = dial, schedule, opened, name
        self._store: Store | None = None
        self.name: str | None = None
        self.life: dict[str, Any] | None = None
        self.pause, self.due = PAUSE, 0.0
        self._claim = self._heard = 0
        self._unsaid: list[tuple[int, dict[str, Any]]] = []  # answers that could not be given yet
        self._failing = False

    def look(self, t: int) -> None:
        """Say how the run stands, and do what it was told; what that costs decides when it is done again."""
        began, opening = time.monotonic(), self.name is None
        try:
            if self.life is None or self._dial.life is not self.life:
                self._begin(t)
            elif self.name is None:
                self._join(t, resumed=False)
            if self._store is not None and self.name is not None:
                self._take(self._store.commands(self.name, self._heard), t)
                self._publish(t, "running")
                self._well()
        except RunError as problem:
            if self.name is None:
                raise
            self._failed(problem)
        ended = time.monotonic()
        self.pause = PAUSE if opening else max(PAUSE, SHARE * (ended - began))
        self.due = ended + self.pause

    def finish(self, t: int) -> None:
        """All updates are made: say so, and answer what is still waiting."""
        if self._store is None or self.name is None:
            return
        try:
            for command in self._store.commands(self.name, self._heard):
                self._answer(command.sequence, {"refused": f"`steer({self.name})` came after the run's last update."})
            self._publish(t, "finished")
            let_go(self._store, self.name, self._claim, t, finished=True)
            self._store.close()
        except RunError as problem:
            self._failed(problem)

    def _begin(self, t: int) -> None:
        """A life begins, or a checkpoint of one was loaded."""
        loaded = self._dial.life
        self.life = self._dial.life = {"life": uuid.uuid4().hex, "run": self.name} if loaded is None else loaded
        if loaded is not None:
            self._join(t, resumed=True)

    def _join(self, t: int, *, resumed: bool) -> None:
        """Open the store, take the name, and see what is known of this life there."""
        life = self.life or {}
        if self._store is None:
            self._store = self._opened()
        known = life["run"] if life["run"] is not None or not resumed else _where(self._store, life["life"])
        if resumed and known is not None and self._wanted not in (None, known):
            resumed = False
            life = self._anew()
        if self.name is None or self.name != known:
            if self.name is not None:
                let_go(self._store, self.name, self._claim, t, finished=False)
            self.name, self._claim = self._claimed(self._store, known, t)
            if resumed and self.name != known:
                resumed = False
                life = self._anew()
        life["run"] = self.name
        told = self._store.commands(self.name)
        if resumed:
            self._repeat(told, t)
            self._heard = next((c.sequence - 1 for c in told if c.outcome is None), told[-1].sequence if told else 0)
            return
        for command in told:
            if command.outcome is None:
                self._answer(command.sequence, {"refused": f"`steer({self.name})` was for a run that began anew."})
        self._heard = told[-1].sequence if told else 0

    def _anew(self) -> dict[str, Any]:
        """Go on as a life of its own; the numbers of its journal's commands are another run's."""
        unnumbered(self._dial)
        self.life = self._dial.life = {"life": uuid.uuid4().hex, "run": None}
        return self.life

    def _claimed(self, store: Store, known: str | None, t: int) -> tuple[str, int]:
        """Take the name that was wanted, or the first that is free."""
        life = (self.life or {})["life"]
        while True:
            name = self._wanted or free_name(store, known or default_name())
            try:
                return name, claim(store, name, life, t)
            except ConflictError:
                continue  # somebody took it meanwhile: now it is held, and the next one is free

    def _repeat(self, told: list[Command], t: int) -> None:
        """Put the edits of this life that were made after its checkpoint into the journal, at their own steps."""
        made = {edit.sequence for edit in self._dial.journal}
        again = 0
        for command in told:
            outcome = command.outcome or {}
            if command.sequence in made or "applied" not in outcome or outcome["life"] != (self.life or {})["life"]:
                continue
            edit = Edit.from_json(outcome["applied"])
            if edit.step >= t:
                self._dial.add(edit)
                again += 1
        if again:
            what = f"{again} command{'s' if again > 1 else ''} given after this checkpoint"
            print(f"lrdecay: {self.name} obeys {what} again, up to step {self._dial.journal[-1].step}", file=sys.stderr)

    def _take(self, told: list[Command], t: int) -> None:
        """Resolve, answer and apply."""
        for sequence, outcome in self._unsaid[:]:
            self._answer(sequence, outcome)
            self._unsaid.remove((sequence, outcome))
        for command in told:
            journal = self._dial.journal
            if journal and t < journal[-1].step:
                return  # what was done before the kill is done again first
            done = next((edit for edit in journal if edit.sequence == command.sequence), None)
            if command.outcome is None and done is not None:
                self._answer(command.sequence, self._applied(done))
            elif command.outcome is None:
                self._obey(command, t)
            self._heard = command.sequence

    def _obey(self, command: Command, t: int) -> None:
        try:
            edit = self._dial.command(command.record, command.sequence, t)
        except InputError as problem:
            self._answer(command.sequence, {"refused": str(problem)})
            return
        outcome = self._applied(edit)
        try:
            ours = self._answer(command.sequence, outcome)
        except RunError as problem:  # nobody knows whether it was kept: it is done, and answered later
            self._unsaid.append((command.sequence, outcome))
            self._failed(problem)
            ours = True
        if ours:
            self._dial.add(edit)

    def _applied(self, edit: Edit) -> dict[str, Any]:
        return {"applied": edit.to_json(), "life": (self.life or {})["life"]}

    def _answer(self, sequence: int, outcome: dict[str, Any]) -> bool:
        """Answer a command; False: another process has answered it."""
        assert self._store is not None  # noqa: S101
        assert self.name is not None  # noqa: S101
        return self._store.acknowledge(self.name, sequence, outcome)

    def _publish(self, t: int, state: str) -> None:
        if self._store is not None and self.name is not None:
            last = self._dial.journal[-1].step if self._dial.journal else 0
            record = said(self._dial, t, state, self._schedule, last if last > t else None, self.pause)
            self._store.set_status(self.name, STATUS, record)

    def _failed(self, problem: RunError) -> None:
        if not self._failing:
            self._failing = True
            print(f"lrdecay: {self.name} goes on, and cannot be steered for now: {problem}", file=sys.stderr)

    def _well(self) -> None:
        if self._failing:
            self._failing = False
            print(f"lrdecay: {self.name} can be steered again", file=sys.stderr)


def _where(store: Store, life: str) -> str | None:
    """The run whose life this is, of those that say how they stand."""
    for name in store.runs():
        status = store.status(name, STATUS)
        if status is not None and status.record.get("life") == life:
            return name
    return None


def unnumbered(dial: Dial) -> None:
    """Take the numbers of commands out of a journal."""
    journal = [evolve(edit, sequence=0).to_json() for edit in dial.journal]
    dial.load(dial.state() | {"journal": journal})
