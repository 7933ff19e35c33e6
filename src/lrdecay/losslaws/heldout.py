"""How far a law is off on what it was not shown: the last part of every curve, and every whole curve where others stay.

Each fold is a refit without the held-out points, in the units of all curves; its error is the mean of

    log L(θ without them) - log observed

over the last quarter of the held-out points, so one number per fold, for neighbours share their errors. The held-out
error of a law is the root mean square over folds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from lrdecay.losslaws.curve import Curve, FloatArray, decays
from lrdecay.losslaws.fitting import Fit, data_of, fit

__all__ = ["SHARE", "Fold", "folds_of", "held_out", "root_mean_square"]

SHARE = 0.2
"""Of a curve's points after the warmup, at its end."""

_FEWEST = 8


@frozen
class Fold:
    """What one refit was off.

    Attributes:
        curve: whose points were held out.
        whole: all of its points, or only its end.
        error: predicted minus observed, in the logarithm of the loss.
        told: whether a decay was among what was kept; otherwise what was held out was all that there is to know of one.
    """

    curve: str
    whole: bool
    error: float
    told: bool = True


def folds_of(curves: Sequence[Curve]) -> list[tuple[list[Curve], Curve, bool]]:
    """(kept, held out, whether whole): the end of each curve; whole ones where two stay."""
    found = []
    for i, curve in enumerate(curves):
        others = [c for j, c in enumerate(curves) if j != i]
        cut = int(curve.steps[-max(1, round(SHARE * len(curve.steps))) - 1])
        head, tail = curve.until(cut), curve.after(cut)
        if len(head.steps) >= _FEWEST:
            found.append(([*others, head], tail, False))
        if len(others) > 1:
            found.append((others, curve, True))
    return found


def held_out(fitted: Fit, curves: Sequence[Curve]) -> list[Fold]:
    """Refit without each fold, from where all curves led, and see what it was off there."""
    found = []
    for kept, out, whole in folds_of(curves):
        refit = fit(fitted.law, data_of(kept, fitted.units), starts=[np.log(fitted.theta)])
        ahead = out.steps[-max(1, len(out.steps) // 4) :]
        off = np.log(refit.at(out.rates, ahead, out.warmup)) - np.log(out.losses[-len(ahead) :])
        found.append(Fold(out.name, whole, float(np.mean(off)), any(decays(c) for c in kept)))
    return found


def root_mean_square(folds: Sequence[Fold]) -> float:
    """Of their errors; inf where there are none."""
    errors: FloatArray = np.array([f.error for f in folds])
    return float(np.sqrt(np.mean(errors**2))) if len(folds) else float("inf")
