"""The laws of an adapter: what drives an optimizer by a schedule, in any framework.

    shows      after k updates the rates are s(k) times each group's multiplier, for every k
    idle       asking again, or stepping the schedule again without an update, changes nothing
    resume     a checkpoint after k updates, loaded into a fresh run in any order, goes on with s(k), s(k + 1), ...
    explicit   a checkpoint loaded under another horizon is refused, not stretched in silence

An adapter is shown to the laws through `Driven`, a few lines that wrap a small run in the framework at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule
from lrdecay.testing.laws import LawError

__all__ = ["Driven", "check_adapter"]


class Driven(Protocol):
    """A small run whose optimizer is driven by the adapter under test."""

    def rates(self) -> Sequence[float]:
        """The rate that each group's next update will use."""

    def update(self) -> None:
        """Make one update, with all that a user writes after it."""

    def again(self) -> None:
        """Whatever a user may call once too often between two updates."""

    def save(self) -> Any:
        """A checkpoint."""


def check_adapter(
    start: Callable[[Schedule, Horizon], Driven],
    load: Callable[[Schedule, Horizon, Any, str], Driven],
    orders: Sequence[str],
    schedule: Schedule,
    horizon: Horizon,
    *,
    multipliers: Sequence[float] = (1.0,),
    dtype: Any = np.float64,
) -> None:
    """Run every law, with a checkpoint after each update of the horizon: keep it short, 5 to 20 updates.

    Args:
        start: a fresh run under this schedule.
        load: a fresh run into which a checkpoint is loaded, in one of the orders.
        orders: the names of the orders in which a run can be put together: "optimizer, attach, load" and so on.
        schedule: what drives it.
        horizon: for how long.
        multipliers: of the groups.
        dtype: the precision in which the framework keeps a rate.

    Raises:
        LawError: a law does not hold.
    """
    table = schedule.bind(horizon).values()
    expected: NDArray[Any] = np.outer(table, np.asarray(multipliers)).astype(dtype)
    run, checkpoints = start(schedule, horizon), []
    for k in range(horizon.steps):
        _shows("shows", schedule, k, run, expected)
        run.again()
        _shows("idle", schedule, k, run, expected)
        checkpoints.append(run.save())
        run.update()
    for order in orders:
        for k, checkpoint in enumerate(checkpoints):
            resumed = load(schedule, horizon, checkpoint, order)
            for t in range(k, horizon.steps):
                _shows(f"resume ({order}, from {k})", schedule, t, resumed, expected)
                resumed.update()
        _refused(load, schedule, horizon, checkpoints[-1], order)


def _refused(load: Callable[..., Driven], s: Schedule, h: Horizon, checkpoint: Any, order: str) -> None:
    try:
        load(s, h.lasting(steps=h.steps + 1), checkpoint, order)
    except InputError:
        return
    msg = f"explicit: {s!r}: a checkpoint of {h.steps} steps was taken ({order}) for a run of {h.steps + 1}"
    raise LawError(msg)


def _shows(law: str, s: Schedule, t: int, run: Driven, expected: NDArray[Any]) -> None:
    found = np.asarray(run.rates(), dtype=expected.dtype)
    if found.shape != expected[t].shape or (found != expected[t]).any():
        msg = f"{law}: {s!r}: before update {t} the rates are {found.tolist()}, not {expected[t].tolist()}"
        raise LawError(msg)
