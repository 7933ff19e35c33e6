"""The store in a folder of plain files, for network filesystems, where databases lock badly.

    store.json                          the version
    studies/ID/study.json               and members/*.json, provenance/*.json
    nodes/AB/ABCDEF...                  JSON and CSV
    results/AB/ABCDEF...                JSON and CSV
    runs/NAME/events/000000001.json     and so on; commands/, outcomes/ by the command's number, status/KIND.json
    tmp/                                what is being written

A reader never waits for a writer. On NFS another machine may see a new file some seconds late, but whole and in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from lrdecay.errors import InputError, refusal
from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.directory_check import check_folder
from lrdecay.runs.store.directory_files import Files, numbered
from lrdecay.runs.store.records import (
    Sealed,
    fingerprint,
    member_from,
    plain,
    result_from,
    seal,
    seal_record,
    seal_result,
    study_from,
)
from lrdecay.runs.store.values import (
    VERSION,
    Command,
    Event,
    Json,
    Member,
    StudyRecord,
    check_command,
    conflict,
    named,
    newer,
    now,
    sorted_members,
)
from lrdecay.runs.trace import Trace

__all__ = ["DirectoryStore"]


class DirectoryStore:
    """A `lrdecay.runs.store.protocol.Store` in a folder.

    Raises:
        InputError: the folder is somebody else's, of a newer version, or on a filesystem without hard links.
        RunError: it cannot be written.
    """

    def __init__(self, root: Path, note: str | None = None) -> None:
        """Opens it, makes what is not there, and removes what killed writers left."""
        self._files, self._root, self._note = Files(root), root, note
        version = root / "store.json"
        if self._files.read(version) is None:
            there = [name for name in self._files.names(root) if name != "tmp"]
            # made by another process since it was looked for: then it is there now
            if self._files.read(version) is None and (there or root.is_file()):
                what = f"a folder with {there[0]}" if there else "a file"
                msg = f"`--store {self.where}` must be a store of lrdecay or an empty folder, got {what}."
                raise InputError(msg)
            self._files.create(version, seal_record({"lrdecay store": VERSION}))
        found = self._record(version)["lrdecay store"]
        if found > VERSION:
            raise newer(self.where, found)
        self._files.sweep()

    @property
    def where(self) -> str:
        """What opens it again."""
        return f"dir:{self._root}"

    @property
    def note(self) -> str | None:
        """What its user should be told."""
        return self._note

    def put_study(self, study: StudyRecord) -> None:
        """Keep a study, or its new command and state."""
        there = self.study(study.id)
        kept = study if there is None else evolve(study, created=there.created)
        self._files.replace(self._study(study.id) / "study.json", seal_record(plain(kept)))

    def study(self, study: str) -> StudyRecord | None:
        """A study by its id."""
        sealed = self._files.read(self._study(study) / "study.json") if named.holds(study) else None
        return None if sealed is None else study_from(sealed.json(f"study {study}"))

    def studies(self) -> list[StudyRecord]:
        """All, the oldest first."""
        found = [self.study(name) for name in self._files.names(self._root / "studies")]
        return sorted((s for s in found if s is not None), key=lambda s: (s.created, s.id))

    def add_members(self, study: str, members: Sequence[Member]) -> None:
        """Say which runs belong to a study."""
        self._known(study)
        there = set(self.members(study))
        new = [plain(m) for m in dict.fromkeys(members) if m not in there]
        if new:
            record = {"members": new}
            self._files.replace(self._study(study) / "members" / f"{fingerprint(record)}.json", seal_record(record))

    def members(self, study: str) -> list[Member]:
        """The runs of a study."""
        batches = self._records(study, "members")
        return sorted_members({member_from(m) for batch in batches for m in batch["members"]})

    def add_provenance(self, study: str, record: Json) -> None:
        """Keep where work on a study came from."""
        self._known(study)
        path = self._study(study) / "provenance" / f"{fingerprint(record)}.json"
        self._files.create(path, seal_record({"at": now(), "record": record}))

    def provenance(self, study: str) -> list[dict[str, Any]]:
        """Everything `add_provenance` was given, by time."""
        found = sorted(self._records(study, "provenance"), key=lambda r: (r["at"], fingerprint(r["record"])))
        return [record["record"] for record in found]

    def node(self, key: str) -> tuple[dict[str, Any], Trace] | None:
        """A finished node."""
        sealed = self._sealed("nodes", key)
        return None if sealed is None else sealed.opened(f"node {key}")

    def put_node(self, key: str, record: Json, trace: Trace) -> None:
        """Keep a finished node."""
        self._keep("nodes", key, seal(record, trace))

    def result(self, identity: str) -> RunResult | None:
        """A finished run."""
        sealed = self._sealed("results", identity)
        return None if sealed is None else result_from(*sealed.opened(f"result {identity}"))

    def put_result(self, result: RunResult, nodes: Sequence[str] = ()) -> None:
        """Keep a finished run, and the keys of its nodes."""
        self._keep("results", result.identity, seal_result(result, nodes))

    def discard(self, key: str) -> None:
        """Forget the node and the result of this key."""
        named.check("discard(key=...)", key)
        for room in ("nodes", "results"):
            self._files.remove(self._root / room / key[:2] / key)

    def publish(self, run: str, kind: str, record: Json) -> int:
        """Append to the log of a run."""
        named.check("publish(kind=...)", kind)
        return self._append(run, "events", seal_record({"kind": kind, "at": now(), "record": record}), None)

    def events(self, run: str, after: int = 0) -> list[Event]:
        """The log of a run after an event."""
        return [Event(run, n, r["kind"], r["record"], r["at"]) for n, r in self._after(run, "events", after)]

    def set_status(self, run: str, kind: str, record: Json) -> int:
        """Say how a run stands."""
        named.check("set_status(run=...)", run)
        named.check("set_status(kind=...)", kind)
        path = self._run(run, "status") / f"{kind}.json"
        before = self._files.read(path)
        sequence = 1 if before is None or not before.whole else before.json("")["sequence"] + 1
        sealed = seal_record({"sequence": sequence, "at": now(), "record": record})
        self._files.replace(path, sealed, durable=False)
        return int(sequence)

    def status(self, run: str, kind: str) -> Event | None:
        """How a run stands, by kind."""
        if not (named.holds(run) and named.holds(kind)):
            return None
        sealed = self._files.read(self._run(run, "status") / f"{kind}.json")
        if sealed is None:
            return None
        r = sealed.json(f"status {kind} of {run}")
        return Event(run, r["sequence"], kind, r["record"], r["at"])

    def runs(self) -> list[str]:
        """The runs that said something."""
        names = self._files.names(self._root / "runs")
        said = (self._files.names(self._run(n, "events")) or self._files.names(self._run(n, "status")) for n in names)
        return [name for name, found in zip(names, said, strict=True) if found]

    def command(self, run: str, record: Json, *, by: str, expected_last: int | None = None) -> int:
        """Tell a run something."""
        check_command(by, expected_last)
        return self._append(run, "commands", seal_record({"by": by, "at": now(), "record": record}), expected_last)

    def commands(self, run: str, after: int = 0) -> list[Command]:
        """What a run was told after a command."""
        found = []
        for n, r in self._after(run, "commands", after):
            said = self._files.read(numbered(self._run(run, "outcomes"), n))
            outcome = None if said is None else said.json(f"outcome {n} of {run}")
            found.append(Command(run, n, r["record"], r["by"], r["at"], outcome))
        return found

    def acknowledge(self, run: str, sequence: int, outcome: Json) -> bool:
        """Say what came of a command, once."""
        if not named.holds(run) or self._files.read(numbered(self._run(run, "commands"), sequence)) is None:
            msg = refusal("acknowledge(sequence=...)", "must be the number of a command of this run", sequence)
            raise InputError(msg)
        return self._files.create(numbered(self._run(run, "outcomes"), sequence), seal_record(outcome))

    def check(self) -> list[str]:
        """Read everything; one line for each thing that is wrong."""
        return check_folder(self._files)

    def close(self) -> None:
        """Let go of it: there is nothing to let go of."""

    def __enter__(self) -> DirectoryStore:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def _study(self, study: str) -> Path:
        return self._root / "studies" / study

    def _run(self, run: str, channel: str) -> Path:
        return self._root / "runs" / run / channel

    def _known(self, study: str) -> None:
        if self.study(study) is None:
            msg = refusal("study", "must be the id of a study of this store", study)
            raise InputError(msg)

    def _record(self, path: Path) -> dict[str, Any]:
        sealed = self._files.read(path)
        return {} if sealed is None else sealed.json(str(path.relative_to(self._root)))

    def _records(self, study: str, what: str) -> list[dict[str, Any]]:
        folder = self._study(study) / what
        return [self._record(folder / name) for name in self._files.names(folder)] if named.holds(study) else []

    def _sealed(self, room: str, key: str) -> Sealed | None:
        return self._files.read(self._root / room / key[:2] / key) if named.holds(key) else None

    def _keep(self, room: str, key: str, sealed: Sealed) -> None:
        """Put, unless a whole one is there; a damaged one is replaced."""
        named.check("put(key=...)", key)
        there = self._sealed(room, key)
        if there is None or not there.whole:
            self._files.replace(self._root / room / key[:2] / key, sealed)

    def _append(self, run: str, channel: str, sealed: Sealed, expected_last: int | None) -> int:
        """A file with the next number."""
        named.check(f"{'publish' if channel == 'events' else 'command'}(run=...)", run)
        folder = self._run(run, channel)
        last = self._files.last(folder)
        if expected_last in (None, last):
            number = self._files.append(folder, sealed, last + 1, only=expected_last is not None)
            if number is not None:
                return number
        raise conflict(run, expected_last, self._files.last(folder))

    def _after(self, run: str, channel: str, after: int) -> list[tuple[int, dict[str, Any]]]:
        if not named.holds(run):
            return []
        entries = self._files.after(self._run(run, channel), after)
        return [(n, sealed.json(f"{channel} {n} of {run}")) for n, sealed in entries]
