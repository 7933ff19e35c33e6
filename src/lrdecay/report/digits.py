"""How many digits a number gets: one rule for the table, the verdict, the figures and the page.

An accuracy (larger is better, all values in [0, 1]) has 4 decimals; anything else as many as give its largest value 4
significant digits. Where a spread would then read as nothing, up to two more are added. Numbers below 1e-4 or from 1e6
on are written with a power of ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import frozen

from lrdecay.sweep.study import Study, Table

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
    tables = [study.main, *([] if study.shared is None else [study.shared])]
    values = [v for t in tables for row in t.rows for v in row.values if math.isfinite(v)]
    spreads = [s for t in tables for s in _spreads(t) if s > 0]
    largest = max(map(abs, values), default=1.0)
    if largest > 0 and not 1e-4 <= largest < 1e6:
        return Digits(None)
    share = study.goal == "max" and all(0 <= v <= 1 for v in values)
    decimals = 4 if share or not largest else max(0, 3 - math.floor(math.log10(largest)))
    wanted = max((-math.floor(math.log10(s)) for s in spreads), default=0)
    return Digits(min(max(decimals, wanted), decimals + 2))


def spread(values: Iterable[float]) -> float | None:
    """Standard deviation over seeds, n - 1 in the denominator; None where a seed diverged or stands alone."""
    sample = list(values)
    if len(sample) < 2 or not all(map(math.isfinite, sample)):
        return None
    mean = math.fsum(sample) / len(sample)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in sample) / (len(sample) - 1))


def _spreads(table: Table) -> list[float]:
    return [s for s in (spread(row.values) for row in table.rows) if s is not None]


def rate(value: float) -> str:
    """A learning rate, with up to 4 significant digits."""
    return f"{value:.4g}"
