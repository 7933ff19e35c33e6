"""Making the curve: training under a rising rate, and putting everything back, whatever happens.

The rate of point i of n is low·(high/low)^(i/(n-1)): evenly spaced in log rate. One point is one update. The test ends
early when the loss has clearly diverged: not finite, or its debiased moving average (β = 0.9) above `STOP` times the
lowest that average has been.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, RunError, positive, refusal
from lrdecay.runs.trainable import FloatArray, Trainable

__all__ = ["FEWEST", "STOP", "Curve", "range_test", "rising_rates"]

STOP = 4.0
"""Divergence: the moving average of the loss above this multiple of its minimum."""

FEWEST = 10
"""A curve needs this many points to be read."""

_CHUNK = 5  # updates between two looks at the loss


@frozen(eq=False)
class Curve:
    """A range test's raw result."""

    rates: FloatArray  # shape (points,)
    losses: FloatArray  # training loss of each update, before it; the last may be inf or nan
    restored: bool  # whether the digest afterwards equals the digest before
    diverged: bool  # whether it ended early


def rising_rates(low: float, high: float, points: int) -> FloatArray:
    """low·(high/low)^(i/(points-1)), float64.

    Raises:
        InputError: the range is not a rising one, or has too few points to be read.
    """
    positive.check("find(low=...)", low)
    positive.check("find(high=...)", high)
    if high <= low:
        msg = refusal("find(high=...)", f"must be above low={low!r}", high)
        raise InputError(msg)
    if type(points) is not int or points < FEWEST:
        msg = refusal(
            "find(points=...)", f"must be an integer of at least {FEWEST}", points, "A curve needs points to read."
        )
        raise InputError(msg)
    return low * (high / low) ** (np.arange(points) / (points - 1))


def range_test(trainable: Trainable, rates: FloatArray) -> Curve:
    """Train once through the rates and put everything back: also after an exception, also on Ctrl-C.

    Raises:
        RunError: the state could not be put back exactly, or the loss is not finite at the first and lowest rate.
    """
    digest, before = trainable.digest(), trainable.snapshot()
    losses: list[float] = []
    lowest, average, weight = math.inf, 0.0, 0.0
    diverged = False
    try:
        for start in range(0, len(rates), _CHUNK):
            for loss in trainable.advance({"lr": rates[start : start + _CHUNK]})["loss"].tolist():
                losses.append(loss)
                average, weight = 0.9 * average + 0.1 * loss, 0.9 * weight + 0.1
                lowest = min(lowest, average / weight)
                diverged = not math.isfinite(loss) or (lowest > 0 and average / weight > STOP * lowest)
                if diverged:
                    break
            if diverged:
                break
    finally:
        trainable.restore(before)
        restored = trainable.digest() == digest
    if not restored:
        msg = "`find` must leave the task as it was, got another digest. Its snapshot() does not hold its whole state."
        raise RunError(msg)
    if not math.isfinite(losses[0]):
        msg = (
            f"`find` must start from a finite loss, got {losses[0]} at rate {rates[0]:g}. The model is broken already."
        )
        raise RunError(msg)
    return Curve(rates[: len(losses)], np.array(losses), restored, diverged)
