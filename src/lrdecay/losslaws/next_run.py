"""Which cheap run to make next: the one whose end would tell most of what is wanted.

Near-equal fits disagree about the wanted difference d of two schedules and about the loss y at which a run would end.
If fits were normal, observing y with an error ε would take from the variance of d the share

    cov(d, y)² / ((var y + ε²) var d)

so a run helps if what it would end at goes along with what is wanted, and is more in doubt than its own noise and what
the law misses. Over n fits a share of 1/(n-1) comes by chance and is taken off. Shares are of the sum over all wanted
pairs. It is the R² of a regression of d on the observed end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, refusal
from lrdecay.losslaws.curve import DECAYS, Curve, FloatArray
from lrdecay.losslaws.forecaster import Forecaster
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import parse

__all__ = ["LENGTHS", "Suggestion", "held", "next_runs", "trunk_of"]

LENGTHS = (10, 20, 40)
"""Percent of the run that a suggested cooldown takes."""

_SHORTEST = 20  # updates of a run that is worth its start
_SAME = 0.02  # of share: cheaper first


@frozen
class Suggestion:
    """A run.

    Attributes:
        spec: in the notation.
        steps: its horizon.
        start: the update from whose checkpoint it goes on; 0: it begins anew.
        cost: updates beyond what was already run.
        share: of the variance of the wanted differences that its end would remove, in [0, 1].
    """

    spec: str
    steps: int
    start: int
    cost: int
    share: float


def next_runs(forecaster: Forecaster, wanted: Sequence[FloatArray], *, warmup: int = 0) -> tuple[Suggestion, ...]:
    """Cheap runs, most telling first; of those that tell the same, the cheapest first.

    Args:
        forecaster: of the logs.
        wanted: rates of two or more schedules whose differences are wanted, each of shape (T,); or of one, whose loss
            is.
        warmup: updates of them that warm up.

    Raises:
        InputError: nothing is wanted, or a schedule rises above the logs' peak.
    """
    if not len(wanted):
        raise InputError(refusal("next_runs(wanted)", "must hold the rates of at least one schedule", "none"))
    ends = np.stack([forecaster.predict(r, warmup).members for r in wanted])
    pairs = list(combinations(range(len(ends)), 2))
    doubts = np.stack([ends[i] - ends[j] for i, j in pairs]) if pairs else ends
    made = [_suggested(forecaster, doubts, *run) for run in _runs(forecaster)]
    return tuple(sorted(made, key=lambda s: (-round(s.share / _SAME), s.cost)))


def held(curve: Curve) -> int:
    """Updates that a run had made when it first left its peak after the warmup; all, where it did not."""
    low = np.flatnonzero(curve.rates[curve.warmup : curve.last] < DECAYS * curve.peak)
    return curve.warmup + int(low[0]) if len(low) else curve.last


def trunk_of(curves: Sequence[Curve]) -> tuple[Curve, int]:
    """The log that held its peak the longest, and the updates it had made when it left it."""
    trunk = max(curves, key=held)
    return trunk, held(trunk)


def _runs(forecaster: Forecaster) -> list[tuple[str, int, int, int]]:
    """(spec, steps, start, warmup) of every candidate that was not logged."""
    trunk, end = trunk_of(forecaster.curves)
    peak, warmup = f"{forecaster.peak:g}", trunk.warmup
    rise = f"warmup({warmup}) + " if warmup else ""
    found = []
    for start in (end // 2, end):
        for length in LENGTHS:
            cooldown = round(start * length / (100 - length))
            if cooldown >= _SHORTEST and start > warmup:
                spec = f"wsd({peak}, warmup={warmup}, cooldown={cooldown})"
                found.append((spec, start + cooldown, start, warmup))
    if forecaster.longest - end >= _SHORTEST:
        found.append((f"{rise}constant({peak})", forecaster.longest, end if end > warmup else 0, warmup))
    found.append((f"{rise}constant({peak})", end + max(end // 2, _SHORTEST), end, warmup))
    return [*found, (f"{rise}cosine({peak})", max(forecaster.longest // 2, warmup + _SHORTEST), 0, warmup)]


def _suggested(
    forecaster: Forecaster, doubts: FloatArray, spec: str, steps: int, start: int, warmup: int
) -> Suggestion:
    said = forecaster.predict(parse(spec).bind(Horizon(steps=steps)).values(), warmup)
    y = said.members - said.members.mean()
    d = doubts - doubts.mean(axis=1, keepdims=True)
    count = len(y) - 1
    noise = float(np.median(forecaster.law.fit.noise.sd)) * said.loss
    error = noise**2 + (forecaster.miss * said.loss) ** 2
    own = float(y @ y) / count
    total = float((d**2).sum()) / count
    taken = float(((d @ y / count) ** 2).sum()) / total if total else 0.0  # of var y, were there no error
    plain = taken / own if own else 0.0
    sure = max(0.0, (plain - 1 / count) / (1 - 1 / count))
    return Suggestion(spec, steps, start, steps - start, sure * own / (own + error))
