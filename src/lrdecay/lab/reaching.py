"""Time to target: after how many updates a stated value of a held-out metric is held.

With marks u_1 < ... < u_k, at which a metric was measured as a_1, ..., a_k, a target a is held from the first u_i on
with a_i, ..., a_(i + hold - 1) all at least a. One measurement alone may be luck, the more so where a metric jumps
about; and what was reached only at the very end is not yet held.

Between two marks nothing is guessed: the answer is a mark. A run that never holds the target, or diverged before, gives
None; as a share of the run it counts as all of it, so that such a seed is not dropped.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.lab.arms import Runs

__all__ = ["HOLD", "held_from", "saved", "told", "updates_to"]

HOLD = 2
"""Measurements in a row that must be at the target."""


def held_from(
    marks: Sequence[int], curve: ArrayLike, target: float, *, hold: int = HOLD, smaller: bool = False
) -> int | None:
    """The mark from which a target is held; None: it never is.

    Args:
        marks: updates before each measurement, rising, shape (k,).
        curve: the metric there, shape (k,); nan where there is none, which holds nothing.
        target: what is to be held.
        hold: measurements in a row, >= 1.
        smaller: whether less of the metric is better.

    Raises:
        InputError: as many marks as measurements are needed, or ``hold`` is below 1.
    """
    positive_int.check("held_from(hold=...)", hold)
    values = np.asarray(curve, dtype=np.float64)
    if values.shape != (len(marks),):
        msg = refusal("held_from(curve=...)", f"must have one value for each of {len(marks)} marks", values.shape)
        raise InputError(msg)
    good = values <= target if smaller else values >= target
    for i in range(len(marks) - hold + 1):
        if good[i : i + hold].all():
            return int(marks[i])
    return None


def updates_to(runs: Runs, arm: str, metric: str, target: float, *, hold: int = HOLD) -> tuple[int | None, ...]:
    """`held_from` of an arm's runs, larger being better; one a seed."""
    marks = runs.marks(arm, metric).tolist()
    curves = runs.curve(arm, metric)[:, : len(marks)]
    return tuple(held_from(marks[: len(curve)], curve, target, hold=hold) for curve in curves)


def saved(runs: Runs, arm: str, base: str, metric: str, *, hold: int = HOLD) -> tuple[float, ...]:
    """How much sooner an arm holds what another ends with, as a share of the other's run; one a seed.

    (updates of ``base`` - updates of ``arm``) / all updates of ``base``, both to the mean over seeds of what ``base``
    has at its end; a run that never holds it counts as one that needed all of them. The target is one for all seeds:
    each seed's own end would be reached by luck at that end, and the other arm would not have that luck.
    """
    ends = runs.end(base, metric)
    target = float(np.mean(ends[np.isfinite(ends)])) if np.isfinite(ends).any() else float("inf")
    length = int(runs.marks(base, metric)[-1])
    both = [updates_to(runs, name, metric, target, hold=hold) for name in (base, arm)]
    own, other = ([min(length, length if u is None else u) for u in row] for row in both)
    return tuple((b - a) / length for b, a in zip(own, other, strict=True))


def told(updates: Sequence[int | None]) -> str:
    """The median over seeds in words, such as "after 240 updates", with how many never got there."""
    known = [u for u in updates if u is not None]
    if 2 * len(known) <= len(updates):
        return f"not by most ({len(known)} of {len(updates)} seeds)"
    median = statistics.median([float("inf") if u is None else float(u) for u in updates])
    missing = len(updates) - len(known)
    return f"after {median:g} updates" + (f" ({missing} of {len(updates)} seeds never)" if missing else "")
