"""What a store is made of, as values: studies, their members, events and commands, and the text JSON is kept as."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Attribute, Factory, field, frozen

from lrdecay.errors import Constraint, InputError, RunError, argument, non_negative_int, one_of, refusal
from lrdecay.runs.protocol import encode

__all__ = [
    "ROLES",
    "STATES",
    "VERSION",
    "Command",
    "ConflictError",
    "Event",
    "Json",
    "Member",
    "StudyRecord",
    "check_command",
    "conflict",
    "json_text",
    "named",
    "newer",
    "now",
    "sorted_members",
    "study_id",
    "worded",
]

Json = Mapping[str, Any]
"""A JSON object."""

VERSION = 1
"""Of the layout of both stores. A newer one is refused."""

ROLES = ("pilot", "score", "range test")
"""What a run is for in a study."""

STATES = ("running", "finished", "failed")
"""How far a study is. One that says ``running`` and has no process was interrupted."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=+-]{0,127}")

named = Constraint(
    "must be 1 to 128 letters, digits and ._=+- that begin with a letter or a digit",
    lambda v: isinstance(v, str) and _NAME.fullmatch(v) is not None,
)

worded = Constraint(
    "must be text that UTF-8 can write, without the character 0",
    lambda v: isinstance(v, str) and "\0" not in v and not any("\ud800" <= c <= "\udfff" for c in v),
)


class ConflictError(RunError):
    """Somebody else was first; nothing was written."""


def now() -> str:
    """The time, UTC, to the millisecond: 2026-11-23T04:05:06.789+00:00."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def json_text(value: Json) -> str:
    """One line of JSON with sorted keys; numbers that are not finite as text.

    Raises:
        TypeError: a value is not JSON.
    """
    return json.dumps(_encoded(value), sort_keys=True, allow_nan=False)


def _encoded(value: Any) -> Any:
    if isinstance(value, float):
        return encode(float(value))
    if isinstance(value, Mapping):
        return {k: _encoded(v) for k, v in value.items()}
    return [_encoded(v) for v in value] if isinstance(value, list | tuple) else value


def study_id(question: Json) -> str:
    """The id of a study: 12 hexadecimal digits of the SHA-256 of its question."""
    return hashlib.sha256(json_text(question).encode()).hexdigest()[:12]


def _is_its_id(study: StudyRecord, _: Attribute[str], value: str) -> None:
    Constraint(
        f"must be study_id(question), {study_id(study.question)}", lambda v: v == study_id(study.question)
    ).check("StudyRecord(id=...)", value)


@frozen
class StudyRecord:
    """A question, and how far it has been answered."""

    question: Json  # what decides which runs are made
    command: str = field(validator=argument(worded))  # as the user typed it
    created: str = field(factory=now)  # UTC; of the first time it was put
    state: str = field(default="running", validator=argument(one_of(STATES)))
    id: str = field(default=Factory(lambda self: study_id(self.question), takes_self=True), validator=_is_its_id)


@frozen
class Member:
    """A run's place in a study. One run may have several: spelled twice, or wanted by several studies."""

    identity: str = field(validator=argument(named))  # of the run
    name: str = field(validator=argument(worded))  # of its row in the study's tables
    schedule: str = field(validator=argument(worded))  # in the notation
    seed: int
    peak: float | None  # None: the schedule says it
    role: str = field(validator=argument(one_of(ROLES)))


@frozen
class Event:
    """What a run said of itself."""

    run: str
    sequence: int  # from 1
    kind: str
    record: Json
    at: str  # UTC


@frozen
class Command:
    """What a run was told, and what came of it."""

    run: str
    sequence: int  # from 1
    record: Json
    by: str  # who told it
    at: str  # UTC
    outcome: Json | None = None  # what the run answered; None: not acknowledged yet


def sorted_members(members: Iterable[Member]) -> list[Member]:
    """By role, name, peak, seed and identity, whatever store they come from."""
    return sorted(members, key=lambda m: (m.role, m.name, m.peak or 0.0, m.seed, m.identity, m.schedule))


def check_command(by: str, expected_last: int | None) -> None:
    """Refuse a command that cannot be kept."""
    worded.check("command(by=...)", by)
    if expected_last is not None:
        non_negative_int.check("command(expected_last=...)", expected_last)


def newer(where: str, found: object) -> InputError:
    """What is said of a store that a newer lrdecay wrote."""
    cure = "A newer lrdecay wrote it: update lrdecay."
    return InputError(refusal(f"--store {where}", f"must be of version {VERSION} or older", found, cure))


def conflict(run: str, expected_last: int | None, last: int) -> ConflictError:
    """What the loser of two commands is told."""
    cure = f"Somebody else told {run} something first. Read it, then ask again."
    return ConflictError(refusal("command(expected_last=...)", f"must be {last}", expected_last, cure))
