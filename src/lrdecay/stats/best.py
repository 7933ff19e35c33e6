"""How probable it is that each schedule is the best one, given scores on the same seeds.

The score of schedule i on seed s is an effect of the schedule, an effect of the seed, and noise of one size:

    x_is = μ_i + b_s + e_is,     e_is ~ N(0, σ²),     μ_i ~ N(μ, τ²),     b_s, μ and log σ flat

What a seed does to all schedules drops out. With m schedules and n seeds, S_between = n Σ(x̄_i - x̄)², S_within the
residual sum of squares with ν = (m - 1)(n - 1), and B = (σ²/n) / (σ²/n + τ²) in (0, 1) with the density ½·B^(-1/2)
(Strawderman 1971, Ann. Math. Statist. 42, with a = 1/2), the posterior is

    p(B)     ∝ B^((m-2)/2) · (S_within + B·S_between)^(-(ν + m - 1)/2)
    σ² | B   ~ (S_within + B·S_between) / χ²(ν + m - 1)
    μ_i - μ  ~ N((1 - B)(x̄_i - x̄), (1 - B)·σ²/n)

from which independent draws are made; the probability of a schedule is its share of draws in which it is best.

**Why the means are drawn together.** Without that (τ = ∞, the posterior t of each mean) the one that happens to be in
front is believed too much: `bench/probability_best.py` measures by how much, for both. The probabilities are right over
studies whose effects are as the prior has them. For effects of one known size the front row is believed at most 0.06
too little (0.7 to 5 times the noise of a seed; 3, 5 or 8 seeds; 2 or 6 rows) and at most 0.11 too much (0.3 times).
Schedules that do not differ at all have no best one, and no probability that each is it can be right: the front one
then has some 0.2 too much, and 0.3 with each mean free. One noise for all schedules is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lrdecay.errors import InputError, at_least_one, non_negative, non_negative_int, positive_int, refusal
from lrdecay.stats.intervals import ROUNDING, FloatArray, quantisation_sd

__all__ = ["paired_scores", "probability_best"]

_GRID = 512  # cells of B


def paired_scores(rows: Mapping[str, Sequence[float | None]], call: str) -> dict[str, FloatArray]:
    """The rows with every score finite, as arrays; a row with None or a number that is not finite is left out.

    Args:
        rows: name -> scores, one per seed, the same seeds in the same order in each row.
        call: how the caller is called, for the message: ``probability_best(rows=...)``.

    Raises:
        InputError: there are no rows or no seeds, or rows differ in length.
    """
    at_least_one.check(call, rows)
    table = {name: np.asarray(scores, dtype=np.float64) for name, scores in rows.items()}  # None becomes NaN
    sizes = {name: len(scores) for name, scores in table.items()}
    if len(set(sizes.values())) != 1 or 0 in sizes.values():
        rule = "must have one score per seed, the same number in each row"
        msg = refusal(call, rule, sizes, "Give None where a run diverged.")
        raise InputError(msg)
    return {name: scores for name, scores in table.items() if np.isfinite(scores).all()}


def probability_best(
    rows: Mapping[str, Sequence[float | None]],
    *,
    higher_is_better: bool,
    resolution: float = 0.0,
    draws: int = 20_000,
    seed: int = 0,
) -> dict[str, float] | None:
    """The probability that each row has the best true mean; they sum to 1.

    A row with a score that is None or not finite (a diverged run) is never the best: 0.

    Args:
        rows: name -> scores, one per seed, the same seeds in the same order in each row.
        higher_is_better: True for an accuracy, False for a loss.
        resolution: smallest step of the metric, >= 0; the sd of a difference is at least resolution/√12.
        draws: independent draws from the posterior; 20 000 put the standard error at 0.0035 or less.
        seed: of those draws; the same arguments give the same answer.

    Returns:
        name -> probability; None where the spread is unknown (one seed, or scores that never vary) or no row finished.

    Raises:
        InputError: there are no rows or no seeds, rows differ in length, or an argument is out of range.

    >>> loss = {"constant": [0.50, 0.61, 0.55], "cosine": [0.40, 0.50, 0.46], "step": [0.41, 0.52, 0.44]}
    >>> {name: round(p, 1) for name, p in probability_best(loss, higher_is_better=False).items()}
    {'constant': 0.0, 'cosine': 0.6, 'step': 0.4}
    """
    non_negative.check("probability_best(resolution=...)", resolution)
    positive_int.check("probability_best(draws=...)", draws)
    non_negative_int.check("probability_best(seed=...)", seed)
    known = paired_scores(rows, "probability_best(rows=...)")
    if len(known) < 2:
        return {name: float(name in known) for name in rows} if known else None
    names = sorted(known)  # so that the order of rows does not matter
    scores = np.array([known[name] for name in names])
    m, n = scores.shape
    unit = max(float(np.abs(scores).max()), resolution) or 1.0
    scores = scores / unit * (1.0 if higher_is_better else -1.0)  # squares neither overflow nor vanish
    means = scores.mean(axis=1)
    means -= means.mean()
    freedom = (m - 1) * (n - 1)
    residual = scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
    least = (quantisation_sd(resolution) / unit) ** 2 / 2  # half of a difference's: a difference has two residuals
    within = max(float((residual**2).sum()), freedom * least)
    if n == 1 or within <= freedom * ROUNDING**2:
        return None
    best = _draw(means, n, within, freedom, draws, np.random.default_rng(seed)).argmax(axis=1)
    shares = np.bincount(best, minlength=m) / draws
    found = dict(zip(names, shares.tolist(), strict=True))
    return {name: found.get(name, 0.0) for name in rows}


def _draw(means: FloatArray, n: int, within: float, freedom: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """Draws of μ_i - μ, shape (draws, m), higher being better."""
    m = len(means)
    between = n * float((means**2).sum())
    cells = (np.arange(_GRID) + 0.5) / _GRID
    total = freedom + m - 1
    log_density = 0.5 * (m - 2) * np.log(cells) - 0.5 * total * np.log(within + cells * between)
    weights = np.exp(log_density - log_density.max())
    shrinkage = (rng.choice(_GRID, draws, p=weights / weights.sum()) + rng.uniform(size=draws)) / _GRID
    variance = (within + shrinkage * between) / rng.chisquare(total, draws)
    spread = np.sqrt((1.0 - shrinkage) * variance / n)
    drawn: FloatArray = (1.0 - shrinkage)[:, None] * means + spread[:, None] * rng.normal(size=(draws, m))
    return drawn
