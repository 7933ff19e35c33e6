"""The peak of a schedule, read and replaced: how a schedule is moved to another learning rate.

A peak is the family's ``peak``, or the highest of the rates it lists; floors and clamps are absolute and stay. In a
chain or a join, all peaks move by the same ratio, so that their proportions hold. Where one part carries the rate and
the others shape it (a product, a join that carries its value over), the peak is that part's.

A family may have no stated peak: `noam` has a ``scale``, and what it peaks at depends on how many updates its warmup
is. Such a family says its peak by ``top(horizon)``; where the warmup is in updates no horizon is needed, elsewhere it
must be given. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import Attribute, fields

from lrdecay.errors import InputError, positive, refusal
from lrdecay.schedule.base import PEAK, OpenPeak, Rate, Schedule
from lrdecay.schedule.nodes import leading, mapped

if TYPE_CHECKING:
    from lrdecay.schedule.horizon import Horizon

__all__ = ["at_peak", "is_open", "peak_of"]


def _nodes(node: Any) -> Iterator[Any]:
    """Every node whose rates are the schedule's own."""
    yield node
    for part in leading(node):
        yield from _nodes(part)


def _moving(node: Any) -> Iterator[Rate]:
    """The values of one node that a change of the peak moves."""
    for a in fields(type(node)):
        if a.metadata.get("moves"):
            value = getattr(node, a.name)
            yield from value if isinstance(value, tuple) else (value,)


def is_open(schedule: Schedule) -> bool:
    """Whether any peak is left open."""
    return any(p is PEAK for node in _nodes(schedule) for p in _moving(node))


def peak_of(schedule: Schedule, horizon: Horizon | None = None) -> float | None:
    """The largest stated peak; None where the peaks are open.

    Args:
        schedule: any schedule.
        horizon: where it will run; needed only where a peak depends on it, as `noam`'s does.

    Raises:
        InputError: some peaks are open and some are stated, or a peak depends on a horizon that is not given.
    """
    peaks: list[Rate] = []
    for node in _nodes(schedule):
        top = getattr(node, "top", None)
        peaks += _moving(node) if top is None else [top(horizon)]
    peaks = [p for p in peaks if p != 0]  # nothing stays nothing
    stated = [p for p in peaks if not isinstance(p, OpenPeak)]
    if stated and len(stated) < len(peaks):
        msg = refusal(repr(schedule), "must leave all of its peaks open or none", "some open", "State them all.")
        raise InputError(msg)
    return max(stated) if stated else None


def at_peak(schedule: Schedule, peak: float, horizon: Horizon | None = None) -> Schedule:
    """The same schedule with its (largest) peak at ``peak``; open peaks are filled with it.

    Raises:
        InputError: the peak is not positive, or falls below a floor of the schedule; or as `peak_of`.
    """
    positive.check("at_peak(peak=...)", peak)
    now = peak_of(schedule, horizon)

    def change(node: Any, a: Attribute[Any], value: Any) -> Any:
        if not a.metadata.get("moves") or value == 0:  # where a ramp starts from nothing, or a listed run pauses
            return value
        if now is None or (value == now and not hasattr(node, "top")):
            return float(peak)
        return float(value) * (peak / now)

    moved: Schedule = mapped(schedule, change, led=True)
    return moved
