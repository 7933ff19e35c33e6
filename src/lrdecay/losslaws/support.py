"""What logs can carry: refused where they say nothing of a decay, warned of where they say little.

A constant run shows what the progress makes, a decay shows what it makes and what the decay gains, in one number. So a
constant run and a short cooldown tell both apart; constant runs alone know nothing of decays, and one decaying run
alone leaves it open which of the two lowered its loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrdecay.errors import InputError, refusal
from lrdecay.losslaws.curve import FEWEST, Curve, cooled_updates, decays, felt
from lrdecay.losslaws.forecaster import Forecaster

__all__ = ["SHORTEST", "UNFIT", "check_fit", "support"]

UNFIT = 0.2
"""Of the loss, at held-out ends: a law that is off by more says nothing of these logs."""

SHORTEST = 0.05
"""Of the horizon: a shorter cooldown says little of the long ones there."""

_DEEP = 0.5  # of the peak
_FAR = 2.0  # longest logs that a horizon may be without a warning
_CALL = "forecast(logs=...)"


def support(curves: Sequence[Curve], steps: int | None = None) -> tuple[str, ...]:
    """Sentences that warn of what the logs cannot say; none where they carry the question.

    Args:
        curves: the logs, of one peak.
        steps: the horizon asked; None: no longer than the logs.

    Raises:
        InputError: there is no log, one has fewer than `lrdecay.losslaws.curve.FEWEST` losses after its warmup, or its
            loss does not fall, or nothing decays in any of them.
    """
    if not curves:
        raise InputError(refusal(_CALL, "must hold at least one run", "none", "Give a log of a run that decayed."))
    for curve in curves:
        _check(curve)
    falling = [c for c in curves if decays(c)]
    longest = max(c.last for c in curves)
    if not falling:
        tenth = max(1, round(longest / 9))
        cure = (
            f"Run one short cooldown from a checkpoint: from the last one, at step {longest}, linearly to 0 over "
            f"{tenth} updates, the last 10% of that run; and give both logs."
        )
        rule = "must hold a run whose rate decays, for nothing in constant runs says what a decay gains"
        raise InputError(refusal(_CALL, rule, [c.name for c in curves], cure))
    return (*_alone(curves, falling), *_shallow(falling), *_short(falling, longest, steps))


def _alone(curves: Sequence[Curve], falling: Sequence[Curve]) -> list[str]:
    if len(curves) > 1:
        return []
    return [
        f"{falling[0].name!r} is the only log and decays, so what the progress made and what the decay gained cannot "
        "be told apart: a run at the constant rate, or a second decay of another length, would tell."
    ]


def _shallow(falling: Sequence[Curve]) -> list[str]:
    lowest = min(float(felt(c).min()) / c.peak for c in falling)
    if lowest <= _DEEP:
        return []
    return [
        f"No log decays below {lowest:.0%} of its peak, so decays to 0 are extrapolated: a short cooldown to 0 from a "
        "checkpoint would show them."
    ]


def _short(falling: Sequence[Curve], longest: int, steps: int | None) -> list[str]:
    if steps is None:
        return []
    found = []
    cooled = max(cooled_updates(c) for c in falling)
    if cooled < SHORTEST * steps:
        found.append(
            f"The longest decay logged is {cooled} updates, {cooled / steps:.1%} of the {steps} asked, so longer ones "
            f"are extrapolated: a cooldown of {round(2 * SHORTEST * steps)} updates would show more."
        )
    if longest * _FAR < steps:
        found.append(
            f"The longest log is {longest} updates, {longest / steps:.0%} of the {steps} asked, so losses there are "
            "extrapolated; differences of schedules hold further than levels do."
        )
    return found


def check_fit(made: Forecaster) -> None:
    """Refuse logs that the chosen law does not fit; on public runs it is off by less than 1% at their ends.

    Raises:
        InputError: it is off by more than `UNFIT` at the held-out ends.
    """
    off = made.law.error
    if np.isfinite(off) and off > UNFIT:
        rule = (
            f"must be logs that a law fits, and {made.law.fit.law.name} is off by {off:.0%} of the loss at their ends"
        )
        cure = (
            "A loss that goes to zero, as on training data that are learned by heart, follows no law here: forecast a "
            "held-out loss (--loss NAME), or another law (--law NAME)."
        )
        raise InputError(refusal(_CALL, rule, [c.name for c in made.curves], cure))


def _check(curve: Curve) -> None:
    after = curve.losses[curve.steps > curve.warmup]
    if len(after) < FEWEST:
        rule = f"must hold at least {FEWEST} losses after the warmup in every run, and {curve.name!r} does not"
        cure = f"Log the loss more often, {FEWEST} times or more, or leave the run out."
        raise InputError(refusal(_CALL, rule, len(after), cure))
    quarter = len(after) // 4
    first, last = float(np.mean(after[:quarter])), float(np.mean(after[-quarter:]))
    if not last < first:
        rule = f"must hold losses that fall, and those of {curve.name!r} do not from first to last quarter"
        cure = "Leave the run out, or cut it before it diverged; a law needs a run that learns."
        raise InputError(refusal(_CALL, rule, [round(first, 4), round(last, 4)], cure))
