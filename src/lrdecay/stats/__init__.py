"""How sure a number is: intervals, paired comparison of schedules by seed, who may be the best, and effects in steps.

Pure functions of numbers: nothing here knows of schedules, runs or files. Needs scipy (the ``study`` extra), so callers
import this room only when they use it.
"""

from __future__ import annotations

import importlib.util

from lrdecay.errors import MissingExtraError

if importlib.util.find_spec("scipy") is None:
    _msg = "`lrdecay.stats` must have scipy, which is not installed. Run: pip install 'lrdecay[study]'"
    raise MissingExtraError(_msg)

from lrdecay.stats.best import probability_best
from lrdecay.stats.curves import Band, band, difference_band
from lrdecay.stats.intervals import Interval, log10_t_interval, mean, t_interval
from lrdecay.stats.paired import (
    Difference,
    Ranking,
    Standing,
    compare_to_best,
    holm,
    paired_difference,
)
from lrdecay.stats.power import detectable, seeds_needed
from lrdecay.stats.racing import Beaten, Race, contenders
from lrdecay.stats.steps_saved import StepsSaved, steps_saved

__all__ = [
    "Band",
    "Beaten",
    "Difference",
    "Interval",
    "Race",
    "Ranking",
    "Standing",
    "StepsSaved",
    "band",
    "compare_to_best",
    "contenders",
    "detectable",
    "difference_band",
    "holm",
    "log10_t_interval",
    "mean",
    "paired_difference",
    "probability_best",
    "seeds_needed",
    "steps_saved",
    "t_interval",
]
