"""A script that is watched, through the five lines it has: its run in stages, branches, and runs at a rate of 0.

The script is forked at every cut by its own checkpoints; one that has none is started again from the beginning. At a
rate of 0 its weights stay where they are put, while it goes on drawing batches and evaluating: its own gradients give
the noise scale at any weights, and its own evaluation measures any weights, averages too (whose batch-norm statistics
are made anew on the way). Such a run begins at update 0, and measures one set of weights after the other.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lrdecay.lab.explain.watch.children import BATCHES, Child, Children
from lrdecay.lab.explain.watch.following import learned
from lrdecay.lab.explain.watch.reading import curve_of, period_of, side_of
from lrdecay.runs.metric import judge
from lrdecay.runs.script_source import ScriptSource
from lrdecay.schedule import Horizon

__all__ = ["scripted"]

FloatArray = NDArray[np.float64]

_LONGEST = 200


def scripted(
    seed: int,
    command: str,
    judged_by: str | None,
    spec: str,
    horizon: Mapping[str, Any],
    rates: Sequence[float],
    cuts: Sequence[Mapping[str, Any]],
    window: int,
    folder: str,
    known: Mapping[str, Any],  # noqa: ARG001
) -> dict[str, Any]:
    """As `lrdecay.lab.explain.watch.following.followed`, of a script.

    Args:
        seed: of the run.
        command: of the script.
        judged_by: as ``--metric``.
        spec: the schedule as it was written.
        horizon: `lrdecay.Horizon` as JSON.
        rates: of every update.
        cuts: as JSON.
        window: of the averages, in updates.
        folder: for what children show, until all of it is there.
        known: what else decides the bits.

    Returns:
        The same record, and "looked", "probed", "forks", "unevaluated".
    """
    source, place = ScriptSource(command, judged_by), Path(folder) / f"seed-{seed}"
    whole = Horizon(**horizon)
    children = Children(source, seed, spec, whole, place)
    values, steps = np.asarray(rates, dtype=np.float64), len(rates)
    forks = source.forks()
    bounds = [0, *(int(c["at"]) for c in cuts), steps]
    wide = [min(int(c["window"]), _LONGEST) for c in cuts]
    ats = [int(c["at"]) for c in cuts]
    keep = tuple(sorted({*bounds, *(at + s * w for at, w in zip(ats, wide, strict=True) for s in (-1, 1))}))
    windows = tuple((at + s, at + s + w) for at, w in zip(ats, wide, strict=True) for s in (-w, 0))
    own = _own(children, values, bounds, window, keep, windows, forks=forks)
    kept = [_kept(children, values, cut, own, i, window, forks=forks) for i, cut in enumerate(cuts)]
    rows = {t: row for part in own for t, row in part.rows.items()}
    names = tuple(dict.fromkeys(k for t in sorted(rows) for k in rows[t] if k != "loss"))
    metric, goal = judge(judged_by, names)
    looked = own[-1].array("weights") is not None
    ends = [[int(c["end"])] for c in cuts]
    curves = [curve_of(rows, values, metric, bounds)]
    curves += [curve_of(k.rows, values, metric, end) for k, end in zip(kept, ends, strict=True)]
    noises: dict[int, dict[str, Any]] = {}
    unevaluated = ""
    if looked:
        wanted = _wanted(own, kept, bounds, [at + w for at, w in zip(ats, wide, strict=True)], ends, forks=forks)
        length = max(BATCHES + 2, 2 * period_of(rows, metric) + 2)
        measured = _still(
            children, wanted, steps, min(length, steps), window, metric, whole.to_json().get("batch_size")
        )
        for one, value, noise in measured:
            if one.column == "" or (one.curve == 0 and one.column == "raw"):
                noises[one.at] = noise
            if one.column:
                name = metric if one.column == "raw" else f"averaged {metric}"
                curve = curves[one.curve]
                curve.setdefault(name, [None] * len(curve["step"]))[curve["step"].index(one.at)] = value
                if value is None or length > steps:
                    unevaluated = f"it does not measure {metric} often enough, or its optimizer moves weights at rate 0"
    rights = {at: _rights(own, at) for at in bounds}
    record = {
        "seed": seed,
        "metric": metric,
        "goal": goal,
        "heldout": len(rights[steps][0]["probe"]) if rights[steps] else 0,
        "samples": 0,
        "batch": whole.to_json().get("batch_size"),
        "optimizer": own[0].said.get("optimizer", "its optimizer"),
        "momentum": own[0].said.get("momentum"),
        "averaged": looked,
        "labels": "" if rights[steps] else "the script shows no samples",
        "curve": curves[0],
        "diverged": next((t for t in sorted(rows) if not np.isfinite(rows[t].get("loss", 0.0))), None),
        "looked": looked,
        "probed": bool(own[0].said.get("probed")),
        "forks": forks,
        "unevaluated": unevaluated,
        "first": learned(rights[0], [], rights[bounds[1]]),
        "cuts": [
            {
                "at": at,
                **{side: side_of(own, at, w, side) for side in ("before", "after")},
                "noise_before": noises.get(at, {"value": None, "why": "no optimizer of torch to look at"}),
                "noise_after": noises.get(at + w, {"value": None, "why": "no optimizer of torch to look at"}),
                "kept": curves[i + 1],
                "learned": learned(rights[at], _rights([kept[i]], int(cuts[i]["end"])), rights[bounds[i + 2]]),
            }
            for i, (at, w) in enumerate(zip(ats, wide, strict=True))
        ],
    }
    shutil.rmtree(place)
    return record


def _own(
    children: Children,
    rates: FloatArray,
    bounds: Sequence[int],
    window: int,
    keep: tuple[int, ...],
    windows: tuple[tuple[int, int], ...],
    *,
    forks: bool,
) -> list[Child]:
    """The run itself: a part for each stage, or one."""
    if not forks:
        return [children.run("own", rates, window=window, keep=keep, windows=windows)]
    parts: list[Child] = []
    for i, (start, stop) in enumerate(itertools.pairwise(bounds)):
        last = stop == bounds[-1]
        parts.append(
            children.run(
                f"own-{i}",
                rates,
                window=window,
                load=_checkpoint(children, start) if start else None,
                stop=None if last else stop,
                save=None if last else _checkpoint(children, stop),
                average=_seen(parts[-1]) if parts else None,
                keep=keep,
                windows=windows,
            )
        )
    return parts


def _kept(
    children: Children,
    rates: FloatArray,
    cut: Mapping[str, Any],
    own: Sequence[Child],
    i: int,
    window: int,
    *,
    forks: bool,
) -> Child:
    """The branch that keeps the rate before a cut, to the end of its stage."""
    at, end = int(cut["at"]), int(cut["end"])
    values = rates.copy()
    values[at:] = float(cut["before"])
    return children.run(
        f"kept-{i}",
        values,
        window=window,
        load=_checkpoint(children, at) if forks else None,
        stop=end,
        average=_seen(own[i]) if forks else None,
        keep=(end,),
    )


def _checkpoint(children: Children, step: int) -> Path:
    return children.folder / f"checkpoint-{step}"


def _seen(part: Child) -> Path | None:
    return part.file if part.file.exists() else None


@frozen
class _Set:
    """Weights that are to be measured at a rate of 0.

    Attributes:
        file: which has them.
        array: its name there.
        at: after how many updates they were had.
        curve: 0 for the run, i for the branch at the i-th cut.
        column: "raw", "averaged", or "" where only their gradients matter.
    """

    file: Path
    array: str
    at: int
    curve: int
    column: str


def _wanted(
    own: Sequence[Child],
    kept: Sequence[Child],
    bounds: Sequence[int],
    after: Sequence[int],
    ends: Sequence[Sequence[int]],
    *,
    forks: bool,
) -> list[_Set]:
    """Every set of weights: at every bound raw and averaged, after every window, and at the end of every branch."""
    found = []
    for at in (*bounds[1:], *after):
        part = next(p for p in own if p.array(f"weights@{at}") is not None)
        found.append(_Set(part.file, f"weights@{at}", at, 0, "raw" if at in bounds else ""))
    averaged = zip(own, bounds[1:], strict=True) if forks else [(own[-1], bounds[-1])]
    found += [_Set(part.file, "average", at, 0, "averaged") for part, at in averaged]
    for i, (branch, (end,)) in enumerate(zip(kept, ends, strict=True), start=1):
        found += [
            _Set(branch.file, array, end, i, column) for array, column in (("weights", "raw"), ("average", "averaged"))
        ]
    return found


def _still(
    children: Children, wanted: Sequence[_Set], steps: int, length: int, window: int, metric: str, batch: float | None
) -> list[tuple[_Set, float | None, dict[str, Any]]]:
    """Each set with the metric and the noise scale at it; as many sets in one child as its run has room for."""
    room = max(1, steps // length)
    found = []
    for first in range(0, len(wanted), room):
        some = wanted[first : first + room]
        put = [(i * length, one.file, one.array) for i, one in enumerate(some)]
        child = children.run(f"still-{first}", np.zeros(steps), window=window, stop=len(some) * length, put=put)
        found += [(one, child.logged(i, length, metric), child.noise(i, batch)) for i, one in enumerate(some)]
    return found


def _rights(parts: Sequence[Child], at: int) -> list[dict[str, Any]]:
    """Which samples of the probe are right at a step, raw and averaged; nothing where there is no probe."""
    for part in parts:
        raw, averaged = part.array(f"right@{at}"), part.array(f"averaged right@{at}")
        if raw is not None and averaged is not None:
            return [{"probe": raw}, {"probe": averaged}]
    return []
