"""Which schedule is best, said only as far as the seeds allow: paired comparison by seed.

Every schedule is run on the same seeds, so what a seed does to all of them cancels in the differences d_i = a_i - b_i:

    t = mean(d) · √n / sd(d),   two-sided p from Student's t with n - 1 degrees of freedom        (Student 1908)

and the p values of "this one against the best", m - 1 of them, are adjusted together (Holm 1979, Scand. J. Statist. 6).

A winner is named only if *every* other schedule differs from the best at the adjusted level. The best was picked by
looking at the same scores, so the adjusted p of a far row, read alone, is a little too small. The winner is safe from
that: its nearest rival must be beaten too, and between two equals that happens in 1 - level of all studies, whichever
came out ahead. The tests measure the rate of false winners.

**An sd of 0 never makes a winner.** Equal differences (an accuracy that moved by the same count on both seeds) would
make t infinite. The spread of a value known to a step of `resolution` cannot be measured below resolution/√12, so that
is the least sd used. If nothing above float rounding is left even then, the spread is unknown: sd inf, interval
(-inf, inf), p = 1; the same as for one seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen
from scipy.special import stdtr

from lrdecay.errors import Constraint, InputError, at_least_one, non_negative, refusal
from lrdecay.stats.intervals import (
    ROUNDING,
    Interval,
    Numbers,
    finite_sample,
    fraction,
    moments,
    quantisation_sd,
    t_quantile,
)
from lrdecay.stats.power import detectable

__all__ = ["Difference", "Ranking", "Standing", "compare_to_best", "holm", "paired_difference"]


_probability = Constraint("must be in [0, 1]", lambda v: 0 <= v <= 1, "A p value is a probability.")


@frozen
class Difference:
    """The mean difference a - b of two rows of scores on the same seeds, and how sure it is."""

    mean: float  # in the metric's unit
    interval: Interval  # on the mean; not adjusted for other comparisons; (-inf, inf) if the spread is unknown
    p_value: float  # two-sided, of no difference; in [0, 1], 1 if the spread is unknown
    sd: float  # of the n differences, at least resolution/√12; inf if unknown
    n: int  # seeds


@frozen
class Standing:
    """One row of a `Ranking`. The best row has no difference; a diverged row has no mean and no difference."""

    name: str
    mean: float | None  # None: a score was missing or not finite
    difference: Difference | None  # this row minus the best
    p_adjusted: float | None  # the difference's p value after Holm's correction over all rows compared

    @property
    def diverged(self) -> bool:
        """Whether a score of this row was missing or not finite."""
        return self.mean is None


@frozen
class Ranking:
    """Rows ordered by mean score, each compared to the best one."""

    standings: tuple[Standing, ...]  # best first; equal means by name; diverged rows last, by name
    best: str | None  # best mean; None if every row diverged
    winner: str | None  # the best, only if every other row that did not diverge differs from it (and there is one)
    detectable: float  # difference one comparison finds with 80% power; inf if that cannot be said
    n: int  # seeds
    level: float
    higher_is_better: bool

    def __getitem__(self, name: str) -> Standing:
        """The standing of a row; KeyError if there is none of that name."""
        return {standing.name: standing for standing in self.standings}[name]


def paired_difference(a: Numbers, b: Numbers, level: float = 0.95, *, resolution: float = 0.0) -> Difference:
    """Mean of a - b with its t interval and the two-sided paired t test of no difference.

    Args:
        a: scores, shape (n,), finite.
        b: scores on the same seeds in the same order, shape (n,).
        level: coverage of the interval, in (0, 1).
        resolution: smallest step of the metric, >= 0, in its unit (1/1000 for an accuracy on 1000 samples); the least
            sd used is resolution/√12.

    Raises:
        InputError: if lengths differ, a score or difference is not finite, or the level or resolution is out of range.

    >>> round(paired_difference([0.91, 0.93], [0.90, 0.92], resolution=0.01).p_value, 2)
    0.13
    >>> paired_difference([0.91, 0.93], [0.90, 0.92]).p_value
    1.0
    """
    fraction.check("paired_difference(level=...)", level)
    non_negative.check("paired_difference(resolution=...)", resolution)
    left, right = finite_sample(a, "paired_difference(a=...)"), finite_sample(b, "paired_difference(b=...)")
    if left.size != right.size:
        sizes = (left.size, right.size)
        msg = refusal("paired_difference(a=..., b=...)", "must have one score per seed in both", sizes, "Use one set.")
        raise InputError(msg)
    with np.errstate(over="ignore"):  # an overflow gives inf, which the next line refuses
        differences = finite_sample(left - right, "paired_difference(a - b)")
    n = differences.size
    centre, measured = moments(differences)
    sd = max(measured, quantisation_sd(resolution))
    if n == 1 or sd <= ROUNDING * float(max(np.abs(left).max(), np.abs(right).max())):
        return Difference(centre, Interval(-math.inf, math.inf, level), 1.0, math.inf, n)
    half = t_quantile(n, level) * (sd / math.sqrt(n))
    p_value = 2.0 * float(stdtr(n - 1, -abs(centre / sd * math.sqrt(n))))
    return Difference(centre, Interval(centre - half, centre + half, level), p_value, sd, n)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment: each p made comparable to one level for the whole family, in the given order.

    With p sorted ascending, adjusted_(i) = max over j <= i of min(1, (k - j + 1) · p_(j)), j counted from 1. Rejecting
    what is <= α keeps the chance of any false rejection at or below α, whatever the dependence (Holm 1979).

    Raises:
        InputError: if a p value is not in [0, 1].

    >>> holm([0.5, 0.125, 0.25])
    (0.5, 0.375, 0.5)
    """
    p_values = tuple(map(float, p_values))
    for p in p_values:
        _probability.check("holm(p_values=...)", p)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def compare_to_best(
    rows: Mapping[str, Sequence[float | None]],
    *,
    higher_is_better: bool,
    level: float = 0.95,
    resolution: float = 0.0,
) -> Ranking:
    """Order the rows by mean score and compare each to the best by seed.

    A row with a score that is None or not finite (a diverged run) is ranked last, is never the best, and is compared to
    nothing. A winner needs a comparison: where all rows but one diverged there is a best and no winner.

    The `detectable` of the answer is at Holm's first step, level 1 - α/(rows compared), for the root mean square of the
    differences' known sd: what the hardest test to pass would find in 80% of studies.

    Args:
        rows: name -> scores, one per seed, the same seeds in the same order in each row.
        higher_is_better: True for an accuracy, False for a loss.
        level: 1 - the chance of a false winner, in (0, 1).
        resolution: smallest step of the metric, >= 0; see `paired_difference`.

    Raises:
        InputError: if there are no rows or no seeds, rows differ in length, or the level or resolution is out of range.

    >>> loss = {"constant": [0.50, 0.61, 0.55], "cosine": [0.40, 0.50, 0.46], "step": [0.90, 0.98, 0.97]}
    >>> compare_to_best(loss, higher_is_better=False).winner
    'cosine'
    """
    at_least_one.check("compare_to_best(rows=...)", rows)
    fraction.check("compare_to_best(level=...)", level)
    non_negative.check("compare_to_best(resolution=...)", resolution)
    table = {name: np.asarray(scores, dtype=np.float64) for name, scores in rows.items()}  # None becomes NaN
    sizes = {name: len(scores) for name, scores in table.items()}
    n = max(sizes.values())
    if n == 0 or len(set(sizes.values())) != 1:
        rule = "must have one score per seed, the same number in each row"
        msg = refusal("compare_to_best(rows=...)", rule, sizes, "Give None where a run diverged.")
        raise InputError(msg)
    known = {name: scores for name, scores in table.items() if np.isfinite(scores).all()}
    means = {name: moments(scores)[0] for name, scores in known.items()}
    order = sorted(known, key=lambda name: (-means[name] if higher_is_better else means[name], name))
    lost = tuple(Standing(name, None, None, None) for name in sorted(rows.keys() - known.keys()))
    if not order:
        return Ranking(lost, None, None, math.inf, n, level, higher_is_better)

    best, others = order[0], order[1:]
    differences = [paired_difference(known[name], known[best], level, resolution=resolution) for name in others]
    adjusted = holm([difference.p_value for difference in differences])
    found = bool(others) and all(p <= 1.0 - level for p in adjusted)  # one seed: every p is 1
    spreads = [difference.sd for difference in differences if math.isfinite(difference.sd)]
    pooled = math.hypot(*spreads) / math.sqrt(len(spreads)) if spreads else math.inf
    smallest = detectable(pooled, n, level=1.0 - (1.0 - level) / max(1, len(others)))
    standings = (
        Standing(best, means[best], None, None),
        *(Standing(*row) for row in zip(others, map(means.__getitem__, others), differences, adjusted, strict=True)),
        *lost,
    )
    return Ranking(standings, best, best if found else None, smallest, n, level, higher_is_better)
