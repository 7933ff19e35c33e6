"""Comparing schedules by their numbers instead of their spelling."""

from __future__ import annotations

import numpy as np

from lrdecay.schedule.base import Schedule
from lrdecay.schedule.horizon import Horizon

__all__ = ["common_prefix", "same_values"]


def same_values(a: Schedule, b: Schedule, horizon: Horizon) -> bool:
    """Whether two schedules give the same float64 bits at every update of the horizon."""
    return common_prefix(a, b, horizon) == horizon.steps


def common_prefix(a: Schedule, b: Schedule, horizon: Horizon) -> int:
    """The first update at which two schedules differ; ``horizon.steps`` where none does."""
    differ = np.flatnonzero(a.bind(horizon).values() != b.bind(horizon).values())
    return int(differ[0]) if differ.size else horizon.steps
