"""How sure a number is: intervals on a mean, and paired comparison of schedules by seed.

Pure functions of numbers: nothing here knows of schedules, runs or files. Needs scipy (the ``study`` extra), so callers
import this room only when they use it.
"""

from __future__ import annotations

import importlib.util

from lrdecay.errors import MissingExtraError

if importlib.util.find_spec("scipy") is None:
    _msg = "`lrdecay.stats` must have scipy, which is not installed. Run: pip install 'lrdecay[study]'"
    raise MissingExtraError(_msg)

from lrdecay.stats.intervals import Interval, log10_t_interval, mean, t_interval
from lrdecay.stats.paired import (
    Difference,
    Ranking,
    Standing,
    compare_to_best,
    detectable,
    holm,
    paired_difference,
)

__all__ = [
    "Difference",
    "Interval",
    "Ranking",
    "Standing",
    "compare_to_best",
    "detectable",
    "holm",
    "log10_t_interval",
    "mean",
    "paired_difference",
    "t_interval",
]
