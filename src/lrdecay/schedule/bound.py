"""A schedule fixed on a horizon: a total function of the update index.

t is the 0-based index of the update that uses the value. ``f(t)`` gives a float, ``f(array)`` an array of the same
bits, ``f.values()`` the whole run. From t = steps on, the end policy speaks:

    hold    f(t) = f(steps), the value the last ramp was heading for
    repeat  f(t) = f(t mod steps)
    raise   an `InputError`
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, overload

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.peaks import is_open
from lrdecay.schedule.places import NoRoomError
from lrdecay.schedule.segments import Segment

__all__ = ["AFTER", "Bound", "bind"]

AFTER = ("hold", "repeat", "raise")
"""The end policies."""


@frozen
class Bound:
    """A schedule on a horizon. Frozen; equal by schedule, horizon and end policy."""

    schedule: Schedule
    horizon: Horizon
    after: str
    segment: Segment = field(eq=False, repr=False)

    @property
    def steps(self) -> int:
        """Updates in the run."""
        return self.horizon.steps

    @overload
    def __call__(self, t: int) -> float: ...
    @overload
    def __call__(self, t: NDArray[np.integer[Any]]) -> NDArray[np.float64]: ...
    def __call__(self, t: Any) -> Any:
        """The rate of update t, t >= 0: a float for an integer, a float64 array for an integer array.

        Raises:
            InputError: t is negative or not an integer; or past the end where the end policy is "raise".
        """
        index = _indices(t)
        if self.after == "hold":
            index = np.minimum(index, self.steps)
        elif self.after == "repeat":
            index = index % self.steps
        elif index.size and index.max() >= self.steps:
            msg = refusal("schedule(t)", f"must be before the end of the horizon, step {self.steps}", int(index.max()))
            raise InputError(msg)
        rates = self._rates(index.reshape(-1)).reshape(index.shape)
        return float(rates) if index.ndim == 0 else rates

    def values(self) -> NDArray[np.float64]:
        """The rate of every update of the run, float64, shape (steps,)."""
        return self._rates(np.arange(self.steps, dtype=np.int64))

    def _rates(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """The segment's rates, all finite, for indices of shape (n,) that the end policy has been applied to."""
        with np.errstate(over="ignore"):  # an infinity in between may still mean a rate: 1 / (1 + inf) = 0
            rates = self.segment(index)
        if not np.isfinite(rates).all():
            msg = refusal(repr(self.schedule), "must give finite rates", float(rates[~np.isfinite(rates)][0]))
            raise InputError(msg)
        return rates


def _indices(t: Any) -> NDArray[np.int64]:
    """Update indices as int64; anything else is refused."""
    try:
        index = np.asarray(t)
    except ValueError:  # lists of unequal lengths
        index = np.asarray(None)
    if index.dtype.kind not in "iu" or (index.size and not 0 <= int(index.min()) <= int(index.max()) < 2**63):
        msg = refusal("schedule(t)", "must be given update indices, integers >= 0 and below 2**63", t)
        raise InputError(msg)
    return index.astype(np.int64)


def bind(schedule: Schedule, horizon: Horizon, after: str = "hold") -> Bound:
    """Fix a schedule on a horizon; this is `Schedule.bind`.

    Raises:
        InputError: no `Horizon`, an open peak, an unknown end policy or unit, or a part that has no room.
    """
    if type(horizon) is not Horizon:
        msg = refusal("bind(horizon=...)", "must be a Horizon", horizon, "Write Horizon(steps=10_000).")
        raise InputError(msg)
    if after not in AFTER:
        msg = refusal("bind(after=...)", f"must be one of {', '.join(AFTER)}", after, did_you_mean(str(after), AFTER))
        raise InputError(msg)
    if is_open(schedule):
        cure = "Put a number for `peak`, or let `find` measure one."
        msg = refusal(repr(schedule), "must have a stated peak before it can be evaluated", "peak", cure)
        raise InputError(msg)
    try:
        segment = schedule.expand().place(Fraction(0), horizon.exact_steps, horizon)
    except NoRoomError as no_room:
        rule = f"must leave at least one update to each of its parts on a horizon of {horizon.steps} steps"
        cure = f"{no_room.what.capitalize()} would run from step {no_room.start} to step {no_room.end}."
        msg = f"`{schedule!r}` {rule}. {cure} Shorten the other parts or lengthen the horizon."
        raise InputError(msg) from None
    return Bound(schedule, horizon, after, segment)
