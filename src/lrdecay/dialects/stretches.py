"""What the translators of torch's and timm's schedulers share: the plainest schedule that has a peer's numbers.

A translator prefers a family; `glide`, `bent` and `hold` pick the one that says a ramp or a rate, `follow` puts them
one after another, and `listed` is for what no family says: `piecewise` where the rate stands still, else `tabulated`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.dialects.base import Run
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Horizon, Schedule, constant, cosine, k_decay, linear, piecewise, ramp, scale, tabulated

__all__ = [
    "AS_IS",
    "MOST_PARTS",
    "bent",
    "first_difference",
    "follow",
    "glide",
    "hold",
    "listed",
    "listed_if_asked",
    "only_if_asked",
    "whole",
]

MOST_PARTS = 100
"""A schedule of more parts than this is a table."""

AS_IS = "Or take the peer's own numbers: as_is=True, --as-is."

Rates = NDArray[np.float64]


def whole(call: str, value: Any, least: int = 1, cure: str = "") -> int:
    """The value as an integer, 30.0 as 30.

    Raises:
        InputError: it is not whole, or below ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer) or value != value // 1:
        msg = refusal(call, "must be a whole number", value, cure)
        raise InputError(msg)
    if value < least:
        msg = refusal(call, f"must be an integer >= {least}", value, cure)
        raise InputError(msg)
    return int(value)


def glide(start: float, end: float, shape: str, over: int) -> Schedule:
    """From one rate to another along "linear" or "cosine" over so many updates, then held."""
    if start == end:
        return constant(start, over=over)
    if start > end:
        return (linear if shape == "linear" else cosine)(start, floor=end, over=over)
    return ramp(start, end, shape, over=over)


def bent(peak: float, floor: float, shape: str, k: float, over: int) -> Schedule | None:
    """A closed shape on the clock u^k."""
    if k == 1 and shape in ("linear", "cosine"):
        return glide(peak, floor, shape, over)
    return k_decay(peak, k, floor, shape, over=over) if peak > floor and shape and k > 0 else None


def hold(rate: float, lr: float, over: int | None = None) -> Schedule:
    """One rate; a rate of 0 is no peak and is said as nothing of the optimizer's rate ``lr``."""
    return constant(rate, over=over) if rate > 0 else scale(constant(lr, over=over), 0.0)


def follow(parts: Sequence[Schedule]) -> Schedule:
    """One after the other."""
    return reduce(add, parts)


def listed(call: str, rates: Iterable[float]) -> Schedule:
    """The rates of a run from update 0 on: one rate, a few that are held, or a table; the last one is held.

    Rates within rounding below 0 are 0.

    Raises:
        InputError: a rate is below 0 or not finite, or all are 0.
    """
    values = np.array([float(rate) for rate in rates])
    tiny = 1e-12 * np.max(np.abs(values), initial=0.0)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= -tiny)))
    if bad.size:
        cure = "A schedule cannot have such a rate, not even with --as-is."
        msg = refusal(call, f"must give rates >= 0, also at update {bad[0]}", float(values[bad[0]]), cure)
        raise InputError(msg)
    values = np.maximum(values, 0.0)
    if not values.any():
        msg = refusal(call, "must give a rate above 0", 0.0, "A run at 0 learns nothing.")
        raise InputError(msg)
    changes = np.flatnonzero(np.diff(values)) + 1
    if not changes.size:
        return constant(float(values[0]))
    if len(changes) <= min(MOST_PARTS, max(len(values) // 3, 2)):
        return piecewise(values[[0, *changes]].tolist(), at=changes.tolist())
    return tabulated(values[: changes[-1] + 1].tolist())


def only_if_asked(run: Run, call: str, rule: str, value: object, cure: str) -> None:
    """Refuse a plain bug of the peer's, unless the run is to keep it.

    Raises:
        InputError: ``run.as_is`` is false.
    """
    if not run.as_is:
        msg = refusal(call, rule, value, f"{cure} {AS_IS}")
        raise InputError(msg)


def listed_if_asked(run: Run, call: str, rates: Iterable[float], rule: str, value: object, cure: str) -> Schedule:
    """The numbers of a plain bug of the peer's, where the run is to keep it; what no run can keep is not offered.

    Raises:
        InputError: a rate is below 0 or not finite; or ``run.as_is`` is false.
    """
    kept = listed(call, rates)
    only_if_asked(run, call, rule, value, cure)
    return kept


def first_difference(
    schedule: Schedule, rate: Callable[[int], float] | Rates, steps: int, within: float = 1e-9
) -> tuple[int, float, float]:
    """Where a schedule leaves the peer's rates by more than rounding: update, ours, theirs; update -1 where nowhere."""
    theirs = np.array([rate(t) for t in range(steps)]) if callable(rate) else rate[:steps]
    ours = schedule.bind(Horizon(steps=steps)).values()
    apart = np.flatnonzero(~(np.abs(ours - theirs) <= within * np.maximum(np.max(np.abs(theirs)), ours)))
    if not apart.size:
        return -1, 0.0, 0.0
    t = int(apart[0])
    return t, float(ours[t]), float(theirs[t])
