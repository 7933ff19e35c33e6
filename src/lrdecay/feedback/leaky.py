"""A leaky bucket: the latest share of a series, in a state of bounded size, and the error of its mean.

It holds the last N >= ⌈n / leak⌉ of n values as the means of *cells* of c values each. A full cell list is merged in
pairs and c doubles, so there are at most `CELLS` numbers, about 11 kB of JSON, however long the series; what leaks,
leaks by the cell, so N is less than c too large. Up to `CELLS` values kept, c = 1 and nothing is lost.

The error of a mean of correlated values, from batches of b ≈ N^exponent values, made of whole cells:

    bm     σ² = b / (a - 1) · Σ (Ȳ_j - Ȳ)²                a = ⌊N / b⌋ batches side by side,   a - 1 degrees of freedom
    olbm   σ² = N b / ((N - b) M) · Σ (Ȳ_j - Ȳ)²          M overlapping batches,        1.5 (N / b - 1) of them
    iid    as bm with one cell a batch                    wrong for correlated values; for comparison

and the standard error is σ / √N (Meketon & Schmeiser 1984, Overlapping batch means, which has the 1.5; Flegal & Jones
2010, arXiv:0811.1729). SASA takes b = √N (Lang, Zhang, Xiao 2019, arXiv:1909.09785; recalled). Here b = N^(2/3): of
1,000 values with autocorrelation .95, √N makes batches shorter than the values' memory, and a nominal 95% interval then
covers in 84%, with N^(2/3) in 92%, for an interval 9% wider where nothing is correlated (`bench/sasa_coverage.py`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["CELLS", "EXPONENT", "VARIANCES", "Estimate", "empty", "estimate", "held", "poured", "usable"]

CELLS = 512
"""The most cells that are kept; an even number."""

VARIANCES = ("bm", "olbm", "iid")
"""How the error of the mean is worked out."""

EXPONENT = 2 / 3
"""A batch is of about N to this power."""

_LARGEST = 1e100  # a run that shows more than this has diverged, and squares of it would overflow

Bucket = dict[str, Any]


@frozen
class Estimate:
    """The mean of what a bucket holds, and its error.

    Attributes:
        mean: of all N values.
        older: mean of the older half, to within a cell.
        newer: mean of the newer half.
        error: standard error of the mean.
        dof: degrees of freedom of the error, >= 1.
        count: N.
        batch: b, values in a batch.
    """

    mean: float
    older: float
    newer: float
    error: float
    dof: int
    count: int
    batch: int


def empty() -> Bucket:
    """A bucket without values, as JSON."""
    return {"poured": 0, "size": 1, "cells": [], "open": [0.0, 0]}


def usable(value: float) -> bool:
    """Whether a value can be poured: finite, and no larger than 1e100."""
    return math.isfinite(value) and abs(value) <= _LARGEST


def poured(bucket: Bucket, value: float, leak: int) -> Bucket:
    """The bucket after one more value, of which it keeps the last 1/leak; the one given is not changed."""
    n, size, cells = bucket["poured"] + 1, bucket["size"], bucket["cells"]
    total, count = bucket["open"][0] + value, bucket["open"][1] + 1
    if count == size:
        cells, total, count = [*cells, total / size], 0.0, 0
        if len(cells) == CELLS:
            cells, size = [0.5 * (a + b) for a, b in zip(cells[::2], cells[1::2], strict=True)], 2 * size
    needed = -(-n // leak)
    gone = min(len(cells), max(0, (len(cells) * size + count - needed) // size))
    return {"poured": n, "size": size, "cells": cells[gone:] if gone else cells, "open": [total, count]}


def held(bucket: Bucket) -> int:
    """N, how many values it holds."""
    return int(len(bucket["cells"]) * bucket["size"] + bucket["open"][1])


def estimate(bucket: Bucket, variance: str = "bm", exponent: float = EXPONENT) -> Estimate:
    """The mean and its error, from batches of N^exponent values; the bucket must hold at least 4 cells."""
    cells, size = np.asarray(bucket["cells"], dtype=np.float64), int(bucket["size"])
    n, m = held(bucket), len(cells)
    rest, count = bucket["open"]
    half = m // 2
    older, newer = float(cells[:half].mean()), float((cells[half:].sum() * size + rest) / ((m - half) * size + count))
    mean = float((cells.sum() * size + rest) / n)
    if variance == "iid":
        size_of_batch, dof = size, m - 1
        spread = size * float(cells.var(ddof=1))
    else:
        in_batch = max(1, min(m // 2, round(n**exponent / size)))  # cells
        size_of_batch = in_batch * size
        spread, dof = (_side_by_side if variance == "bm" else _overlapping)(cells, in_batch)
        spread *= size_of_batch
    return Estimate(mean, older, newer, math.sqrt(spread / n), max(1, dof), n, size_of_batch)


def _side_by_side(cells: NDArray[np.float64], g: int) -> tuple[float, int]:
    """Variance of batch means of g cells each, the latest ones, and its degrees of freedom."""
    batches = len(cells) // g
    means = cells[len(cells) - batches * g :].reshape(batches, g).mean(axis=1)
    return float(means.var(ddof=1)), batches - 1


def _overlapping(cells: NDArray[np.float64], g: int) -> tuple[float, int]:
    """Variance of overlapping batch means, one starting at each cell, made unbiased for independent cells."""
    sums = np.concatenate([[0.0], np.cumsum(cells - cells.mean())])
    means = (sums[g:] - sums[:-g]) / g
    m = len(cells)
    return float((means**2).mean()) * m / (m - g), int(1.5 * (m / g - 1))
