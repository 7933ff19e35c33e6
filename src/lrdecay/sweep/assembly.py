"""Runs put together from the records of their nodes: the same bits as the run trained alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lrdecay.runs.drive import Leg, put_together
from lrdecay.runs.script_result import Ended, Heard
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Divergence, RunResult, RunSpec
from lrdecay.runs.trace import Trace
from lrdecay.sweep.tree import Node

__all__ = ["Trained", "assembled", "fits"]

Trained = tuple[Mapping[str, Any], Trace]
"""The record of a node, and its trace; see `lrdecay.sweep.node`."""


def fits(node: Node, record: Mapping[str, Any]) -> bool:
    """Whether a record of the state at a node's end also says all that the runs through it ask of the way there."""
    if record["start"] > node.start:
        return False
    if record["kind"] == "script" or record["diverged"] is not None:
        return True
    return set(node.marks) <= set(record["marks"]) and (not node.ends or record["digest"] is not None)


def assembled(spec: RunSpec, path: Sequence[Node], trained: Sequence[Trained]) -> RunResult:
    """The result of a run from its nodes, up to its end or to the one that diverged.

    Raises:
        InputError: the metric it is judged by was not measured.
    """
    if isinstance(spec.source, ScriptSource):
        return _of_script(spec, spec.source, path, trained)
    return put_together(spec, [_leg(node, *one) for node, one in zip(path, trained, strict=True)])


def _leg(node: Node, record: Mapping[str, Any], trace: Trace) -> Leg:
    measured = {int(m): values for m, values in record["measured"].items() if int(m) > node.start}
    return Leg(
        start=node.start,
        loss=trace.loss[trace.step >= node.start],
        measured={m: {k: float(v) for k, v in values.items()} for m, values in measured.items()},
        diverged=None if record["diverged"] is None else Divergence(**record["diverged"]),
        seconds=record["seconds"],
        metric=record["metric"],
        goal=record["goal"],
        digest=record["digest"],
        digests=record.get("digests", {}),
    )


def _of_script(spec: RunSpec, source: ScriptSource, path: Sequence[Node], trained: Sequence[Trained]) -> RunResult:
    rows: dict[int, dict[str, float]] = {}
    for node, (record, trace) in zip(path, trained, strict=True):
        silent = set(record["silent"])
        for i, t in enumerate(trace.step.tolist()):
            if t >= node.start:
                logged = {} if t in silent else {"loss": float(trace.loss[i])}
                rows[t] = logged | {k: float(v[i]) for k, v in trace.metrics.items() if not math.isnan(v[i])}
        for t, name in record["nan"]:
            if t >= node.start:
                rows[t][name] = math.nan
    seconds = math.fsum(record["seconds"] for record, _ in trained)
    return source.result(spec, Heard(rows, Ended(seconds, None, stopped=False, left=False), None))
