"""The rates of a run, made once: what `attach` was told, as a list that is only looked up while training.

    at(t) = f(t) for t < steps; from t = steps on, the end policy of `lrdecay.schedule.bound` speaks

A table comes from a schedule and a horizon, or from rates that were made elsewhere and are taken bit for bit. Under
"raise", t = steps still has a rate, the last one: a scheduler is stepped after the last update too.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, non_negative_int, one_of, refusal
from lrdecay.schedule import Bound, Horizon, Schedule, parse
from lrdecay.schedule.bound import AFTER
from lrdecay.schedule.peaks import is_open

__all__ = ["RateTable", "rate_table"]


@frozen
class RateTable:
    """The rate of every update, and where the rates come from."""

    schedule: str  # in the notation; of a plan, too
    horizon: Horizon
    steps: int  # updates in the run; a plan that grows its batches makes fewer than the horizon it was given
    after: str  # the end policy
    rates: list[float] = field(repr=False)  # f(0), ..., f(steps - 1), under "hold" also the f(steps) that is held

    def at(self, t: int) -> float:
        """The rate of update t >= 0."""
        return self.rates[self.index(t)]

    def index(self, t: int) -> int:
        """The entry that speaks for update t >= 0, as the end policy has it."""
        return t % len(self.rates) if self.after == "repeat" else min(t, len(self.rates) - 1)

    def named(self) -> dict[str, Any]:
        """What must agree between a checkpoint and what is attached, as plain JSON."""
        return {"schedule": self.schedule, "horizon": self.horizon.to_json(), "after": self.after}

    def check_step(self, call: str, step: object) -> None:
        """Raise `InputError` unless ``step`` updates may have been made: an integer >= 0, no more than may be."""
        non_negative_int.check(call, step)
        if self.after == "raise" and cast("int", step) > self.steps:
            msg = refusal(call, f"must be at most {self.steps}, the end of the horizon", step)
            raise InputError(msg)

    def check_within(self, t: int) -> None:
        """Raise `InputError` if update t is past the end; to be asked under "raise"."""
        if t >= self.steps:
            rule = f"must not be called past the end of the horizon, step {self.steps}"
            msg = refusal("optimizer.step()", rule, t, 'Lengthen the horizon, or attach(..., after="hold").')
            raise InputError(msg)


def rate_table(schedule: object, horizon: object, after: str | None, rates: object) -> RateTable:
    """Make the table from the arguments of `attach`, which says what they mean.

    Raises:
        InputError: one of them does not fit, or the schedule's peak is open.
    """
    if isinstance(schedule, Bound):
        bound = schedule
        if horizon is not None:
            msg = refusal("attach(horizon)", "must be left out for a bound schedule, which has its own", horizon)
            raise InputError(msg)
        if after not in (None, bound.after):
            msg = refusal("attach(after=...)", f"must be that of the bound schedule, {bound.after!r}", after)
            raise InputError(msg)
        schedule, horizon, after = bound.schedule, bound.horizon, bound.after
    if isinstance(schedule, str):
        schedule = parse(schedule)
    if not isinstance(schedule, Schedule):
        msg = refusal("attach(schedule)", "must be given a schedule", schedule, 'Such as "cosine(0.1)".')
        raise InputError(msg)
    if not isinstance(horizon, Horizon):
        msg = refusal("attach(horizon)", "must say how long the run is", horizon, "Such as Horizon(steps=1000).")
        raise InputError(msg)
    after = "hold" if after is None else after
    one_of(AFTER).check("attach(after=...)", after)
    length = horizon.steps + (after == "hold")
    if rates is None:
        values = schedule.bind(horizon, after)(np.arange(length))
    else:
        if is_open(schedule):
            msg = refusal("attach(schedule, rates=...)", "must name the peak the rates were made with", schedule)
            raise InputError(msg)
        values = _checked(rates, horizon.steps)[:length]
    return RateTable(repr(schedule), horizon, horizon.steps, after, values.tolist())


def _checked(rates: object, steps: int) -> NDArray[np.float64]:
    """Rates made elsewhere, if they can be a table of ``steps`` updates."""
    table = np.asarray(rates)
    if table.dtype != np.float64 or table.ndim != 1 or len(table) < steps:
        rule = f"must be a float64 array of shape (steps,) for at least {steps} steps"
        msg = refusal("attach(rates=...)", rule, f"{table.dtype} {table.shape}")
        raise InputError(msg)
    bad = table[~(np.isfinite(table) & (table >= 0))]
    if bad.size:
        msg = refusal("attach(rates=...)", "must hold finite rates >= 0", float(bad[0]))
        raise InputError(msg)
    return table
