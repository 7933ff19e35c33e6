"""Schedules as values: shapes put in places, with units, one notation, and the same numbers everywhere.

Start with `families` (what can be said) and `places` (what is evaluated); `bound` is where numbers come out. Names are
loaded on first use (PEP 562): a program pays for the families it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lrdecay.schedule.duration import Duration, duration  # at once: the module has the name of the function
from lrdecay.schedule.register import HOMES

if TYPE_CHECKING:
    from lrdecay.schedule.base import PEAK as peak  # noqa: N811
    from lrdecay.schedule.base import Schedule as Schedule
    from lrdecay.schedule.bound import Bound as Bound
    from lrdecay.schedule.compose import clamp as clamp
    from lrdecay.schedule.compose import scale as scale
    from lrdecay.schedule.compose import warmup as warmup
    from lrdecay.schedule.compose_factors import damped as damped
    from lrdecay.schedule.compose_factors import noisy as noisy
    from lrdecay.schedule.compose_factors import product as product
    from lrdecay.schedule.compose_join import join as join
    from lrdecay.schedule.families import constant as constant
    from lrdecay.schedule.families import cosine as cosine
    from lrdecay.schedule.families import exponential as exponential
    from lrdecay.schedule.families import inverse_time as inverse_time
    from lrdecay.schedule.families import linear as linear
    from lrdecay.schedule.families import multi_step as multi_step
    from lrdecay.schedule.families import polynomial as polynomial
    from lrdecay.schedule.families import step as step
    from lrdecay.schedule.families import wsd as wsd
    from lrdecay.schedule.families_curves import flat_cosine as flat_cosine
    from lrdecay.schedule.families_curves import halving as halving
    from lrdecay.schedule.families_curves import k_decay as k_decay
    from lrdecay.schedule.families_curves import knee as knee
    from lrdecay.schedule.families_curves import natural_exponential as natural_exponential
    from lrdecay.schedule.families_curves import rex as rex
    from lrdecay.schedule.families_curves import slanted_triangular as slanted_triangular
    from lrdecay.schedule.families_curves import tanh as tanh
    from lrdecay.schedule.families_cycles import one_cycle as one_cycle
    from lrdecay.schedule.families_cycles import triangular as triangular
    from lrdecay.schedule.families_cycles import warm_restarts as warm_restarts
    from lrdecay.schedule.families_listed import piecewise as piecewise
    from lrdecay.schedule.families_listed import ramp as ramp
    from lrdecay.schedule.families_listed import tabulated as tabulated
    from lrdecay.schedule.families_powers import inverse_sqrt as inverse_sqrt
    from lrdecay.schedule.families_powers import noam as noam
    from lrdecay.schedule.families_powers import power as power
    from lrdecay.schedule.families_powers import token_power as token_power
    from lrdecay.schedule.horizon import Horizon as Horizon
    from lrdecay.schedule.notation import from_json as from_json
    from lrdecay.schedule.notation import parse as parse
    from lrdecay.schedule.peaks import at_peak as at_peak
    from lrdecay.schedule.peaks import peak_of as peak_of
    from lrdecay.schedule.plan_bound import BoundPlan as BoundPlan
    from lrdecay.schedule.plan_cycles import one_cycle_plan as one_cycle_plan
    from lrdecay.schedule.plan_groups import group as group
    from lrdecay.schedule.plan_growth import grow_batch as grow_batch
    from lrdecay.schedule.plan_layers import discriminative as discriminative
    from lrdecay.schedule.plan_layers import layerwise as layerwise
    from lrdecay.schedule.plan_notation import bound_from_json as bound_from_json
    from lrdecay.schedule.plan_notation import parse_plan as parse_plan
    from lrdecay.schedule.plan_notation import plan_from_json as plan_from_json
    from lrdecay.schedule.plans import Plan as Plan
    from lrdecay.schedule.plans import plan as plan
    from lrdecay.schedule.rates_file import read_rates as read_rates
    from lrdecay.schedule.rescaling import rescale as rescale
    from lrdecay.schedule.sameness import common_prefix as common_prefix
    from lrdecay.schedule.sameness import same_values as same_values

_ROOMS = {
    "base": ("Schedule",),
    "bound": ("Bound",),
    "horizon": ("Horizon",),
    "notation": (
        "from_json",
        "parse",
    ),
    "peaks": (
        "at_peak",
        "peak_of",
    ),
    "plan_bound": ("BoundPlan",),
    "plan_cycles": ("one_cycle_plan",),
    "plan_groups": ("group",),
    "plan_growth": ("grow_batch",),
    "plan_layers": (
        "discriminative",
        "layerwise",
    ),
    "plan_notation": (
        "bound_from_json",
        "parse_plan",
        "plan_from_json",
    ),
    "plans": (
        "Plan",
        "plan",
    ),
    "rates_file": ("read_rates",),
    "rescaling": ("rescale",),
    "sameness": (
        "common_prefix",
        "same_values",
    ),
}
_HOME = HOMES | {name: room for room, names in _ROOMS.items() for name in names}

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


def _load(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in __all__:
        msg = f"module 'lrdecay.schedule' has no attribute {name!r}"
        raise AttributeError(msg)
    home, given = ("base", "PEAK") if name == "peak" else (_HOME[name], name)
    value = getattr(importlib.import_module(f"lrdecay.schedule.{home}"), given)
    globals()[name] = value
    return value


if not TYPE_CHECKING:  # a type checker is to find a name that is not there
    __getattr__ = _load
