"""Schedules as values: shapes put in places, with units, one notation, and the same numbers everywhere.

Start with `families` (what can be said) and `places` (what is evaluated); `bound` is where numbers come out.
"""

from lrdecay.schedule.base import PEAK as peak  # noqa: N811
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.bound import Bound
from lrdecay.schedule.compose import clamp, scale, warmup
from lrdecay.schedule.compose_factors import damped, noisy, product
from lrdecay.schedule.compose_join import join
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
from lrdecay.schedule.families_curves import (
    flat_cosine,
    halving,
    k_decay,
    knee,
    natural_exponential,
    rex,
    slanted_triangular,
    tanh,
)
from lrdecay.schedule.families_cycles import one_cycle, triangular, warm_restarts
from lrdecay.schedule.families_listed import piecewise, ramp, tabulated
from lrdecay.schedule.families_powers import inverse_sqrt, noam, power, token_power
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import from_json, parse
from lrdecay.schedule.peaks import at_peak, peak_of
from lrdecay.schedule.plan_bound import BoundPlan
from lrdecay.schedule.plan_cycles import one_cycle_plan
from lrdecay.schedule.plan_groups import group
from lrdecay.schedule.plan_growth import grow_batch
from lrdecay.schedule.plan_layers import discriminative, layerwise
from lrdecay.schedule.plan_notation import bound_from_json, parse_plan, plan_from_json
from lrdecay.schedule.plans import Plan, plan
from lrdecay.schedule.rates_file import read_rates
from lrdecay.schedule.rescale import rescale
from lrdecay.schedule.sameness import common_prefix, same_values

__all__ = [
    "Bound",
    "BoundPlan",
    "Duration",
    "Horizon",
    "Plan",
    "Schedule",
    "at_peak",
    "bound_from_json",
    "clamp",
    "common_prefix",
    "constant",
    "cosine",
    "damped",
    "discriminative",
    "duration",
    "exponential",
    "flat_cosine",
    "from_json",
    "group",
    "grow_batch",
    "halving",
    "inverse_sqrt",
    "inverse_time",
    "join",
    "k_decay",
    "knee",
    "layerwise",
    "linear",
    "multi_step",
    "natural_exponential",
    "noam",
    "noisy",
    "one_cycle",
    "one_cycle_plan",
    "parse",
    "parse_plan",
    "peak",
    "peak_of",
    "piecewise",
    "plan",
    "plan_from_json",
    "polynomial",
    "power",
    "product",
    "ramp",
    "read_rates",
    "rescale",
    "rex",
    "same_values",
    "scale",
    "slanted_triangular",
    "step",
    "tabulated",
    "tanh",
    "token_power",
    "triangular",
    "warm_restarts",
    "warmup",
    "wsd",
]
