"""The units in which a law's parameters are of order one: the peak rate, a span of updates, a level of the loss.

A fit belongs to one task, batch size, optimizer and peak: `Units` of several curves insists on one peak.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from lrdecay.errors import InputError, refusal
from lrdecay.losslaws.curve import Curve, FloatArray
from lrdecay.losslaws.exposure import BLOCKS, Exposure, exposure

__all__ = ["Units", "units_of"]

_SAME = 0.02  # relative; by how much peaks may differ that are one


@frozen
class Units:
    """What is one.

    Attributes:
        peak: rate.
        span: updates.
        level: loss.
    """

    peak: float
    span: float
    level: float

    def exposure(self, rates: FloatArray, steps: ArrayLike, warmup: int, blocks: int = BLOCKS) -> Exposure:
        """`lrdecay.losslaws.exposure.exposure` in these units."""
        return exposure(rates, steps, warmup=warmup, peak=self.peak, span=self.span, blocks=blocks)


def units_of(curves: Sequence[Curve]) -> Units:
    """The highest rate, the longest run's area at it, and the lowest loss.

    Raises:
        InputError: the curves have different peaks.
    """
    peaks = np.array([c.peak for c in curves])
    if peaks.max() > peaks.min() * (1 + _SAME):
        rule = "must be runs of one peak rate, for a law's numbers belong to one"
        cure = "Forecast each peak from its own runs."
        raise InputError(refusal("forecast(logs=...)", rule, {c.name: c.peak for c in curves}, cure))
    peak = float(peaks.max())
    span = max(float(c.rates[: c.last].sum()) for c in curves) / peak
    return Units(peak, span, min(float(c.losses[-3:].mean()) for c in curves))
