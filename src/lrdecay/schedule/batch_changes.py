"""What a horizon is told of its batch: how an update is shared out, and when the batch size changes.

    batch_size = micro_batch_size * grad_accumulation * world_size
    batch_changes={"60ep": 640, "120ep": 3200}

A change is kept as the exact number of samples before it, so that horizons that mean the same are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.schedule.duration import Duration, duration

if TYPE_CHECKING:
    from lrdecay.schedule.batch_clock import BatchClock

__all__ = ["Changes", "changing_clock", "moment_text", "shared_batch"]

Changes = tuple[tuple[Fraction, int], ...]
"""Samples before each change, rising, and the batch size from then on."""

_RATIO = re.compile(r"(\d{1,30})/(\d{1,30})samples", re.ASCII)
_CALL = "Horizon(batch_changes=...)"


def shared_batch(batch: int | None, micro: int | None, accumulation: int | None, world: int | None) -> int | None:
    """The samples of one update, all processes together; what was said must multiply up.

    Raises:
        InputError: it does not, or a batch cannot be shared out evenly.
    """
    parts = (accumulation or 1) * (world or 1)
    if micro is None:
        if batch is not None and batch % parts:
            rule = f"must be a multiple of grad_accumulation * world_size = {parts}"
            msg = refusal("Horizon(batch_size=...)", rule, batch, "It counts the samples of one update, all together.")
            raise InputError(msg)
        return batch
    if batch is not None and batch != micro * parts:
        rule = f"must be micro_batch_size * grad_accumulation * world_size = {micro * parts}"
        msg = refusal("Horizon(batch_size=...)", rule, batch, "Leave one of them out.")
        raise InputError(msg)
    return micro * parts


def changing_clock(given: Any, first: int, evenly: int, samples: Callable[[Duration], Fraction]) -> BatchClock:
    """The clock of a first batch size and its changes.

    Args:
        given: batch sizes by when they start, or pairs of the two.
        first: the batch size before the first change.
        evenly: what every batch size must be a multiple of.
        samples: a duration from the start of the run in samples, where it is not in updates.

    Raises:
        InputError: the changes are not in rising order, or a batch size does not fit.
    """
    from lrdecay.schedule.batch_clock import BatchClock

    clock = BatchClock.of(first)
    for when, size in _pairs(given):
        positive_int.check(_CALL, size)
        if size % evenly:
            rule = f"must be multiples of micro_batch_size * world_size = {evenly}"
            msg = refusal(_CALL, rule, size)
            raise InputError(msg)
        start = _start(when, clock, samples)
        if start <= clock.starts[-1]:
            msg = refusal(_CALL, "must be in rising order, after the start of the run", when)
            raise InputError(msg)
        clock = clock.then(start, size)
    return clock


def moment_text(samples: Fraction) -> str:
    """So many samples, as `changing_clock` reads them."""
    return f"{samples}samples"


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, list | tuple) or any(not isinstance(p, list | tuple) or len(p) != 2 for p in pairs):
        msg = refusal(_CALL, "must be batch sizes by when they start", given, 'Such as {"60ep": 640}.')
        raise InputError(msg)
    return [(when, size) for when, size in pairs]


def _start(when: Any, clock: BatchClock, samples: Callable[[Duration], Fraction]) -> Fraction:
    if isinstance(when, Fraction):
        return when
    if isinstance(when, str) and (match := _RATIO.fullmatch(when)) and int(match.group(2)):
        return Fraction(int(match.group(1)), int(match.group(2)))
    d = duration(int(when) if isinstance(when, str) and when.isdecimal() and len(when) < 19 else when, _CALL)
    return clock.samples(d.fraction) if d.unit == "steps" else samples(d)
