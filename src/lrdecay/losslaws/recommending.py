"""Which schedule to use: the parametric family first, near the logs where the optimum is flat, or no recommendation.

Of the schedules in `lrdecay.losslaws.candidates` the law names one with the lowest final loss. Optima are flat, and a
law followed far from its logs is the main risk. What a law is off by it is off by alike on schedules that are alike, so
a schedule c is as good as the best b, as far as the law can tell, where

    loss(c) - loss(b) <= miss · loss(b) · (area between their rates, in [0, 1])

and among those the one least unlike a decaying log is chosen (both areas as in `candidates`). It is recommended where
what it gains over the baseline is above the error of differences, and the 90% interval of the gain is above zero.

A lone log that never held its peak, such as one cosine, carries no recommendation: what the progress made and what the
decay gained are one number in it, and only the priors tell them apart. Then a cheap run is named that would tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.losslaws.candidates import Family, families, nearest, profile, unlikeness
from lrdecay.losslaws.forecaster import Difference, Forecaster, Prediction
from lrdecay.losslaws.next_run import held

__all__ = [
    "ENOUGH",
    "Recommendation",
    "Row",
    "check_horizon",
    "chosen",
    "difference_error",
    "judged",
    "not_enough",
    "recommend",
]

_SHORTEST = 40  # updates; below, lengths in percent are no different schedules

ENOUGH = 0.25
"""Of the updates after the warmup: a lone log that held its peak for less is one decay."""


@frozen
class Row:
    """A schedule and where it ends.

    Attributes:
        spec: in the notation.
        loss: predicted final loss.
        low: of its 90% interval.
        high: of it.
        extrapolated: whether it is longer, or decays more, than any log.
    """

    spec: str
    loss: float
    low: float
    high: float
    extrapolated: bool


@frozen(eq=False)
class Recommendation:
    """What to do.

    Attributes:
        spec: to use instead of the baseline; None: no recommendation.
        choice: what the law would choose, recommended or not.
        prediction: of the choice.
        baseline: what it is compared with.
        gain: the baseline's final loss minus the choice's; above zero the choice is better.
        error: of differences, in units of the loss; gains below it are none.
        why: one sentence.
        rows: every schedule that was looked at, lowest loss first.
    """

    spec: str | None
    choice: str
    prediction: Prediction
    baseline: str
    gain: Difference
    error: float
    why: str
    rows: tuple[Row, ...] = field(repr=False)


def recommend(
    forecaster: Forecaster,
    steps: int,
    *,
    warmup: int = 0,
    baseline: str | Family | None = None,
    among: Sequence[Family] | None = None,
) -> Recommendation:
    """Search the family at a horizon.

    Args:
        forecaster: of the logs.
        steps: the horizon, at least 40 updates after the warmup.
        warmup: updates of it that warm up.
        baseline: what is compared with; None: the family of the longest log that decays, else a cosine.
        among: what is chosen from, besides the baseline where that is one of them; None: all families, and it.

    Raises:
        InputError: the horizon is too short, or the baseline cannot be read or rises above the logs' peak.
    """
    check_horizon(steps, warmup)
    known = families(forecaster.peak, warmup, steps) if among is None or baseline is None else ()
    if isinstance(baseline, str):
        base = Family.of(baseline, steps, warmup)
    else:
        base = baseline or nearest(forecaster.curves, known) or known[0]
    looked = tuple(known if among is None else among)
    if among is None and all(f.spec != base.spec for f in looked):
        looked = (*looked, base)
    said = [forecaster.predict(f.rates, f.warmup) for f in looked]
    best = chosen(forecaster, looked, said)
    own = next((p for f, p in zip(looked, said, strict=True) if f.spec == base.spec), None)
    before = forecaster.predict(base.rates, base.warmup) if own is None else own
    gain = forecaster.difference(before, said[best])
    error = difference_error(forecaster) * before.loss
    good, why = judged(looked[best].spec, base.spec, gain, error)
    lacking = not_enough(forecaster)
    if lacking is not None:
        good, why = False, lacking
    rows = tuple(sorted((_row(f, p) for f, p in zip(looked, said, strict=True)), key=lambda r: r.loss))
    spec = looked[best].spec
    return Recommendation(spec if good else None, spec, said[best], base.spec, gain, error, why, rows)


def difference_error(forecaster: Forecaster) -> float:
    """What differences of two schedules are off by, as a share of the loss.

    On whole held-out curves, where there are two or more: the root mean square over pairs of the difference of their
    errors; at least the law's own miss.
    """
    own = [fold.error for fold in forecaster.law.folds if fold.whole]
    pairs = [a - b for i, a in enumerate(own) for b in own[:i]]
    return max(forecaster.miss, float(np.sqrt(np.mean(np.square(pairs)))) if pairs else 0.0)


def not_enough(forecaster: Forecaster) -> str | None:
    """Why logs carry no recommendation at all, and the run that would help; None where they carry one.

    The run is at the constant rate, for `ENOUGH` of the log: beside a cosine of 25,000 updates of a public 124M model,
    6,000 at the constant rate made the advice as good as 50,000 did (`bench.forecast_public`).
    """
    first, *others = forecaster.curves
    peaked = held(first)
    if others or peaked - first.warmup >= ENOUGH * (first.last - first.warmup):
        return None
    steps = max(round(first.warmup + ENOUGH * (first.last - first.warmup)), peaked + _SHORTEST)
    rise = f"warmup({first.warmup}) + " if first.warmup else ""
    return (
        f"Not enough: {first.name!r} is the only log and decays from early on, so what the progress made and what the "
        f"decay gained cannot be told apart. Do this run: {rise}constant({first.peak:g}) @ {steps}, which is "
        f"{steps - peaked} updates from its checkpoint at step {peaked}, if there is one."
    )


def chosen(forecaster: Forecaster, among: Sequence[Family], said: Sequence[Prediction]) -> int:
    """The index of the one least unlike the logs among those as good as the best."""
    best = min(range(len(said)), key=lambda i: said[i].loss)
    shape, loss = profile(among[best].rates, among[best].warmup), said[best].loss

    def as_good(i: int) -> bool:
        apart = float(np.abs(profile(among[i].rates, among[i].warmup) - shape).mean())
        return said[i].loss - loss <= forecaster.miss * loss * apart

    good = [i for i in range(len(said)) if as_good(i)]
    return min(good, key=lambda i: (unlikeness(forecaster.curves, among[i].rates, among[i].warmup), said[i].loss))


def judged(spec: str, baseline: str, gain: Difference, error: float) -> tuple[bool, str]:
    """Whether a gain over a baseline is one, and a sentence."""
    if spec == baseline:
        return False, f"Nothing is predicted to end lower than {baseline} by more than the law can tell; keep it."
    found = f"{spec} is predicted to end {gain.value:.4f} below {baseline} (90%: {gain.low:.4f} to {gain.high:.4f})"
    if gain.value < error:
        return False, f"{found}, which is less than the {error:.4f} that predicted differences are off by."
    if gain.low <= 0:
        return False, f"{found}, and the interval includes 0."
    return True, f"{found}, more than the {error:.4f} that predicted differences are off by."


def _row(family: Family, said: Prediction) -> Row:
    return Row(family.spec, said.loss, said.low, said.high, said.extrapolated)


def check_horizon(steps: int, warmup: int) -> None:
    """Refuse a horizon that holds no schedule.

    Raises:
        InputError: it leaves fewer than 40 updates after the warmup.
    """
    positive_int.check("recommend(steps=...)", steps)
    if warmup < 0 or steps - warmup < _SHORTEST:
        rule = f"must leave at least {_SHORTEST} updates after the warmup of {warmup}, which must be 0 or more"
        raise InputError(refusal("recommend(steps=...)", rule, steps))
