"""Schedules as values: shapes put in places, with units, one notation, and the same numbers everywhere.

Start with `families` (what can be said) and `places` (what is evaluated); `bound` is where numbers come out.
"""

from lrdecay.schedule.base import PEAK as peak  # noqa: N811
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.bound import Bound
from lrdecay.schedule.compose import clamp, join, scale, warmup
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.families import (
    constant,
    cosine,
    exponential,
    inverse_time,
    linear,
    multi_step,
    polynomial,
    step,
    wsd,
)
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import from_json, parse
from lrdecay.schedule.peaks import at_peak, peak_of
from lrdecay.schedule.sameness import common_prefix, same_values

__all__ = [
    "Bound",
    "Duration",
    "Horizon",
    "Schedule",
    "at_peak",
    "clamp",
    "common_prefix",
    "constant",
    "cosine",
    "duration",
    "exponential",
    "from_json",
    "inverse_time",
    "join",
    "linear",
    "multi_step",
    "parse",
    "peak",
    "peak_of",
    "polynomial",
    "same_values",
    "scale",
    "step",
    "warmup",
    "wsd",
]
