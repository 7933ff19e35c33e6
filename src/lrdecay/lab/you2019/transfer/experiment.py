"""How transfer is measured: a source, its stages, and probes of frozen features on targets at the end of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError
from lrdecay.lab.arms import Arm, Runs
from lrdecay.lab.evidence import Evidence, Figure, Line
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.you2019.transfer.analysis import TARGETS, Stages, statistics
from lrdecay.lab.you2019.transfer.tasks.emoji import SHA256, checksum, find_archive, pictures
from lrdecay.lab.you2019.transfer.tasks.transferring import untrained

__all__ = ["SCALES", "Scale", "measure"]

_TASK = "lrdecay.lab.you2019.transfer.tasks.transferring:transferring"
_PEAK, _DROP = 0.1, 0.1
_BATCH = 60
_EMA = "ema(2ep)"
_MEASURED = 4  # evenly: in the first stage, and at the end of each
_STAGES = (1, 3)  # which of them are compared


@frozen
class Scale:
    """How much is trained: images of a class, epochs (a half, a quarter, a quarter), held-out images of a target."""

    images: int
    epochs: int
    heldout: int


SCALES: Mapping[str, Scale] = {
    "smoke": Scale(50, 4, 200),
    "small": Scale(1000, 24, 2000),
    "full": Scale(4000, 24, 2000),
}


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Every arm, every target that can be had, controls; without emoji two claims are not tested."""
    size = SCALES[scale]
    archive, missing = _emoji()
    own = {"images": size.images, "heldout": size.heldout, "emoji": archive}
    runs = lab.run(_arms(size, own), seeds, "transfer")
    start = lab.compute(untrained, [{"seed": seed, "arguments": own} for seed in seeds])
    names = ("source", *(t for t in TARGETS if t != "emoji" or archive is not None))
    probes = {name: _stages(runs, start, name) for name in names}
    evidence = {name: _stages(runs, start, f"{name}_logme") for name in names}
    values = statistics(probes, evidence, runs.curve("decay", "accuracy")[:, _STAGES])
    notes = [
        f"Rates {_PEAK:g}, x{_DROP:g} after a half and after three quarters; probes are of {', '.join(names)}.",
        *(_told(name, probes[name]) for name in names),
    ]
    gates: dict[str, str] = {}
    if missing is not None:
        gates = dict.fromkeys(("emoji", "transfers"), f"emoji could not be had: {missing}")
        notes.append(f"Emoji could not be had: {missing}")
    elif archive != SHA256:
        notes.append(f"Emoji are of another archive than the published one, SHA-256 {archive}.")
    return Evidence(values, gates=gates, arms=runs.rows(), figures=_figures(runs, names, size), notes=tuple(notes))


def _emoji() -> tuple[str | None, str | None]:
    """The SHA-256 of the archive, which was read; or why there is none."""
    try:
        found = checksum(find_archive())
        pictures(found)
    except InputError as problem:
        return None, str(problem)
    return found, None


def _arms(size: Scale, own: Mapping[str, Any]) -> list[Arm]:
    epoch = 6 * size.images // _BATCH
    drops = [size.epochs // 2 * epoch, size.epochs * 3 // 4 * epoch]
    both = {"average": ["none", _EMA]}  # one trunk for all three

    def arm(name: str, schedule: str, more: Mapping[str, Any]) -> Arm:
        return Arm(name, _TASK, schedule, {**own, **more}, epochs=size.epochs, evaluations=_MEASURED)

    def dropped(factor: float) -> str:
        return f"multi_step({_PEAK}, factor={factor}, at={drops})"

    return [
        arm("decay", dropped(_DROP), both),
        arm("peak", f"constant({_PEAK})", both),
        arm("nudged", dropped(0.99), both),
        arm("shuffled", dropped(_DROP), {"shuffled": True}),
    ]


def _stages(runs: Runs, start: Sequence[Mapping[str, float]], name: str) -> Stages:
    def of(arm: str, metric: str) -> Any:
        return runs.curve(arm, metric)[:, _STAGES]

    return Stages(
        decay=of("decay", name),
        peak=of("peak", name),
        average=of("peak", f"{_EMA}/{name}"),
        nudged=of("nudged", f"{_EMA}/{name}"),
        shuffled=of("shuffled", name),
        untrained=np.array([found[name] for found in start]),
    )


def _told(name: str, p: Stages) -> str:
    rows = {"decay": p.decay, "peak": p.peak, "peak, averaged": p.average, "shuffled labels": p.shuffled}
    said = "; ".join(f"{arm} {v[:, 0].mean():.4f}, {v[:, 1].mean():.4f}" for arm, v in rows.items())
    return f"Probe on {name}, end of the first and third stage: {said}; untrained {p.untrained.mean():.4f}."


def _figures(runs: Runs, names: Sequence[str], size: Scale) -> tuple[Figure, ...]:
    marks = {size.epochs / 2: "drop", size.epochs * 3 / 4: "drop"}
    shown = {"decay": ("decay", ""), "peak": ("peak", ""), "peak, averaged": ("peak", f"{_EMA}/")}
    return tuple(
        Figure(
            f"accuracy of the probe on {name}",
            "Frozen features, 50 labels a class: the run with drops, the run that stays at the peak, its average.",
            "epoch",
            tuple(_line(runs, label, arm, place + name, size) for label, (arm, place) in shown.items()),
            marks,
        )
        for name in names
    )


def _line(runs: Runs, label: str, arm: str, metric: str, size: Scale) -> Line:
    curve = runs.curve(arm, metric)
    x = tuple((np.arange(1, curve.shape[1] + 1) * size.epochs / _MEASURED).tolist())
    mean, lo, hi = curve.mean(axis=0), curve.min(axis=0), curve.max(axis=0)
    return Line(label, x, tuple(mean.tolist()), tuple(lo.tolist()), tuple(hi.tolist()))
