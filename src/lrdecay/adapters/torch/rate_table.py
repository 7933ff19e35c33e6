"""The rates of a run, made once: what `attach` was told, as a list that is only looked up while training.

    at(t) = f(t) for t < steps; from t = steps on, the end policy of `lrdecay.schedule.bound` speaks

A table comes from a schedule and a horizon, or from rates that were made elsewhere and are taken bit for bit. Under
"raise", t = steps still has a rate, the last one: a scheduler is stepped after the last update too.
"""

from __future__ import annotations

from typing import Any, cast

from attrs import field, frozen

from lrdecay.adapters.binding import bound_of, table_of
from lrdecay.errors import InputError, non_negative_int, refusal
from lrdecay.schedule import Horizon

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
    bound = bound_of(schedule, horizon, after)
    return RateTable(repr(bound.schedule), bound.horizon, bound.steps, bound.after, table_of(bound, rates).tolist())
