"""Does SASA+'s interval cover at its level? AR(1) series of known mean 0, through the bucket of the rule itself.

Each replication pours a stationary AR(1) series with normal noise of sd 1 into `lrdecay.feedback.leaky` as the rule
does, leak 8 included, and asks after n values whether the nominal 95% interval on the mean holds 0. n = 8,100 is the
first test of `sasa` with its defaults (1,014 values kept), n = 40,000 a later one, with at most 2,000 replications. A
line gives the share that covers with its standard error, and the mean half-width in units of the true sd of such a
mean: 1.96 would be exact.

    python bench/sasa_coverage.py [replications]

`iid` is what statopt 0.2 does by default (its 'mb' is no mode its bucket knows), N^0.5 the batches of the paper.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

from lrdecay.feedback.leaky import EXPONENT, Bucket, empty, estimate, poured
from lrdecay.feedback.student import two_sided

WAYS = (("bm", EXPONENT), ("olbm", EXPONENT), ("bm", 0.5), ("olbm", 0.5), ("iid", 0.5))
PHIS = (0.0, 0.5, 0.9, 0.95, -0.5)
LEAK, BLOCK = 8, 100


def series(rng: np.random.Generator, phi: float, count: int, n: int) -> NDArray[np.float64]:
    """AR(1) from its stationary distribution; shape (count, n)."""
    found = rng.normal(size=(count, n))
    found[:, 0] /= math.sqrt(1 - phi**2)
    for i in range(1, n):
        found[:, i] += phi * found[:, i - 1]
    return found


def filled(values: NDArray[np.float64]) -> Bucket:
    """A bucket after these values."""
    bucket = empty()
    for value in values.tolist():
        bucket = poured(bucket, value, LEAK)
    return bucket


def true_sd(phi: float, n: int) -> float:
    """Of the mean of n values."""
    k = np.arange(1, n)
    return math.sqrt((1 + 2 * float(((1 - k / n) * phi**k).sum())) / (1 - phi**2) / n)


def measured(phi: float, n: int, replications: int) -> list[str]:
    """The lines of one autocorrelation and length."""
    rng = np.random.default_rng([round(100 * phi) % 1000, n])
    hits, widths, kept = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0), 0
    for done in range(0, replications, BLOCK):
        for x in series(rng, phi, min(BLOCK, replications - done), n):
            bucket = filled(x)
            for way in WAYS:
                found = estimate(bucket, *way)
                half = two_sided(0.05, found.dof) * found.error
                hits[way] += abs(found.mean) < half
                widths[way] += half
                kept = found.count
    lines = []
    for variance, exponent in WAYS:
        share = hits[variance, exponent] / replications
        width = widths[variance, exponent] / replications / true_sd(phi, kept)
        name = variance if variance == "iid" else f"{variance} N^{exponent:.2g}"
        error = math.sqrt(share * (1 - share) / replications)
        lines.append(f"| {phi:g} | {n} | {kept} | {replications} | {name} | {share:.4f} | {error:.4f} | {width:.2f} |")
    return lines


def main() -> None:
    """Print the table."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    print("| AR(1) | n | kept | replications | variance | covers | s.e. | half-width / true sd |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n, most in ((8100, replications), (40_000, min(replications, 2000))):
        for phi in PHIS:
            print("\n".join(measured(phi, n, most)), flush=True)


if __name__ == "__main__":
    main()
