"""How much of the variance of accuracy each hyperparameter explains, over two stated sets of ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.lab.arms import Arm, Runs
from lrdecay.lab.claims.variance.design import COLUMNS, Column, Shares, levels, shares
from lrdecay.lab.evidence import ArmRow, Evidence
from lrdecay.lab.laboratory import Laboratory

__all__ = ["CENTRE", "DESIGN", "ORDER", "PLANTED", "RANGES", "WRONG", "measure", "read", "thirds"]

TASK = "lrdecay.lab.subjects.signals:signals"

CENTRE: Mapping[str, float] = {"rate": 0.1, "batch": 100, "momentum": 0.9, "weight decay": 1e-4, "width": 25}
"""The common set-up of the claims on mnist1d; its rate was chosen on pilot seeds."""

WIDE: Mapping[str, tuple[float, float]] = {
    "rate": (1e-6, 1.0),
    "batch": (16, 256),
    "momentum": (0.5, 0.99),
    "weight decay": (1e-6, 1e-2),
    "width": (8, 64),
}
"""As documents give them: the rate of Bengio 2012, arXiv:1206.5533; the others as tutorials and papers use them."""

FACTOR = 3.0
"""The narrow ranges go from a third of the centre to three times it; of momentum, 1 - momentum does."""

ORDER: Column = (0, 1, 1, 2)
"""Of the data order, a hyperparameter that does nothing. No effect of one or two of the others has this column; those
of three that have it hold the weight decay."""

WRONG: tuple[float, float, float] = (0.0, 0.3, 0.6)
"""Shares of wrong labels, the hyperparameter that is planted."""

DESIGN: Mapping[str, Column] = dict(zip(CENTRE, COLUMNS, strict=True)) | {"order": ORDER}
PLANTED: Mapping[str, Column] = {"rate": (1, 0, 0), "wrong labels": (0, 1, 0), "order": (0, 0, 1)}

_CHANCE = 0.1

Levels = tuple[float, float, float]


def thirds(low: float, high: float) -> Levels:
    """The middles of the thirds of a range, on a logarithmic axis: three levels that stand for all of it."""
    a, b, c = (low * (high / low) ** share for share in (1 / 6, 1 / 2, 5 / 6))
    return a, b, c


def _momenta(low: float, high: float) -> Levels:
    a, b, c = (1 - v for v in thirds(1 - high, 1 - low))
    return c, b, a


def _narrow() -> dict[str, Levels]:
    found = {name: thirds(v / FACTOR, v * FACTOR) for name, v in CENTRE.items() if name != "momentum"}
    left = 1 - CENTRE["momentum"]
    return found | {"momentum": _momenta(1 - left * FACTOR, 1 - left / FACTOR)}


RANGES: Mapping[str, Mapping[str, Levels]] = {
    "wide": {n: thirds(*r) for n, r in WIDE.items() if n != "momentum"} | {"momentum": _momenta(*WIDE["momentum"])},
    "narrow": _narrow(),
}
"""Name of the ranges -> hyperparameter -> its three levels."""


@frozen
class Extent:
    """What a scale trains: training signals and epochs."""

    images: int
    epochs: int


SIZES: Mapping[str, Extent] = {"smoke": Extent(100, 1), "small": Extent(2000, 3), "full": Extent(4000, 20)}


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Both designs and the planted one, in every seed."""
    size = SIZES[scale]
    found: dict[str, list[Shares]] = {}
    rows: list[ArmRow] = []
    for ranges, own in RANGES.items():
        table = {**own, "order": (0, 1, 2)}
        runs = lab.run(_arms(ranges, DESIGN, table, size), seeds, f"{ranges} ranges")
        found[ranges] = _shares(runs, DESIGN)
        rows += runs.rows()
    table = {"rate": RANGES["narrow"]["rate"], "wrong labels": WRONG, "order": (0, 1, 2)}
    runs = lab.run(_arms("planted", PLANTED, table, size), seeds, "wrong labels")
    found["planted"] = _shares(runs, PLANTED)
    notes = (*(_said(name, each) for name, each in found.items()), *(_levels_said(n, r) for n, r in RANGES.items()))
    return Evidence(read(found), arms=(*rows, *runs.rows()), notes=notes)


def read(found: Mapping[str, Sequence[Shares]]) -> dict[str, list[float | None]]:
    """Every statistic, one value a seed, from the shares by the name of the ranges."""
    values: dict[str, list[float | None]] = {}
    for name in RANGES:
        for kind, i in (("", 0), (" with interactions", 1)):
            values[f"rate, {name}{kind}"] = [_lead(each, "rate", i) for each in found[name]]
        values[f"data order, {name}"] = [each["order"][0] for each in found[name]]
    values["wrong labels"] = [_lead(each, "wrong labels", 0) for each in found["planted"]]
    return values


def _lead(each: Shares, name: str, i: int) -> float:
    return each[name][i] - max(share[i] for other, share in each.items() if other not in (name, "order"))


def _arms(kind: str, design: Mapping[str, Column], table: Mapping[str, Levels], size: Extent) -> list[Arm]:
    made: list[Arm] = []
    for i, row in enumerate(levels(list(design.values()))):
        chosen = {**CENTRE, **{name: table[name][level] for name, level in zip(design, row, strict=True)}}
        own: dict[str, Any] = {
            "images": size.images,
            "batch_size": round(chosen["batch"]),
            "momentum": round(chosen["momentum"], 6),
            "weight_decay": float(f"{chosen['weight decay']:.6g}"),
            "width": round(chosen["width"]),
            "wrong": float(chosen.get("wrong labels", 0.0)),
            "order": int(chosen["order"]),
        }
        rate = float(f"{chosen['rate']:.6g}")
        made.append(Arm(f"{kind} {i}", TASK, f"constant({rate!r})", own, epochs=size.epochs, evaluations=1))
    return made


def _shares(runs: Runs, design: Mapping[str, Column]) -> list[Shares]:
    """One a seed; a run that diverged counts as chance."""
    table = np.array([np.nan_to_num(runs.end(arm, "accuracy"), nan=_CHANCE) for arm in runs.arms])
    return [shares(table[:, k], design, idle=("order",)) for k in range(len(runs.seeds))]


def _said(name: str, each: Sequence[Shares]) -> str:
    rows = [
        f"{factor} {np.mean([s[factor][0] for s in each]):.3f} ({np.mean([s[factor][1] for s in each]):.3f})"
        for factor in each[0]
    ]
    return f"Shares of variance, {name} (with interactions): {', '.join(rows)}."


def _levels_said(name: str, ranges: Mapping[str, Levels]) -> str:
    rows = [f"{factor} {', '.join(f'{v:.3g}' for v in own)}" for factor, own in ranges.items()]
    return f"Levels, {name}: {'; '.join(rows)}."
