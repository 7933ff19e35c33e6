"""Curves that run evenly by sample where the batch size changes; elsewhere updates and samples are the same."""

from __future__ import annotations

from typing import final

from lrdecay.schedule.batch_clock import BatchClock
from lrdecay.schedule.segments import Rates, Segment, Steps
from lrdecay.schedule.value import value

__all__ = ["Paced"]


@final
@value
class Paced:
    """A segment whose argument counts samples instead of updates, so that it runs evenly by sample."""

    inner: Segment
    clock: BatchClock

    def __call__(self, t: Steps) -> Rates:
        """inner(consumed(t))."""
        return self.inner(self.clock.consumed(t))
