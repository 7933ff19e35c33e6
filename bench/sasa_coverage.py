"""Does SASA+'s interval cover at its level? AR(1) series of known mean 0, in the bucket of the rule itself.

Each replication is a stationary AR(1) series with normal noise of sd 1, in the cells that `lrdecay.feedback.leaky`
makes of it with leak 8 (which value stands in which cell hangs on n alone; the first replication is poured value by
value and must give the same). Asked is whether the nominal 95% interval on the mean holds 0. n = 8,100 is the first
test of `sasa` with its defaults, 1,014 values kept; the others are later ones. A line gives the share that covers with
its standard error, and the mean half-width in units of the true sd of such a mean: 1.96 would be exact.

    python bench/sasa_coverage.py [replications]

`iid` is near what statopt 0.2 does by default, whose 'mb' is no mode its bucket knows: it takes single values for
independent, which covers less than our cells of 2 and more. N^0.5 are the batches of the paper.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

from lrdecay.feedback.leaky import EXPONENT, Bucket, empty, estimate, held, poured
from lrdecay.feedback.student import two_sided

WAYS = (("bm", EXPONENT), ("olbm", EXPONENT), ("bm", 0.5), ("olbm", 0.5), ("iid", 0.5))
PHIS = (0.0, 0.5, 0.9, 0.95, -0.5)
LENGTHS = (8100, 16_000, 80_000)
LEAK, BLOCK = 8, 500


def series(rng: np.random.Generator, phi: float, count: int, n: int) -> NDArray[np.float64]:
    """AR(1) from its stationary distribution; shape (n, count)."""
    found = rng.normal(size=(n, count))
    found[0] /= math.sqrt(1 - phi**2)
    for i in range(1, n):
        found[i] += phi * found[i - 1]
    return found


def filled(values: NDArray[np.float64]) -> Bucket:
    """A bucket after these values, poured one by one."""
    bucket = empty()
    for value in values.tolist():
        bucket = poured(bucket, value, LEAK)
    return bucket


def in_cells(like: Bucket, kept: NDArray[np.float64]) -> Bucket:
    """The bucket of the same shape with these values, the last that it holds."""
    size, cells = like["size"], len(like["cells"])
    means = kept[: cells * size].reshape(cells, size).mean(axis=1)
    rest = kept[cells * size :]
    return {**like, "cells": means.tolist(), "open": [float(rest.sum()), len(rest)]}


def true_sd(phi: float, n: int) -> float:
    """Of the mean of n values."""
    k = np.arange(1, n)
    return math.sqrt((1 + 2 * float(((1 - k / n) * phi**k).sum())) / (1 - phi**2) / n)


def measured(phi: float, n: int, replications: int) -> list[str]:
    """The lines of one autocorrelation and length."""
    rng = np.random.default_rng([round(100 * phi) % 1000, n])
    whole = series(rng, phi, 1, n)[:, 0]
    like = filled(whole)
    kept = held(like)
    again = in_cells(like, whole[n - kept :])
    if not np.allclose(again["cells"], like["cells"], rtol=0, atol=1e-12) or again["open"][1] != like["open"][1]:
        msg = "a bucket filled at once is not the one filled value by value"
        raise AssertionError(msg)
    hits, widths = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0)
    for done in range(0, replications, BLOCK):
        for x in series(rng, phi, min(BLOCK, replications - done), kept).T:
            bucket = in_cells(like, np.ascontiguousarray(x))
            for way in WAYS:
                found = estimate(bucket, *way)
                half = two_sided(0.05, found.dof) * found.error
                hits[way] += abs(found.mean) < half
                widths[way] += half
    lines = []
    for variance, exponent in WAYS:
        share = hits[variance, exponent] / replications
        width = widths[variance, exponent] / replications / true_sd(phi, kept)
        name = variance if variance == "iid" else f"{variance} N^{exponent:.2g}"
        error = math.sqrt(share * (1 - share) / replications)
        lines.append(f"| {phi:g} | {n} | {kept} | {name} | {share:.4f} | {error:.4f} | {width:.2f} |")
    return lines


def main() -> None:
    """Print the table."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{replications} replications\n")
    print("| AR(1) | n | kept | variance | covers | s.e. | half-width / true sd |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for n in LENGTHS:
        for phi in PHIS:
            print("\n".join(measured(phi, n, replications)), flush=True)


if __name__ == "__main__":
    main()
