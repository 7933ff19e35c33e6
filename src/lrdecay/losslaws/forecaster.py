"""What a schedule would end at, and how sure that is.

A prediction is the fit's. Its interval has two parts: near-equal fits differ (`lrdecay.losslaws.ensemble`), and the law
itself is off: on whole curves held out, or on those it was fitted to, and at least by `MISSES`. With the sd of the
members' predictions and the miss m (`Forecaster.miss`),

    final loss ± 0.75 * 1.645 sqrt(sd² + (m loss)²)            90%

Over public runs of three models 9 errors in 10 are below .57, .61 and .80 of the half-width; it is no narrower, for on
a fourth model, on which nothing was set, it holds two thirds to all of the finals (`bench.forecast_public`).

For the *difference* of two schedules the members' differences are taken, in which most of what they disagree about is
the same on both sides and goes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.losslaws.choosing import Candidate, Choice, choose
from lrdecay.losslaws.curve import Curve, FloatArray, IntArray
from lrdecay.losslaws.ensemble import members
from lrdecay.losslaws.noise import MISSES

__all__ = ["Difference", "Forecaster", "Prediction", "check_peak", "forecaster"]

Z = 1.6449
"""Of 90%."""

CALIBRATED = 0.75
"""Of a final loss's half-width, so that nine public finals in ten and some more lie inside."""

FURTHER = 2.0
"""Times the error at held-out ends, for what is asked lies further out than they do. Ends of language models' curves
are off by so little that it does not matter; on small tasks that follow no law well it does
(`bench.averaged_forecast`)."""

_ABOVE = 1.02  # of the peak: what is above is another peak
_LONGER = 1.02  # of the longest log: what is longer is extrapolated


@frozen(eq=False)
class Prediction:
    """Where a schedule ends.

    Attributes:
        loss: at the last step.
        low: of the 90% interval.
        high: of it.
        extrapolated: whether it is longer, or decays more, than any log.
        members: what each near-equal fit says, shape (count,).
    """

    loss: float
    low: float
    high: float
    extrapolated: bool
    members: FloatArray = field(repr=False)


@frozen
class Difference:
    """One schedule's final loss minus another's.

    Attributes:
        value: in units of the loss; below zero the first is better.
        low: of the 90% interval.
        high: of it.
    """

    value: float
    low: float
    high: float


@frozen(eq=False)
class Forecaster:
    """A chosen law, its near-equal fits, and the logs they are of.

    Attributes:
        curves: that were fitted.
        choice: of the law.
        thetas: of near-equal fits, shape (count, P).
    """

    curves: tuple[Curve, ...]
    choice: Choice = field(repr=False)
    thetas: FloatArray = field(repr=False)

    @property
    def law(self) -> Candidate:
        """The chosen law."""
        return self.choice.chosen

    @property
    def miss(self) -> float:
        """What the law is off by itself, as a share of the loss.

        The most of: what choosing it was off on whole curves held out (`Choice.elsewhere`); `FURTHER` times what it was
        off on the ends of curves; the noise of the curves that it was fitted to; and `MISSES`.
        """
        off = self.choice.elsewhere
        ahead = FURTHER * self.law.ahead
        return float(max(MISSES, off if np.isfinite(off) else 0.0, ahead, self.law.fit.noise.sd.max()))

    @property
    def longest(self) -> int:
        """Updates of the longest log."""
        return max(c.last for c in self.curves)

    @property
    def peak(self) -> float:
        """Of the logs."""
        return self.law.fit.units.peak

    def predict(self, rates: FloatArray, warmup: int = 0) -> Prediction:
        """Where a schedule ends.

        Args:
            rates: of every update, shape (T,).
            warmup: updates of it that warm up.

        Raises:
            InputError: its peak is above the logs'.
        """
        self._check(rates)
        both = self._losses(rates, warmup)
        loss, own = float(both[0]), both[1:]
        half = CALIBRATED * Z * float(np.hypot(own.std(ddof=1), self.miss * loss))
        return Prediction(loss, loss - half, loss + half, self.extrapolates(rates, warmup), own)

    def curve(self, rates: FloatArray, steps: Sequence[int] | FloatArray | IntArray, warmup: int = 0) -> FloatArray:
        """The predicted loss at some steps, shape (n,)."""
        self._check(rates)
        return self.law.fit.at(rates, steps, warmup)

    def difference(self, first: Prediction, second: Prediction) -> Difference:
        """Of two predictions: the first minus the second."""
        value = first.loss - second.loss
        spread = float((first.members - second.members).std(ddof=1))
        half = Z * float(np.hypot(spread, self.miss * second.loss)) if first is not second else 0.0
        return Difference(value, value - half, value + half)

    def extrapolates(self, rates: FloatArray, warmup: int = 0) -> bool:
        """Whether a schedule is longer than every log, or decays by more than any did."""
        deepest = min(float(c.rates[c.warmup : c.last].min()) for c in self.curves) / self.peak
        own = float(rates[warmup:].min(initial=self.peak)) / self.peak
        return len(rates) > _LONGER * self.longest or own < deepest - 0.1

    def _losses(self, rates: FloatArray, warmup: int) -> FloatArray:
        fit = self.law.fit
        seen = fit.units.exposure(rates, [len(rates)], warmup)
        every = [fit.theta, *self.thetas]
        return np.array([fit.units.level * fit.law.loss(theta, seen)[0] for theta in every])

    def _check(self, rates: FloatArray) -> None:
        check_peak(rates, self.peak)


def check_peak(rates: FloatArray, peak: float) -> None:
    """Refuse a schedule that rises above the logs' peak.

    Raises:
        InputError: it does.
    """
    if rates.max() > _ABOVE * peak:
        rule = f"must not rise above the logs' peak, {peak:g}, which is all that they say anything of"
        raise InputError(refusal("forecast(predict=...)", rule, float(rates.max())))


def forecaster(curves: Sequence[Curve], law: str = "auto", seed: int = 0) -> Forecaster:
    """Fit, choose, and find near-equal fits.

    Args:
        curves: of one task, batch size, optimizer and peak.
        law: a name, or "auto".
        seed: of the near-equal fits.

    Raises:
        InputError: the curves are of different peaks, or there is no such law.
    """
    choice = choose(curves, law)
    return Forecaster(tuple(curves), choice, members(choice.chosen.fit, seed=seed))
