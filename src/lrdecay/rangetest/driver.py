"""Making the curve: training under a rising rate, and putting everything back, whatever happens.

The rate of point i of n is low·(high/low)^(i/(n-1)), evenly spaced in log rate; or, on a linear ramp,
low + (high - low)·i/(n-1), as in Smith 2015 (arXiv:1506.01186). One point is one update. The test ends early when the
loss has clearly diverged: not finite, or its debiased moving average (β = 0.9) above `STOP` times the lowest that
average has been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, RunError, one_of, positive, refusal
from lrdecay.rangetest.critical import AlongUpdate, Critical, critical_rate
from lrdecay.rangetest.transaction import Restorable, transaction
from lrdecay.runs.trainable import FloatArray

__all__ = [
    "FEWEST",
    "FIRST_SEED",
    "RAMPS",
    "STOP",
    "Curve",
    "Rising",
    "checked",
    "one_curve",
    "range_test",
    "rising_rates",
]

STOP = 4.0
"""Divergence: the moving average of the loss above this multiple of its minimum."""

FEWEST = 10
"""A curve needs this many points to be read."""

FIRST_SEED = 20_000
"""Range tests use seeds from here on, apart from pilots and scores."""

RAMPS = ("exponential", "linear")
"""How the rate may rise."""

_CHUNK = 5  # updates between two looks at the loss

S = TypeVar("S")


@frozen(eq=False)
class Curve:
    """A range test's raw result."""

    rates: FloatArray  # shape (points,)
    losses: FloatArray  # training loss of each update, before it; the last may be inf or nan
    restored: bool  # whether the digest afterwards equals the digest before
    diverged: bool  # whether it ended early
    critical: Critical | None = None  # of the first update; None: the trainable cannot look along it
    heldout: FloatArray | None = None  # loss on held-out data before each update, nan between; shape (points,)


class Rising(Restorable[S], Protocol[S]):
    """What a rising rate needs of a trainable."""

    def advance(self, values: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        """One update per row of ``values["lr"]``; gives the ``loss`` of each, before it."""

    def evaluate(self, on: str = "heldout") -> Mapping[str, float]:
        """``loss`` on held-out data. Changes nothing."""


def rising_rates(low: float, high: float, points: int, ramp: str = "exponential") -> FloatArray:
    """The rates of a curve, float64, shape (points,); the module has the equations.

    Raises:
        InputError: the range is not a rising one, or has too few points to be read.
    """
    positive.check("find(low=...)", low)
    positive.check("find(high=...)", high)
    one_of(RAMPS).check("find(ramp=...)", ramp)
    if high <= low:
        msg = refusal("find(high=...)", f"must be above low={low!r}", high)
        raise InputError(msg)
    if type(points) is not int or points < FEWEST:
        msg = refusal(
            "find(points=...)", f"must be an integer of at least {FEWEST}", points, "A curve needs points to read."
        )
        raise InputError(msg)
    along = np.arange(points) / (points - 1)
    return low + (high - low) * along if ramp == "linear" else low * (high / low) ** along


def range_test(trainable: Rising[S], rates: FloatArray, *, heldout_every: int | None = None) -> Curve:
    """Train once through the rates and put everything back: also after an exception, also on Ctrl-C.

    Args:
        trainable: any `lrdecay.runs.trainable.Trainable`.
        rates: rising.
        heldout_every: points from one look at the held-out data to the next; None: no look.

    Raises:
        RunError: the state could not be put back exactly, or the loss is not finite at the first and lowest rate.
    """

    def work(before: S) -> Curve:
        return one_curve(trainable, rates, lambda: trainable.restore(before), heldout_every=heldout_every)

    return checked(transaction(trainable, work))


def one_curve(
    trainable: Rising[S],
    rates: FloatArray,
    back: Callable[[], object],
    *,
    heldout_every: int | None = None,
    chunk: int = _CHUNK,
) -> Curve:
    """The critical rate where it can be had, then training through the rates; for use in a transaction.

    Args:
        trainable: at the state to begin from; it is left changed.
        rates: rising.
        back: puts it back to that state.
        heldout_every: as in `range_test`.
        chunk: updates between two looks at the loss; those made after a divergence are thrown away.
    """
    critical = None
    if isinstance(trainable, AlongUpdate):
        loss = trainable.along_update()
        if loss is not None:
            critical = critical_rate(loss, math.sqrt(float(rates[0]) * float(rates[-1])))
        back()
    losses: list[float] = []
    heldout = np.full(len(rates), np.nan)
    lowest, average, weight = math.inf, 0.0, 0.0
    diverged = False
    stride = math.gcd(chunk, heldout_every or chunk)
    for start in range(0, len(rates), stride):
        if heldout_every is not None and start % heldout_every == 0:
            heldout[start] = trainable.evaluate("heldout")["loss"]
        for loss_now in trainable.advance({"lr": rates[start : start + stride]})["loss"].tolist():
            losses.append(loss_now)
            average, weight = 0.9 * average + 0.1 * loss_now, 0.9 * weight + 0.1
            lowest = min(lowest, average / weight)
            diverged = not math.isfinite(loss_now) or (lowest > 0 and average / weight > STOP * lowest)
            if diverged:
                break
        if diverged:
            break
    made = len(losses)
    seen = None if heldout_every is None else heldout[:made]
    return Curve(rates[:made], np.array(losses), restored=True, diverged=diverged, critical=critical, heldout=seen)


def checked(curve: Curve) -> Curve:
    """The curve, if its first loss is finite.

    Raises:
        RunError: it is not.
    """
    first = float(curve.losses[0])
    if not math.isfinite(first):
        msg = f"`find` must start from a finite loss, got {first} at rate {curve.rates[0]:g}."
        msg += " The model is broken already."
        raise RunError(msg)
    return curve
