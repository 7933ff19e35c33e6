"""The plateau rule that knows what it risks: it drops when improvement is shown to have become less than ``delta``.

Null hypothesis, of each look: over the last w observations the metric still improves by at least delta per observation,

    E y_i = a - s i,    s >= delta    (for goal "min"),

with noise that may be autocorrelated (AR(1), `lrdecay.feedback.trend`) and of any scale. It is tested for several w at
once, each with a Student t of the least-squares slope, and refused where

    ŝ + t_(1-α') sd(ŝ) <= delta,    α' = α_k / (number of w).

**What is stated.** Look k = 1, 2, ... of the run, drops included, spends

    α_k = error · K / ((k + K - 1)(k + K)),  K = 10,    Σ_k α_k = error,

so that the probability that a run which always improves by at least delta is ever dropped, however long it is and
however many drops came before, is at most ``error`` (a union bound; the tests are far from independent, so it is less).
After a drop the observations before it are forgotten, and what was spent stays spent.

**Without a delta** it is taken from the run,

    delta = half the pace of the w observations before, but no less than 1/100 and no more than 1/10 of the noise,

per observation, the noise being the sd of the w observations around their line (`trend.spread`). In words: a run that
gains the height of its noise in 10 observations is improving; one that takes more than 100 for that is on a plateau;
between the two it is on a plateau once its pace has more than halved. Paces are compared over the last 60% of the
observations since the last drop only, over which the pace of improvement by a power law t^-1/2 falls by less than half:
that is improvement, not a plateau.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import Constraint, argument, positive, positive_int
from lrdecay.feedback.rule import Decision, Observation, Rule, State, every_field, goal, metric_field, rule
from lrdecay.feedback.trend import critical, noise_of, slope, slowdown, spread

__all__ = ["Finding", "findings", "plateau", "spent"]

FloatArray = NDArray[np.float64]

WINDOWS = (14, 20, 28, 40, 56, 80, 112, 160, 240, 320, 480)
"""How many observations a slope is taken over; as many as there are are tried."""

_STRETCHES = (20, 28, 40, 56, 80, 112, 160, 240, 320, 480)
"""How many the noise is taken from; the last of both is how many are kept."""

_EARLY = 10
"""K: over how many looks half of the error is spent."""

_SHARE, _PACED = 0.5, 0.6
_NOISE = (0.01, 0.1)


@final
@frozen(eq=False)
class Finding:
    """What one window says, for one series or many.

    Attributes:
        window: how many observations it is of.
        refused: that there is still improvement by delta, shape (...).
        slope: by which the metric changes per observation, shape (...).
        most: the bound on the improvement per observation, shape (...).
    """

    window: int
    refused: NDArray[np.bool_]
    slope: FloatArray
    most: FloatArray


def spent(error: float, look: int) -> float:
    """What look 1, 2, ... may spend of the error of a run; all of them together spend it."""
    return error * _EARLY / ((look + _EARLY - 1) * (look + _EARLY))


def findings(values: FloatArray, seen: int, alpha: float, delta: float | FloatArray | None) -> list[Finding]:
    """What each window says of values that are to become small.

    Args:
        values: the last min(seen, 480), shape (..., n); alike to all series.
        seen: how many there were since the last drop.
        alpha: shared by the windows.
        delta: per observation, of all series or of each, shape (...); None: from the run.
    """
    n = values.shape[-1]
    windows = [w for w in WINDOWS if w <= n] if n >= _STRETCHES[0] else []
    values = values - values[..., :1]  # so that what is constant is exactly 0
    found = []
    for w in windows:
        length = max(s for s in _STRETCHES if s <= min(n, max(_STRETCHES[4], 8 * w)))
        noise = noise_of(values[..., n - max(w, length) :], w)
        bound = critical(alpha / len(windows), noise.freedom)
        change, error = slope(w).of(values), bound * noise.sd_of(slope(w))
        if delta is not None:
            refused = change + delta >= error
        else:
            height = spread(values[..., n - w :], change)
            refused = change + _NOISE[0] * height >= error
            if 2 * w <= min(_PACED * seen, n):
                less = slowdown(w, _SHARE)
                slower = less.of(values) >= bound * noise.sd_of(less)
                refused = refused | (slower & (change + _NOISE[1] * height >= error))
        found.append(Finding(w, np.asarray(refused), change, error - change))
    return found


_below_one = Constraint("must be a number above 0 and below 1", lambda v: positive.holds(v) and v < 1)
_optional = Constraint(
    "must be a positive number or None", lambda v: v is None or positive.holds(v), "Per observation."
)


@final
@rule
class plateau(Rule):  # noqa: N801
    """The multiplier times ``factor`` when improvement by at least ``delta`` per observation is refused.

    A nan or an infinity is neither improvement nor plateau: it is left out, and a drop tells how many there were.

    Attributes:
        factor: in (0, 1).
        patience: observations between looks; none is before 20 are there, and after a drop all are collected anew.
        metric: what is watched.
        goal: "min" or "max", what it is to become.
        delta: improvement per observation, in units of the metric, that is still worth waiting for, > 0; None: see the
            module. An observation is the mean of a period where ``every`` is given.
        error: the probability, per run of whatever length, of a drop while there is that improvement, in (0, 1).
        every: how often it looks; None: at each observation.

    Example:
        >>> from lrdecay.feedback.notation import parse_rule
        >>> parse_rule('plateau(factor=0.1, delta=0.0005, every="1ep")').delta
        0.0005
    """

    factor: float = field(default=0.5, validator=argument(_below_one))
    patience: int = field(default=10, validator=argument(positive_int))
    metric: str = metric_field(default="loss")
    goal: str = field(default="min", validator=argument(goal))
    delta: float | None = field(default=None, validator=argument(_optional))
    error: float = field(default=0.05, validator=argument(_below_one))
    every: Any = every_field(default=None)

    @property
    def needs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """The last observations since the last drop, how many there were, how many not finite; looks of the run."""
        return {"values": [], "seen": 0, "skipped": 0, "looks": 0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Keep it, and look every ``patience`` observations."""
        new = float(seen.values[self.metric])
        if not np.isfinite(new):
            return Decision(multiplier, {**own, "skipped": own["skipped"] + 1})
        values = [*own["values"][-(WINDOWS[-1] - 1) :], new]
        kept = {**own, "values": values, "seen": own["seen"] + 1}
        if kept["seen"] % self.patience or kept["seen"] < _STRETCHES[0]:
            return Decision(multiplier, kept)
        looks = own["looks"] + 1
        alpha = spent(self.error, looks)
        signed = np.array(values) if self.goal == "min" else -np.array(values)
        said = [f for f in findings(signed, kept["seen"], alpha, self.delta) if f.refused]
        if not said:
            return Decision(multiplier, {**kept, "looks": looks})
        return Decision(multiplier * self.factor, {**self.begin(), "looks": looks}, self._why(said[-1], own["skipped"]))

    def _why(self, finding: Finding, skipped: int) -> str:
        least = "" if self.delta is None else f", less than {self.delta:.3g}"
        missing = f"; {skipped} not finite, left out" if skipped else ""
        return (
            f"{self.metric} improved by {-float(finding.slope):.3g} per observation over the last {finding.window}, "
            f"by at most {float(finding.most):.3g}{least}{missing}"
        )
