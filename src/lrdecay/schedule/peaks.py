"""The peak of a schedule, read and replaced: how a schedule is moved to another learning rate.

A peak is the family's ``peak``, or the highest of the rates it lists; floors and clamps are absolute and stay. In a
chain or a join, all peaks move by the same ratio, so that their proportions hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve, fields

from lrdecay.errors import InputError, positive, refusal
from lrdecay.schedule.base import PEAK, OpenPeak, Prefix, Rate, Schedule

__all__ = ["at_peak", "is_open", "peak_of"]


def _peaks(node: Any) -> Iterator[Rate]:
    for a in fields(type(node)):
        value = getattr(node, a.name)
        if a.metadata.get("moves"):
            yield from value if isinstance(value, tuple) else (value,)
        elif isinstance(value, Schedule):
            yield from _peaks(value)
        elif isinstance(value, tuple):
            for v in value:
                if isinstance(v, Schedule):
                    yield from _peaks(v)


def is_open(schedule: Schedule) -> bool:
    """Whether any peak is left open."""
    return any(p is PEAK for p in _peaks(schedule))


def peak_of(schedule: Schedule) -> float | None:
    """The largest stated peak; None where the peaks are open.

    Raises:
        InputError: some peaks are open and some are stated.
    """
    peaks = [p for p in _peaks(schedule) if p != 0]  # nothing stays nothing
    stated = [p for p in peaks if not isinstance(p, OpenPeak)]
    if stated and len(stated) < len(peaks):
        msg = refusal(repr(schedule), "must leave all of its peaks open or none", "some open", "State them all.")
        raise InputError(msg)
    return max(stated) if stated else None


def at_peak(schedule: Schedule, peak: float) -> Schedule:
    """The same schedule with its (largest) peak at ``peak``; open peaks are filled with it.

    Raises:
        InputError: the peak is not positive, or falls below a floor of the schedule.
    """
    positive.check("at_peak(peak=...)", peak)
    now = peak_of(schedule)

    def change(p: Rate) -> float:
        if p == 0:  # where a ramp starts from nothing, or a listed run pauses
            return 0.0
        return peak if now is None or p == now else float(p) * (peak / now)  # type: ignore[arg-type]

    moved: Schedule = _mapped(schedule, change)
    return moved


def _mapped(node: Any, change: Callable[[Rate], float]) -> Any:
    """The node with every peak changed; values are never mutated."""
    from lrdecay.schedule.compose import join

    if isinstance(node, join):
        return join(*(_mapped(p, change) for p in node.parts), at=node.at, over=node.over)
    changes: dict[str, object] = {}
    for a in fields(type(node)):
        value = getattr(node, a.name)
        if a.metadata.get("moves"):
            changes[a.name] = tuple(map(change, value)) if isinstance(value, tuple) else change(value)
        elif isinstance(value, Schedule):
            changes[a.name] = _mapped(value, change)
        elif isinstance(value, tuple) and any(isinstance(v, Schedule | Prefix) for v in value):
            changes[a.name] = tuple(_mapped(v, change) if isinstance(v, Schedule) else v for v in value)
    return evolve(node, **changes) if changes else node
