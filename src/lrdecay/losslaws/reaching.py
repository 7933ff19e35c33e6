"""How many updates until a loss: the shortest horizon at which a schedule of the law ends at or below it.

A longer run of one family ends lower, by every law here, so the horizon is found by bisection, to one update. Beyond
`FARTHEST` times the longest log nothing is said: the loss is then taken to be out of reach.
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen

from lrdecay.errors import positive
from lrdecay.losslaws.candidates import Family
from lrdecay.losslaws.forecaster import Forecaster, Prediction

__all__ = ["FARTHEST", "Reach", "updates_to"]

FARTHEST = 20
"""Longest logs."""

_SHORTEST = 40  # updates after the warmup
_MEMBERS = (0.05, 0.95)


@frozen(eq=False)
class Reach:
    """When a loss is reached.

    Attributes:
        updates: the shortest horizon; None where the law never gets there.
        low: updates by the 5% of near-equal fits that are fastest; None where they do not get there.
        high: by the 5% that are slowest, or None.
        prediction: at that horizon, or at the farthest one looked at.
        extrapolated: whether the horizon is longer than every log, or decays more.
        why: one sentence.
    """

    updates: int | None
    low: int | None
    high: int | None
    prediction: Prediction = field(repr=False)
    extrapolated: bool
    why: str


def updates_to(forecaster: Forecaster, loss: float, family: str, *, warmup: int = 0) -> Reach:
    """Updates until a schedule ends at or below a loss.

    Args:
        forecaster: of the logs.
        loss: wanted, > 0.
        family: a spec that scales with the horizon: lengths in percent, such as the recommended one.
        warmup: updates that warm up.

    Raises:
        InputError: the loss is not above 0, the spec cannot be read or rises above the logs' peak, or does not fit the
            shortest horizon.
    """
    positive.check("updates_to(loss=...)", loss)
    seen: dict[int, Prediction] = {}

    def at(steps: int) -> Prediction:
        if steps not in seen:
            seen[steps] = forecaster.predict(Family.of(family, steps, warmup).rates, warmup)
        return seen[steps]

    least, most = warmup * 2 + _SHORTEST, FARTHEST * forecaster.longest
    most = max(most, least)

    def first(share: float | None) -> int | None:
        def end(steps: int) -> float:
            said = at(steps)
            return said.loss if share is None else float(np.quantile(said.members, share))

        low, high = least, most
        if end(high) > loss:
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if end(middle) <= loss else (middle + 1, high)
        return low

    found = first(None)
    fastest, slowest = first(_MEMBERS[0]), first(_MEMBERS[1])
    said = at(found or most)
    return Reach(found, fastest, slowest, said, said.extrapolated, _why(loss, family, found, most, said, forecaster))


def _why(loss: float, family: str, found: int | None, most: int, said: Prediction, forecaster: Forecaster) -> str:
    if found is None:
        return (
            f"{family} is predicted to stay above {loss:g}: after {most} updates, {FARTHEST} times the longest log, it "
            f"ends at {said.loss:.4f}."
        )
    tail = f", which is extrapolated: the longest log is {forecaster.longest} updates" if said.extrapolated else ""
    return f"{family} is predicted to end at {loss:g} after {found} updates{tail}."
