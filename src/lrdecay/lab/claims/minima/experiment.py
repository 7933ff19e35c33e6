"""Two poor starts, what a large rate makes of them, and how sharp a place decay ends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen

from lrdecay.lab.arms import Arm, Runs
from lrdecay.lab.claims.minima.reading import GATE, Place, log_ratios, ungated
from lrdecay.lab.differences import Table, differences
from lrdecay.lab.evidence import Evidence
from lrdecay.lab.figures import along
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.tuning import tuned

__all__ = ["SCALES", "TABLE", "Scale", "measure", "sharpness_table"]

TASK = "lrdecay.lab.claims.minima.tasks.started:started"
PEAKS = (0.03, 0.1, 0.3)
SMALL, RANDOM, HARD = 0.002, 0.03, 0.1
_EMA = "ema(2ep)"
_BATCH = 100

TABLE: Table = {
    "gain from the small start": [("small, large", 1), ("small, on", -1)],
    "gain from the random start": [("random, large", 1), ("random, on", -1)],
    "small start minus scratch": [("small, large", 1), ("scratch", -1)],
    "random start minus scratch": [("random, large", 1), ("scratch", -1)],
    "another order": [("scratch", 1), ("another order", -1)],
    "against wrong labels": [("scratch", 1), ("wrong labels", -1)],
    "wrong labels minus scratch": [("wrong labels", 1), ("scratch", -1)],
    "another order minus scratch": [("another order", 1), ("scratch", -1)],
}


@frozen
class Scale:
    """What is trained: signals, channels, epochs at the start and after it, the second even and a part of the first."""

    images: int
    width: int
    first: int
    second: int
    peaks: tuple[float, ...]
    pilots: tuple[int, ...]


SCALES: Mapping[str, Scale] = {
    "smoke": Scale(600, 8, 4, 4, (0.1,), (100,)),
    "small": Scale(2000, 50, 45, 30, PEAKS, (100, 101, 102)),
    "full": Scale(4000, 100, 120, 80, (*PEAKS, 1.0), (100, 101, 102)),
}


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Choose the large rate on pilots, then train from both starts and from scratch."""
    size = SCALES[scale]
    bare = Arm("scratch", TASK, 'multi_step({0!r}, factor=0.1, at=["50%"])', _own(size), epochs=size.second)
    pilot = evolve(bare, arguments=_own(size) | {"split": "validation"}, evaluations=2)
    found = tuned(lab, [pilot], size.peaks, size.pilots)["scratch"]
    runs = lab.run(_arms(size, found.peak), seeds, "starts")
    start, drop, end = (size.images // _BATCH * n for n in (size.first, size.second // 2, size.second))
    values = differences(runs, TABLE, "accuracy", worst=0.1)
    values |= log_ratios(runs, sharpness_table(drop, end, start + end))
    fits = {"random": runs.at("random, on", "random_fit", start), "small": runs.at("small, on", "fit", start)}
    poor = runs.at("small, on", "accuracy", start)
    notes = (
        f"The large rate that pilots chose: {found.peak:g}{found.edge}.",
        f"The random start fits {fits['random'].mean():.3f} of its random labels; the small start fits"
        f" {fits['small'].mean():.3f} of the true ones, with a test accuracy of {poor.mean():.3f}.",
        *(_loss(runs, name, drop, end) for name in ("scratch", "hard")),
    )
    figure = along(
        runs,
        "accuracy",
        ["small, on", "small, large", "random, on", "random, large"],
        "test accuracy",
        marks={float(start): "the large rate", float(start + drop): "its drop"},
    )
    return Evidence(values, ungated(fits, GATE), runs.rows(), (figure,), notes)


def sharpness_table(drop: int, end: int, last: int) -> Mapping[str, tuple[Place, Place]]:
    """Statistic -> the places whose sharpness is divided.

    Args:
        drop: updates before the drop of the runs from scratch.
        end: their end.
        last: the end of runs that begin with a start.
    """
    scratch, order, four = (Place(arm, end) for arm in ("scratch", "another order", "four times the loss"))
    table = {
        "flatter from the small start": (Place("small, large", last), Place("small, on", last)),
        "flatter from the random start": (Place("random, large", last), Place("random, on", last)),
        "sharpness in another order": (order, scratch),
        "sharpness in another order, below": (order, scratch),
        "four times the sharpness": (four, order),
        "a quarter of the sharpness": (order, four),
    }
    for arm, tail, told in (("scratch", "no drop", ""), ("hard", "hard, no drop", ", hard")):
        table[f"sharper than before the drop{told}"] = (Place(arm, end), Place(arm, drop))
        table[f"sharper than the average{told}"] = (Place(arm, end), Place(tail, end, f"{_EMA}/"))
        table[f"sharper than the raw weights{told}"] = (Place(arm, end), Place(tail, end))
    return table


def _own(size: Scale) -> dict[str, Any]:
    return {"images": size.images, "width": size.width}


def _arms(size: Scale, large: float) -> list[Arm]:
    own = _own(size) | {"sharp": True}
    both = own | {"average": ["none", _EMA]}
    per = size.images // _BATCH
    start, half = per * size.first, per * size.second // 2
    low = large / 10
    drop = f"piecewise([{large!r}, {low!r}], at=[{half}])"
    hard = both | {"wrong": 0.3, "width": min(12, size.width)}

    def scratch(name: str, spec: str, arguments: Mapping[str, Any]) -> Arm:
        return Arm(name, TASK, spec, arguments, epochs=size.second, evaluations=2)

    def begun(name: str, spec: str, **more: Any) -> Arm:
        epochs = size.first + size.second
        return Arm(name, TASK, spec, own | more, epochs=epochs, evaluations=2 * epochs // size.second)

    return [
        scratch("scratch", drop, both),
        scratch("no drop", f"constant({large!r})", both),
        scratch("hard", f"piecewise([{HARD}, {HARD / 10!r}], at=[{half}])", hard),
        scratch("hard, no drop", f"constant({HARD})", hard),
        scratch("wrong labels", drop, _own(size) | {"wrong": 0.3}),
        scratch("another order", drop, own | {"order": 1}),
        scratch("four times the loss", f"piecewise([{large / 4!r}, {low / 4!r}], at=[{half}])", own | {"times": 4.0}),
        begun("small, on", f"constant({SMALL})"),
        begun("small, large", f"piecewise([{SMALL}, {large!r}, {low!r}], at=[{start}, {start + half}])"),
        begun("random, on", f"piecewise([{RANDOM}, {SMALL}], at=[{start}])", switch=start),
        begun(
            "random, large",
            f"piecewise([{RANDOM}, {large!r}, {low!r}], at=[{start}, {start + half}])",
            switch=start,
        ),
    ]


def _loss(runs: Runs, arm: str, drop: int, end: int) -> str:
    before, after = (float(np.nanmean(runs.at(arm, "train_loss", step))) for step in (drop, end))
    return f"Training loss of the arm {arm!r} on the probe: {before:.4f} before the drop, {after:.4f} at the end."
