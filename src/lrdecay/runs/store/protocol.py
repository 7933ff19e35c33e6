"""What a store holds and promises; every store passes the same laws.

    studies    questions, and which runs belong to them
    nodes      stretches of training that runs share, by the key of their identity
    results    whole runs, by identity
    live runs  what a run says of itself, and what it is told

A call that returned is kept: a kill at any moment after it, of this process or another, loses nothing of it. A call
that did not return is kept whole or not at all. Names, keys and identities are 1 to 128 letters, digits and ``._=+-``.

JSON is an object whose numbers may be nan and inf: they are kept as text, which `float` reads back.

Numbers of events and of commands are 1, 2, 3, ... in each run, without a gap, in the order in which they became
visible: who has read up to n and asks for what is after n misses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.values import Command, ConflictError, Event, Json, Member, StudyRecord, study_id
from lrdecay.runs.trace import Trace

__all__ = ["Command", "ConflictError", "Event", "Json", "Member", "Store", "StudyRecord", "study_id"]


class Store(Protocol):
    """Studies, nodes, results and live runs, kept safe. Closed by `close` or at the end of a ``with``."""

    @property
    def where(self) -> str:
        """What opens it again, without a password."""

    @property
    def note(self) -> str | None:
        """What its user should be told: why it is not the store of other places. None: nothing."""

    def put_study(self, study: StudyRecord) -> None:
        """Keep a study. Put again, its command and state are the new ones, and it stays as old as it is."""

    def study(self, study: str) -> StudyRecord | None:
        """A study by its id."""

    def studies(self) -> list[StudyRecord]:
        """All, the oldest first."""

    def add_members(self, study: str, members: Sequence[Member]) -> None:
        """Say which runs belong to a study; those it has are not added again.

        Raises:
            InputError: there is no such study.
        """

    def members(self, study: str) -> list[Member]:
        """The runs of a study, by role, name, peak and seed."""

    def add_provenance(self, study: str, record: Json) -> None:
        """Keep where work on a study came from: one record per start; an equal one is not added again.

        Raises:
            InputError: there is no such study.
        """

    def provenance(self, study: str) -> list[dict[str, Any]]:
        """Everything `add_provenance` was given, by time."""

    def node(self, key: str) -> tuple[dict[str, Any], Trace] | None:
        """A finished node: what was recorded of it, and the log of its stretch.

        Raises:
            RunError: what is there is damaged; `discard` it.
        """

    def put_node(self, key: str, record: Json, trace: Trace) -> None:
        """Keep a finished node. Where one is kept under the key already, that one stands, unless it is damaged."""

    def result(self, identity: str) -> RunResult | None:
        """A finished run.

        Raises:
            RunError: what is there is damaged; `discard` it.
        """

    def put_result(self, result: RunResult, nodes: Sequence[str] = ()) -> None:
        """Keep a finished run, and the keys of the nodes it is made of. One that is kept already stands."""

    def discard(self, key: str) -> None:
        """Forget the node and the result of this key, damaged or not; they will be made again."""

    def publish(self, run: str, kind: str, record: Json) -> int:
        """Append to the log of a run; returns the number of the event."""

    def events(self, run: str, after: int = 0) -> list[Event]:
        """The log of a run after event number ``after``, in order."""

    def set_status(self, run: str, kind: str, record: Json) -> int:
        """Say how a run stands, in the place of what this kind said before: it does not grow.

        Returns how often it was set. One process sets a run's status. A power cut may lose the last ones, a kill not.
        """

    def status(self, run: str, kind: str) -> Event | None:
        """How a run stands, by kind."""

    def runs(self) -> list[str]:
        """The runs that said something, by name."""

    def command(self, run: str, record: Json, *, by: str, expected_last: int | None = None) -> int:
        """Tell a run something; returns the number of the command.

        Args:
            run: its name.
            record: what it is told.
            by: who tells it, for people.
            expected_last: number of the last command its author has seen, 0 for none; None: they do not mind.

        Raises:
            ConflictError: ``expected_last`` is not the last: somebody else was first, and this one is not sent.
        """

    def commands(self, run: str, after: int = 0) -> list[Command]:
        """What a run was told after command number ``after``, in order, with what came of it."""

    def acknowledge(self, run: str, sequence: int, outcome: Json) -> bool:
        """Say what came of a command, once: True; where that was said before, it stands: False.

        Raises:
            InputError: there is no such command.
        """

    def check(self) -> list[str]:
        """Read everything. One line for each thing that is wrong; empty: nothing is."""

    def close(self) -> None:
        """Let go of it; what was put is kept. A closed store is not used again."""

    def __enter__(self) -> Store:
        """Itself."""

    def __exit__(self, *_: object) -> None:
        """Closes it."""
