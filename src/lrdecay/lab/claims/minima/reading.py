"""Sharpness at places of runs, as logs of ratios; and which starts are none. Pure, given runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lrdecay.lab.arms import Runs
from lrdecay.lab.instruments.curvature import RESIDUAL

__all__ = ["GATE", "Place", "log_ratios", "sharpness", "ungated"]

FloatArray = NDArray[np.float64]

GATE = 0.9
"""The share of labels that a start must have fitted, on average over seeds, to be called a solution."""


@frozen
class Place:
    """An arm after so many updates, with what stands before the names of its metrics, such as "ema(2ep)/"."""

    arm: str
    step: int
    weights: str = ""


def sharpness(runs: Runs, place: Place) -> FloatArray:
    """Of each seed; nan where the run had diverged, the eigenvector has not converged or the value is not above 0."""
    value = runs.at(place.arm, f"{place.weights}sharpness", place.step)
    residual = runs.at(place.arm, f"{place.weights}residual", place.step)
    return np.where((residual < RESIDUAL) & (value > 0), value, np.nan)


def log_ratios(runs: Runs, table: Mapping[str, tuple[Place, Place]]) -> dict[str, list[float | None]]:
    """Statistic -> log(sharpness at the first place / at the second), one a seed; None where one is not known."""
    found: dict[str, list[float | None]] = {}
    for name, (one, other) in table.items():
        logs = np.log(sharpness(runs, one) / sharpness(runs, other))
        found[name] = [float(v) if np.isfinite(v) else None for v in logs]
    return found


def ungated(fits: Mapping[str, FloatArray], least: float) -> dict[str, str]:
    """Claims of which nothing is said, because their start has not fitted its labels.

    Args:
        fits: start -> the share of its labels that it fits at its end, one a seed.
        least: that their mean must reach.
    """
    gates: dict[str, str] = {}
    for start, fit in fits.items():
        if not fit.mean() >= least:
            why = f"the {start} start fits {fit.mean():.2f} of its labels, less than {least:g}"
            gates |= {f"{verb}-{start}": why for verb in ("leaves", "forgets")} | {"smooths": why}
    return gates
