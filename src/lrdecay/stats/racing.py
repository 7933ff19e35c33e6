"""Which schedules can be dropped: those that some rival beats, so that the best one is hardly ever among them.

A row i is dropped if a rival j beats it in a one-sided paired t test over the seeds (Student 1908) at the level

    α / (looks · (m - 1)),        m rows at the start, `looks` times at which rows may be dropped

The truly best row is beaten by a rival it beats in truth only if one of looks · (m - 1) tests errs, so it is dropped at
any look with a chance of at most α, whatever the rows' spreads and dependence (Bonferroni). What is left after one look
is a confidence set for the best: subset selection, comparison with the best (Gupta 1965, Technometrics 7; Hsu 1984,
Ann. Statist. 12), here with a spread for each pair instead of a pooled one. With looks > 1 it is a race (Maron and
Moore 1994, "Hoeffding races"; López-Ibáñez et al. 2016, irace), with the level spent evenly over the looks.

**What may be raced on.** Scores of runs that are complete on their own branch, on the same seeds for all: a candidate
at a fork is scored at the end of a decay from there. Never a run's own best value on validation data, and never a
metric half-way down a decay: a rate that is still high looks worse than it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import field, frozen
from scipy.special import stdtr

from lrdecay.errors import InputError, argument, non_negative, positive_int, refusal
from lrdecay.stats.best import paired_scores
from lrdecay.stats.intervals import ROUNDING, FloatArray, fraction, quantisation_sd

__all__ = ["Beaten", "Race", "contenders"]


@frozen
class Beaten:
    """What a candidate was dropped for."""

    by: str  # the rival with the smallest p value; the first by name where two are level
    p_value: float  # one-sided, of "not behind that rival"


@frozen
class Race:
    """A rule for dropping candidates at forks; the best one is dropped at any look with a chance of at most alpha.

    The rule is a value and keeps nothing: what was dropped before is left out of the next look's scores.

    Raises:
        InputError: a count is not a positive integer or alpha is not in (0, 1).

    >>> race = Race(candidates=3, looks=2, higher_is_better=False)
    >>> loss = {"a": [0.50, 0.61, 0.55, 0.58], "b": [0.40, 0.50, 0.46, 0.47], "c": [0.41, 0.52, 0.44, 0.48]}
    >>> race.dropped(loss)
    ('a',)
    """

    candidates: int = field(validator=argument(positive_int))  # at the start, dropped ones included
    looks: int = field(validator=argument(positive_int))  # how many times `dropped` may be asked
    higher_is_better: bool
    alpha: float = field(default=0.05, validator=argument(fraction))
    resolution: float = field(default=0.0, validator=argument(non_negative))  # see `paired_difference`

    @property
    def level(self) -> float:
        """The p value at or below which one test drops a row: alpha / (looks · (candidates - 1))."""
        return self.alpha / (self.looks * max(1, self.candidates - 1))

    def dropped(self, rows: Mapping[str, Sequence[float | None]]) -> tuple[str, ...]:
        """The candidates to drop at this look, by name; see `beaten`."""
        return tuple(self.beaten(rows))

    def beaten(self, rows: Mapping[str, Sequence[float | None]]) -> dict[str, Beaten]:
        """The candidates to drop at this look, by name, and which rival beats each; with one seed there are none.

        A row with a score that is None or not finite (a diverged run) drops nobody and is not dropped by this rule:
        whether to go on with what diverged is not a question of chance.

        Args:
            rows: name -> scores of complete runs, one per seed, the same seeds in the same order in each row.

        Raises:
            InputError: there are no rows or no seeds, rows differ in length, or there are more than the candidates.
        """
        known = paired_scores(rows, "Race.dropped(rows=...)")
        if len(rows) > self.candidates:
            rule = f"must hold at most the {self.candidates} candidates of the race"
            msg = refusal("Race.dropped(rows=...)", rule, sorted(rows), "Count all of them in Race(candidates=...).")
            raise InputError(msg)
        if not known:
            return {}
        names = sorted(known)
        scores = np.array([known[name] for name in names]) * (1.0 if self.higher_is_better else -1.0)
        behind = _p_behind(scores, self.resolution)
        rivals = behind.argmin(axis=1).tolist()
        found = {names[i]: Beaten(names[j], float(behind[i, j])) for i, j in enumerate(rivals)}
        return {name: one for name, one in found.items() if one.p_value <= self.level}


def contenders(
    rows: Mapping[str, Sequence[float | None]],
    *,
    higher_is_better: bool,
    level: float = 0.95,
    resolution: float = 0.0,
) -> tuple[str, ...]:
    """A confidence set for the best row: it holds the truly best one in `level` of all studies or more.

    A row with a score that is None or not finite is not in it: a diverged run is never the best.

    Args:
        rows: name -> scores, one per seed, the same seeds in the same order in each row.
        higher_is_better: True for an accuracy, False for a loss.
        level: the chance that the best is in the set, in (0, 1).
        resolution: smallest step of the metric, >= 0; see `paired_difference`.

    Raises:
        InputError: there are no rows or no seeds, rows differ in length, or an argument is out of range.

    >>> loss = {"a": [0.50, 0.61, 0.55, 0.58], "b": [0.40, 0.50, 0.46, 0.47], "c": [0.41, 0.52, 0.44, 0.48]}
    >>> contenders(loss, higher_is_better=False)
    ('b', 'c')
    """
    fraction.check("contenders(level=...)", level)
    known = paired_scores(rows, "contenders(rows=...)")
    if not known:
        return ()
    scores = {name: row.tolist() for name, row in known.items()}
    lost = Race(len(known), 1, higher_is_better, 1.0 - level, resolution).dropped(scores)
    return tuple(sorted(known.keys() - set(lost)))


def _p_behind(scores: FloatArray, resolution: float) -> FloatArray:
    """One-sided p values, shape (m, m), of "row i is not behind row j", higher being better.

    1 where the spread of their differences is unknown, and on the diagonal. The sd is that of `paired_difference`.
    """
    m, n = scores.shape
    if n == 1:
        return np.ones((m, m))
    ahead = scores[None, :, :] - scores[:, None, :]
    largest = np.abs(scores).max(axis=1)
    sd = np.maximum(ahead.std(axis=2, ddof=1), quantisation_sd(resolution))
    unknown = (sd <= ROUNDING * np.maximum(largest[None, :], largest[:, None])) | np.eye(m, dtype=bool)
    t = ahead.mean(axis=2) / np.where(unknown, 1.0, sd) * math.sqrt(n)
    return np.where(unknown, 1.0, stdtr(n - 1, -t))
