"""Is the probability of being best right? Simulated studies whose truth is known.

Each study draws true effects of the schedules with a given sd (in units of the noise of one seed), an effect of each
seed with an sd of 3, and noise, and asks `probability_best`. A line gives, for one size of effects, the mean
probability of the row in front, how often it was the truly best row, and the difference: above 0 it was believed too
much. `flat` is the same without drawing the means together, the usual posterior t. The last column is of all rows: the
mean distance between probability and share of true ones over ten bins.

    python bench/probability_best.py [studies]

The first line of each block draws the sizes of effects as the prior has them: there the difference must be 0.
"""

from __future__ import annotations

import sys

import numpy as np

from lrdecay.stats import probability_best

NAMES = "abcdef"
SIZES = (None, 1e-6, 0.1, 0.3, 0.7, 2.0, 5.0)  # None: as the prior


def flat(scores: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """The posterior with each mean free: multivariate t, one noise for all rows."""
    m, n = scores.shape
    means = scores.mean(axis=1)
    residual = scores - means[:, None] - scores.mean(axis=0) + scores.mean()
    sd = np.sqrt((residual**2).sum() / rng.chisquare((m - 1) * (n - 1), draws) / n)
    best = (means + sd[:, None] * rng.normal(size=(draws, m))).argmax(axis=1)
    return np.bincount(best, minlength=m) / draws


def measured(m: int, n: int, size: float | None, studies: int) -> str:
    """One line of the table."""
    rng = np.random.default_rng(0)
    said, free, was = [], [], []
    for _ in range(studies):
        share = rng.beta(0.5, 1.0)
        effects = rng.normal(size=m) * (np.sqrt((1 - share) / share / n) if size is None else size)
        scores = effects[:, None] + 3.0 * rng.normal(size=n) + rng.normal(size=(m, n))
        found = probability_best(dict(zip(NAMES, scores.tolist(), strict=False)), higher_is_better=True, draws=1000)
        said.append(list(found.values()))
        free.append(flat(scores, rng, 1000))
        was.append(np.arange(m) == effects.argmax())
    table, truth = np.array(said), np.array(was)
    front = truth[np.arange(studies), table.argmax(axis=1)].mean()
    bins = np.minimum((table * 10).astype(int), 9)
    gap = sum(abs(table[bins == b].sum() - truth[bins == b].sum()) for b in range(10)) / table.size
    mean, plain = table.max(axis=1).mean(), np.array(free).max(axis=1).mean()
    name = "as prior" if size is None else f"{size:g}"
    return f"{m} {n} {name:>9}  {mean:.3f} {front:.3f} {mean - front:+.3f}   flat {plain - front:+.3f}   all {gap:.3f}"


def main() -> None:
    """Print the table."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("m n   effects   said  true  diff")
    for m in (2, 6):
        for n in (3, 5, 8):
            for size in SIZES:
                print(measured(m, n, size, studies), flush=True)


if __name__ == "__main__":
    main()
