"""Which runs are to be trained first, asked of somebody above: an order of training, which changes no number.

The executor asks whenever a worker is free, and tells every run that is finished, so that the order may follow what
came out. What it says decides only when a run is made: a run's bits depend on its own values alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lrdecay.runs.spec import RunResult, RunSpec

__all__ = ["Priority"]


class Priority(Protocol):
    """Who says what comes first."""

    def told(self, run: RunSpec, result: RunResult) -> None:
        """A run is finished, now or before."""

    def ranks(self, runs: Sequence[RunSpec]) -> Sequence[int]:
        """The place of each of these runs in the order of training, lowest first; finished ones are of no account."""
