"""A script that is watched, through the five lines it has: its run in stages, branches, and runs at a rate of 0.

The script is forked at every cut by its own checkpoints; one that has none is started again from the beginning. At a
rate of 0 its weights stay where they are put, while it goes on drawing batches and evaluating: so its own gradients give
the noise scale at any weights, and its own evaluation measures any weights, averages too (whose batch-norm statistics
are made anew on the way). All these runs begin at update 0 with the same seed, and so see the same batches.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.lab.explain.watch.children import BATCHES, Child, Children
from lrdecay.lab.explain.watch.reading import curve_of, period_of, side_of
from lrdecay.lab.explain.watch.following import learned
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
    found = [
        curve_of(rows, values, metric, bounds),
        *(curve_of(k.rows, values, metric, [c["end"]]) for k, c in zip(kept, cuts, strict=True)),
    ]
    noises: dict[int, dict[str, Any]] = {}
    unevaluated = ""
    if looked:
        length = min(steps, max(BATCHES, 2 * period_of(rows, metric) + 2))

        def still(name: str, file: Path, array: str) -> Child:
            frozen = np.zeros(steps)
            return children.run(name, frozen, window=window, stop=length, weights=(file, array), gradients=True)

        place_of = {at: next(p for p in own if p.array(f"weights@{at}") is not None) for at in keep if at}
        for at in keep:
            if at in (*bounds[1:], *(a + w for a, w in zip(ats, wide, strict=True))):
                child = still(f"still-{at}", place_of[at].file, f"weights@{at}")
                noises[at] = child.noise(whole.to_json().get("batch_size"))
                if at in bounds:
                    unevaluated = _put(found[0], at, metric, child, unevaluated, length)
        for i, part in enumerate(own):
            if forks or i == len(own) - 1:
                at = bounds[i + 1] if forks else steps
                child = still(f"average-{at}", part.file, "average")
                _put(found[0], at, f"averaged {metric}", child, unevaluated, length, metric)
        for i, (child_kept, cut) in enumerate(zip(kept, cuts, strict=True)):
            _put(
                found[i + 1],
                cut["end"],
                metric,
                still(f"kept-{i}-raw", child_kept.file, f"weights@{cut['end']}"),
                "",
                length,
            )
            averaged = still(f"kept-{i}-average", child_kept.file, "average")
            _put(found[i + 1], cut["end"], f"averaged {metric}", averaged, "", length, metric)
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
        "curve": found[0],
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
                "kept": found[i + 1],
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
    for i, (start, stop) in enumerate(zip(bounds, bounds[1:], strict=False)):
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


def _put(
    curve: dict[str, list[float | None]], at: int, column: str, child: Child, before: str, length: int, metric: str = ""
) -> str:
    """Write what a run at a rate of 0 measured into a curve; gives why it could not be had, where it could not."""
    value = child.logged(metric or column)
    where = curve["step"].index(at)
    curve.setdefault(column, [None] * len(curve["step"]))[where] = value
    return (
        before if value is not None else f"it did not measure {metric or column} within {length} updates at a rate of 0"
    )


def _rights(parts: Sequence[Child], at: int) -> list[dict[str, Any]]:
    """Which samples of the probe are right at a step, raw and averaged; nothing where there is no probe."""
    for part in parts:
        raw, averaged = part.array(f"right@{at}"), part.array(f"averaged right@{at}")
        if raw is not None and averaged is not None:
            return [{"probe": raw}, {"probe": averaged}]
    return []
