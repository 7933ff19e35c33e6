"""How many digits a number gets: one rule for the table, the verdict, the figures and the page.

An accuracy (larger is better, no value above 1) has 4 decimals; anything else as many as give its largest value 4
significant digits. Up to two more are added where a spread would otherwise read as nothing, or the smallest mean have
fewer than 3 digits. Where all numbers are below 1e-4, or one is 1e6 or more, they are written with a power of ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import frozen

from lrdecay.sweep.study import Study

__all__ = ["UNKNOWN", "Digits", "digits_of", "rate", "spread"]

UNKNOWN = "–"
"""Stands where there is no number."""


@frozen
class Digits:
    """Writes scores of one metric."""

    decimals: int | None  # None: four significant digits and a power of ten

    def __call__(self, value: float | None) -> str:
        """The number, never "-0.0000"; a dash where there is none."""
        if value is None or not math.isfinite(value):
            return UNKNOWN
        if self.decimals is None:
            return f"{value:.3e}"
        return f"{round(value, self.decimals) + 0.0:.{self.decimals}f}"

    def signed(self, value: float | None) -> str:
        """The same with its sign: a difference."""
        text = self(value)
        return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def digits_of(study: Study) -> Digits:
    """The digits that all scores of a study are written with."""
    rows = [row for table in (study.main, study.shared) if table is not None for row in table.rows]
    values = [abs(v) for row in rows for v in row.values if math.isfinite(v)]
    largest = max(values, default=1.0)
    if largest and not 1e-4 <= largest < 1e6:
        return Digits(None)
    small = [s for s in (spread(row.values) for row in rows) if s]
    wanted = [-math.floor(math.log10(s)) for s in small]
    if study.goal == "max" and largest <= 1:
        decimals = 4
    else:
        decimals = max(0, 3 - math.floor(math.log10(largest))) if largest else 4
        wanted += [2 - math.floor(math.log10(abs(row.mean))) for row in rows if row.mean and math.isfinite(row.mean)]
    return Digits(min(max([decimals, *wanted]), decimals + 2))


def spread(values: Iterable[float]) -> float | None:
    """Standard deviation over seeds, n - 1 in the denominator; None where a seed diverged or stands alone."""
    sample = list(values)
    if len(sample) < 2 or not all(map(math.isfinite, sample)):
        return None
    mean = math.fsum(sample) / len(sample)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in sample) / (len(sample) - 1))


def rate(value: float) -> str:
    """A learning rate, with up to 4 significant digits."""
    return f"{value:.4g}"
