"""Records as the text a store keeps, and back: JSON of attrs values by cattrs, logs as CSV, a checksum over both.

What is kept of a node or a result is *sealed*: one line of JSON, the bytes of a CSV, and the SHA-256 of the line, a
line break and the bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import cattrs
from attrs import frozen
from cattrs.gen import make_dict_unstructure_fn, override

from lrdecay.errors import InputError, RunError
from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.values import Json, Member, StudyRecord, json_text
from lrdecay.runs.trace import Trace

__all__ = [
    "Sealed",
    "fingerprint",
    "member_from",
    "plain",
    "result_from",
    "seal",
    "seal_record",
    "seal_result",
    "study_from",
]

_converter = cattrs.Converter()
_converter.register_unstructure_hook(
    RunResult, make_dict_unstructure_fn(RunResult, _converter, trace=override(omit=True))
)
_converter.register_structure_hook(Trace, lambda trace, _: trace)


@frozen
class Sealed:
    """A record and a log as they are kept."""

    record: str  # one line of JSON
    trace: bytes  # CSV
    sha256: str  # of both

    @property
    def whole(self) -> bool:
        """Whether it is what was sealed."""
        return _digest(self.record, self.trace) == self.sha256

    def json(self, name: str) -> dict[str, Any]:
        """The record.

        Args:
            name: what messages call it.

        Raises:
            RunError: it is damaged.
        """
        try:
            found = json.loads(self.record) if self.whole else None
        except ValueError as problem:
            raise _damaged(name) from problem
        if not isinstance(found, dict):
            raise _damaged(name)
        return found

    def opened(self, name: str) -> tuple[dict[str, Any], Trace]:
        """The record and the log; raises as `json`."""
        try:
            return self.json(name), Trace.from_csv_text(self.trace.decode(), name)
        except (InputError, UnicodeDecodeError) as problem:
            raise _damaged(name) from problem


def _damaged(name: str) -> RunError:
    cure = "Discard it, so that it is made again, or restore a copy."
    return RunError(f"`{name}` must have the checksum it was kept with, got damaged data. {cure}")


def _digest(record: str, trace: bytes) -> str:
    return hashlib.sha256(record.encode() + b"\n" + trace).hexdigest()


def fingerprint(record: Json) -> str:
    """The SHA-256 of a record: equal ones are kept once."""
    return hashlib.sha256(json_text(record).encode()).hexdigest()


def seal(record: Json, trace: Trace) -> Sealed:
    """A record and a log, with their checksum."""
    line, log = json_text(record), trace.csv_text().encode()
    return Sealed(line, log, _digest(line, log))


def seal_record(record: Json) -> Sealed:
    """A record without a log, with its checksum."""
    line = json_text(record)
    return Sealed(line, b"", _digest(line, b""))


def seal_result(result: RunResult, nodes: Sequence[str]) -> Sealed:
    """A run's result as a store keeps it, with the keys of its nodes."""
    return seal({"result": plain(result), "nodes": list(nodes)}, result.trace)


def result_from(record: Json, trace: Trace) -> RunResult:
    """The result that `seal_result` sealed."""
    return _converter.structure({**record["result"], "trace": trace}, RunResult)


def plain(value: StudyRecord | Member | RunResult) -> dict[str, Any]:
    """As a JSON object; a result without its log."""
    return dict(_converter.unstructure(value))


def study_from(record: Json) -> StudyRecord:
    """The study that `plain` wrote."""
    return _converter.structure(record, StudyRecord)


def member_from(record: Json) -> Member:
    """The member that `plain` wrote."""
    return _converter.structure(record, Member)
