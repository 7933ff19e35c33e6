"""A study's runs as a forecast reads them: their loss curves, and which two of a peak tell most at first.

A constant run shows what the progress makes, a cooldown from it what a decay gains, and the two share the trunk. So of
the schedules of one peak those are trained first: the one whose rates sum to most, and among those that end deep the
one that goes longest along with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrdecay.errors import InputError
from lrdecay.losslaws.curve import DECAYS, FEWEST, Curve, FloatArray, warmup_of
from lrdecay.losslaws.fitting import POINTS
from lrdecay.losslaws.support import SHORTEST
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.sweep.evidence import heldout_column

__all__ = ["TRAINING", "curve_of", "ending", "loss_of", "peak_rate", "telling"]

TRAINING = "training loss"

_DEEP = 0.1  # of the peak: a cooldown that ends lower shows the whole gain


def peak_rate(run: RunSpec) -> float:
    """The highest rate of a run."""
    return float(run.rates.max())


def loss_of(result: RunResult) -> str:
    """Which loss of a run to forecast: a held-out one where it was measured often enough, else the training loss.

    The metric itself where it is a loss, else what a task measures beside it; after the warmup a law needs `FEWEST`.
    """
    own = [heldout_column(result.metric)] if result.goal == "min" else []
    for name in (*own, "heldout_loss"):
        at, values = result.trace.measured(name)
        late = at > warmup_of(result.trace.rate)
        if np.isfinite(values[late]).sum() >= FEWEST:
            return name
    return TRAINING


def curve_of(run: RunSpec, result: RunResult, name: str, of: str) -> Curve | None:
    """The loss of a finished run against its rates; None where it diverged or holds no loss that a law could read.

    Args:
        run: what was asked.
        result: what came.
        name: of the schedule.
        of: as `loss_of` says it.
    """
    if result.diverged is not None or result.failure is not None or run.rule is not None:
        return None
    trace = result.trace
    at, losses = (trace.step + 1, trace.loss) if of == TRAINING else trace.measured(of)
    known = np.isfinite(losses)
    try:
        return Curve(name, run.rates, at[known], losses[known], warmup_of(run.rates))
    except InputError:
        return None


def ending(curve: Curve) -> float:
    """The observed loss at the end: the mean over the last of `POINTS` parts; the last one, where there are fewer."""
    return float(curve.thinned(POINTS).losses[-1])


def telling(runs: Sequence[RunSpec]) -> list[int]:
    """The two runs of one peak that tell a forecast most, by their place: the trunk, and a cooldown from it.

    None where there are fewer than three, of which none would be left to forecast.
    """
    if len(runs) < 3:
        return []
    trunk = max(range(len(runs)), key=lambda i: (float(runs[i].rates.sum()), -i))
    rest = [i for i in range(len(runs)) if i != trunk]
    deep = [i for i in rest if _ends_deep(runs[i].rates)]
    branch = max(deep or rest, key=lambda i: (_shared(runs[trunk].rates, runs[i].rates), -i))
    return [trunk, branch]


def _ends_deep(rates: FloatArray) -> bool:
    peak = float(rates.max())
    cooled = int((rates[warmup_of(rates) :] < DECAYS * peak).sum())
    return float(rates[-1]) <= _DEEP * peak and cooled >= SHORTEST * len(rates)


def _shared(a: FloatArray, b: FloatArray) -> int:
    """Updates that have the same rates in both."""
    n = min(len(a), len(b))
    apart = np.flatnonzero(a[:n] != b[:n])
    return int(apart[0]) if apart.size else n
