"""One node of a study's tree, trained by a worker: from the state its parent left to the state its children start from.

A worker keeps the last task it trained. Where that stands at the parent's end, nothing is restored; where it is of the
same source and seed, it is restored and not built again. A script is started anew for each node, with the whole table
of rates of a run through it, and told what to load, where to stop and where to save.

What comes back is a JSON record and a trace, from which `lrdecay.sweep.assembly` puts runs together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from lrdecay.errors import InputError, RunError
from lrdecay.runs.drive import leg, trace_of
from lrdecay.runs.protocol import Orders, encode
from lrdecay.runs.script_result import Heard
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.snapshot_file import checkpoint_in
from lrdecay.runs.snapshot_folder import SnapshotFolder
from lrdecay.runs.spec import Divergence, Progress, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trace import Trace
from lrdecay.runs.trainable import FloatArray, Trainable
from lrdecay.sweep.worker import report

__all__ = ["NodeDone", "NodeJob", "train_node"]

_TOLD_EVERY = 20  # updates


@frozen(eq=False)
class NodeJob:
    """What a worker must know to train a node."""

    source: TaskSource | ScriptSource
    seed: int
    header: bytes  # of its tree
    key: str
    parent: str | None  # the key of the state it starts from; None: the beginning, or the run's origin
    start: int
    end: int
    marks: tuple[int, ...]
    rates: FloatArray  # of its own updates
    run: RunSpec | None  # a whole run through it; None for a task, which needs none
    snapshots: SnapshotFolder
    load: str | None  # the parent's snapshot
    save: str | None  # the name to leave one under, if anything is to start from its end
    digest: bool  # whether a run ends with it


@frozen(eq=False)
class NodeDone:
    """A trained node."""

    record: Mapping[str, Any]  # JSON
    trace: Trace
    saved: int  # bytes of its snapshot


@frozen(eq=False)
class _Standing:
    """A task this worker has trained, and where it stands."""

    header: bytes
    key: str
    trainable: Trainable


_standing: _Standing | None = None  # in a worker


def train_node(job: NodeJob) -> NodeDone:
    """Train a node, in this process or in a child of it.

    Raises:
        InputError: the source cannot be built, or a script does not load what it saved.
        RunError: a snapshot is broken or cannot be written, or a script failed.
    """
    return _script(job, job.source) if isinstance(job.source, ScriptSource) else _task(job, job.source)


def _task(job: NodeJob, source: TaskSource) -> NodeDone:
    global _standing
    held, _standing = _standing, None  # whatever goes wrong, nothing stands any more
    trainable = _placed(job, source, held)
    part = leg(trainable, {"lr": job.rates}, job.marks, _telling(job), start=job.start, digest=job.digest)
    record = {
        "kind": "task",
        "start": job.start,
        "end": job.end,
        "marks": list(job.marks),
        "measured": {str(m): {k: encode(v) for k, v in values.items()} for m, values in part.measured.items()},
        "diverged": None if part.diverged is None else asdict(part.diverged),
        "digest": part.digest,
        "digests": dict(part.digests),
        "metric": part.metric,
        "goal": part.goal,
        "seconds": part.seconds,
    }
    saved = 0
    if part.diverged is None:
        if job.save is not None:
            saved = job.snapshots.write(job.save, trainable.snapshot())
        _standing = _Standing(job.header, job.key, trainable)
    return NodeDone(record, trace_of(job.rates, part.loss, part.measured, start=job.start), saved)


def _placed(job: NodeJob, source: TaskSource, held: _Standing | None) -> Trainable:
    """The task, standing where the node starts."""
    if job.load is None:
        return source.build(job.seed)
    mine = held is not None and held.header == job.header
    if held is not None and mine and held.key == job.parent:
        trainable = held.trainable
    else:
        trainable = held.trainable if held is not None and mine else source.build(job.seed)
        trainable.restore(job.snapshots.read(job.load))
    if trainable.step != job.start:
        msg = f"`{source.label}` must stand at step {job.start} once that snapshot is restored, got {trainable.step}."
        raise RunError(msg)
    return trainable


def _script(job: NodeJob, source: ScriptSource) -> NodeDone:
    if job.run is None:
        msg = f"`--script {source.command!r}` must be given a whole run, got none."
        raise RunError(msg)
    with source.folder() as folder:
        spare = Path(folder)
        desk = None if job.save is None else job.snapshots.desk(job.save, spare)
        orders = Orders(
            load=_beginning(job.run) if job.load is None else job.snapshots.checkpoint(job.load, spare),
            stop=job.end if job.end < job.run.steps else None,
            save=None if desk is None else checkpoint_in(desk),
        )
        heard = source.hear(job.run, orders, _telling(job), forking=job.save is not None)
        diverged = _checked(job, source, heard)
        saved = job.snapshots.seal(job.save, spare) if job.save is not None and diverged is None else 0
    rows = {t: dict(heard.rows[t]) for t in sorted(heard.rows) if diverged is None or t <= diverged.step}
    record = {
        "kind": "script",
        "start": job.start,
        "end": job.end,
        "diverged": None if diverged is None else asdict(diverged),
        "silent": [t for t, row in rows.items() if "loss" not in row],
        "nan": [[t, k] for t, row in rows.items() for k, v in row.items() if k != "loss" and math.isnan(v)],
        "seconds": heard.ended.seconds,
    }
    rates = job.run.rates
    return NodeDone(
        record, Trace.from_rows([{"step": t, "rate": float(rates[t]), **row} for t, row in rows.items()]), saved
    )


def _beginning(run: RunSpec) -> Path | None:
    """What the first node of a run loads: nothing, or the user's own checkpoint.

    Raises:
        RunError: it has changed since the study began.
    """
    return None if run.origin is None else run.origin.unchanged()


def _checked(job: NodeJob, source: ScriptSource, heard: Heard) -> Divergence | None:
    """Where the script diverged, if it did.

    Raises:
        InputError: it did not start where it should have.
        RunError: it failed, or left its loop before it should have.
    """
    if job.start > 0 and heard.ended.failure is None and heard.loaded != job.start:
        msg = f"`--script {source.command!r}` must go on from step {job.start}, got a load of step {heard.loaded}. "
        raise InputError(msg + "load(path) must return the step that save(path, t) was given.")
    for t in sorted(heard.rows):
        loss = heard.rows[t].get("loss", 0.0)
        if not math.isfinite(loss):
            rate = math.nan if job.run is None else float(job.run.rates[t])
            return Divergence(t, rate, str(loss))
    if heard.ended.failure is not None:
        raise heard.ended.failure
    if heard.ended.left:
        last = max(heard.rows, default=job.start - 1)
        msg = f"`--script {source.command!r}` must go through run.steps() to its end, step {job.end}"
        raise RunError(msg + f", got an exit after step {last}.")
    return None


def _telling(job: NodeJob) -> Progress:
    """Tells the pool now and then how many updates were made."""
    told = job.start

    def progress(done: int, _loss: float) -> None:
        nonlocal told
        if done - told >= _TOLD_EVERY or done == job.end:
            report(done - told)
            told = done

    return progress
