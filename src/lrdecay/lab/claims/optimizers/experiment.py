"""Each optimizer at its own tuned rate, constant and under a cosine, and what averages in place of decaying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lrdecay.lab.arms import Runs
from lrdecay.lab.claims.optimizers.arms import AVERAGE, SIZES, pilots, verdict_arms
from lrdecay.lab.differences import Table, differences
from lrdecay.lab.evidence import Evidence
from lrdecay.lab.figures import along
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.reaching import saved, told, updates_to

__all__ = ["AVERAGED", "SAVED", "TABLE", "measure", "read"]

_CHANCE = 0.1

TABLE: Table = {
    "gain of SGD": [("sgd cosine", 1), ("sgd constant", -1)],
    "gain of Adam": [("adam cosine", 1), ("adam constant", -1)],
    "gain of AdamW": [("adamw cosine", 1), ("adamw constant", -1)],
    "gain of RMSprop": [("rmsprop cosine", 1), ("rmsprop constant", -1)],
    "gain of Adadelta": [("adadelta cosine", 1), ("adadelta constant", -1)],
    "gain of Adam, none": [("adam cosine", 1), ("adam constant", -1)],
    "gain of AdamW, none": [("adamw cosine", 1), ("adamw constant", -1)],
    "gain of RMSprop, none": [("rmsprop cosine", 1), ("rmsprop constant", -1)],
    "gain of Adadelta, none": [("adadelta cosine", 1), ("adadelta constant", -1)],
    "SGD's gain beyond Adam's": [
        ("sgd cosine", 1),
        ("sgd constant", -1),
        ("adam cosine", -1),
        ("adam constant", 1),
    ],
    "SGD's gain beyond AdamW's": [
        ("sgd cosine", 1),
        ("sgd constant", -1),
        ("adamw cosine", -1),
        ("adamw constant", 1),
    ],
    "lost by RMSprop's default": [("rmsprop cosine", 1), ("rmsprop default", -1)],
    "lost by Adadelta's default": [("adadelta cosine", 1), ("adadelta default", -1)],
    "lost by schedule-free SGD": [("sgd cosine", 1), ("schedulefree_sgd free", -1)],
    "lost by schedule-free AdamW": [("adamw cosine", 1), ("schedulefree free", -1)],
    "another order": [("sgd cosine", 1), ("sgd cosine, another order", -1)],
    "against wrong labels": [("sgd cosine", 1), ("sgd cosine, wrong labels", -1)],
    "another order, none": [("sgd cosine", 1), ("sgd cosine, another order", -1)],
    "against wrong labels, none": [("sgd cosine", 1), ("sgd cosine, wrong labels", -1)],
}
"""Differences of test accuracy at the end."""

AVERAGED: Mapping[str, str] = {"lost by averaged SGD": "sgd", "lost by averaged AdamW": "adamw"}
"""The cosine minus the average of the constant rate that is best for the average."""

SAVED: Mapping[str, tuple[str, str]] = {
    "sooner, SGD": ("sgd cosine", "sgd constant"),
    "sooner, AdamW": ("adamw cosine", "adamw constant"),
    "sooner, Adam": ("adam cosine", "adam constant"),
    "sooner, another order": ("sgd constant, another order", "sgd constant"),
    "sooner than wrong labels": ("sgd constant", "sgd constant, wrong labels"),
}
"""Arm and base of `lrdecay.lab.reaching.saved`."""

_SHOWN = ("sgd cosine", "sgd constant", "adamw cosine", "adamw constant", "schedulefree free")


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Choose every peak on pilots, then train each arm in every seed."""
    size = SIZES[scale]
    chosen = pilots(lab, size)
    runs = lab.run(verdict_arms(chosen, size), seeds, "optimizers")
    peaks = ", ".join(f"{name} {c.peak:g}{c.edge}" for name, c in chosen.items())
    return Evidence(
        read(runs),
        arms=runs.rows(),
        figures=(along(runs, "accuracy", _SHOWN, "test accuracy"),),
        notes=(f"Peaks chosen on pilots: {peaks}.", *_times(runs)),
    )


def read(runs: Runs) -> dict[str, list[float | None]]:
    """Every statistic, one value a seed."""
    values = differences(runs, TABLE, "accuracy", worst=_CHANCE)
    for name, optimizer in AVERAGED.items():
        decayed, own = runs.end(f"{optimizer} cosine", "accuracy"), f"{optimizer} averaged"
        gap = np.nan_to_num(decayed, nan=_CHANCE) - np.nan_to_num(runs.end(own, f"{AVERAGE}/accuracy"), nan=_CHANCE)
        values[name] = [float(v) for v in gap]
    return values | {name: list(saved(runs, arm, base, "accuracy")) for name, (arm, base) in SAVED.items()}


def _times(runs: Runs) -> list[str]:
    """Of each optimizer: median updates until it holds what its constant rate ends with."""
    found: list[str] = []
    for optimizer in ("sgd", "adam", "adamw", "rmsprop", "adadelta"):
        target = float(np.nanmean(runs.end(f"{optimizer} constant", "accuracy")))
        kinds = [kind for kind in ("cosine", "constant", "default") if f"{optimizer} {kind}" in runs.arms]
        reached = ", ".join(
            f"{kind} {told(updates_to(runs, f'{optimizer} {kind}', 'accuracy', target))}" for kind in kinds
        )
        found.append(f"{optimizer}: {target:.3f}, what its constant rate ends with, is held by {reached}.")
    return found
