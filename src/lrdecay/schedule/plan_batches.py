"""The horizon of a plan: the one it is bound to, with the plan's batch sizes put on its clock.

A batch size is piecewise constant. Its boundaries count samples like all others; those written in updates count the
updates of the plan itself. So changes are placed one after the other, each on the clock of those before it.
"""

from __future__ import annotations

from fractions import Fraction

from attrs import evolve

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.duration import round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.plan_pieces import steps_of
from lrdecay.schedule.plan_values import Value

__all__ = ["with_batches"]

_CALL = "plan(batch_size=...)"


def with_batches(stated: Value | None, horizon: Horizon) -> Horizon:
    """The horizon with a plan's batch sizes; as it is where the plan has none.

    A run that is said in epochs sees as many samples as before; one that is said in updates has as many of them.

    Raises:
        InputError: the horizon says another batch size, the plan's is not made of steps, or is no whole number above 0.
    """
    if stated is None:
        return horizon
    if not isinstance(stated, Schedule):
        return _starting(int(stated), horizon)
    _, size = _sizes(stated, horizon)[0]
    first = found = _starting(size, horizon)
    while len(sizes := _sizes(stated, found)) > len(found.batch_changes) + 1:
        position, size = sizes[len(found.batch_changes) + 1]
        changes = (*found.batch_changes, (_samples(position, found), size))
        found = evolve(first, steps=first.steps if first.epochs is None else None, batch_changes=changes)  # type: ignore[arg-type]
    if found.batch_changes != tuple((_samples(p, found), size) for p, size in sizes[1:]):
        cure = "Say the run as epochs=, with samples_per_epoch= and batch_size=."
        msg = refusal(_CALL, "must not change at a share of a run that is said in updates", stated, cure)
        raise InputError(msg)
    return found


def _starting(size: int, horizon: Horizon) -> Horizon:
    if horizon.clock is not None or horizon.batch_size not in (None, size):
        rule = f"must start with the batch size of the horizon, {horizon.batch_size}, which must not change itself"
        msg = refusal(_CALL, rule, size)
        raise InputError(msg)
    return horizon if horizon.batch_size == size else evolve(horizon, batch_size=size)


def _samples(position: Fraction, horizon: Horizon) -> Fraction:
    return position * (horizon.batch_size or 1) if horizon.clock is None else horizon.clock.samples(position)


def _sizes(stated: Schedule, horizon: Horizon) -> list[tuple[Fraction, int]]:
    """Where each batch size starts, in updates of this horizon."""
    cure = 'Such as piecewise([128, 256], at=["50%"]).'
    sizes = [(p, round_half_up(Fraction(v))) for p, v in steps_of(_CALL, stated, horizon, cure=cure)]
    for _, size in sizes:
        if size < 1:
            msg = refusal(_CALL, "must be at least 1 at every step", size)
            raise InputError(msg)
    return [now for i, now in enumerate(sizes) if i == 0 or now[1] != sizes[i - 1][1]]
