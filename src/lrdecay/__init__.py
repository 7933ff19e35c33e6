"""lrdecay: which learning rate, decayed how, and when? A measured answer instead of folklore.

    import lrdecay
    from lrdecay import Horizon, cosine, step, warmup

    s = lrdecay.parse('warmup(500) + cosine(0.1, floor=0.001)')
    f = s.bind(Horizon(steps=10_000))
    f(0), f.values()

Names are loaded on first use (PEP 562), so that ``import lrdecay`` costs next to nothing and imports no framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrdecay.adapters import accelerate as accelerate
    from lrdecay.adapters import lightning as lightning
    from lrdecay.adapters import transformers as transformers
    from lrdecay.errors import InputError as InputError
    from lrdecay.errors import LrdecayError as LrdecayError
    from lrdecay.errors import RunError as RunError
    from lrdecay.feedback import notation as _notation
    from lrdecay.feedback.autodrop import autodrop as autodrop
    from lrdecay.feedback.bounce import weight_norm_bounce as weight_norm_bounce
    from lrdecay.feedback.distance import distance_slope as distance_slope
    from lrdecay.feedback.greedy import greedy as greedy
    from lrdecay.feedback.hypergradient import hypergradient as hypergradient
    from lrdecay.feedback.plateau import plateau as plateau
    from lrdecay.feedback.plateau_classic import classic_plateau as classic_plateau
    from lrdecay.feedback.plateau_peers import keras_plateau as keras_plateau
    from lrdecay.feedback.plateau_peers import optax_plateau as optax_plateau
    from lrdecay.feedback.plateau_peers import torch_plateau as torch_plateau
    from lrdecay.feedback.refined import refined as refined
    from lrdecay.feedback.sasa import sasa as sasa
    from lrdecay.feedback.wrappers import delayed as delayed
    from lrdecay.feedback.wrappers import floored as floored
    from lrdecay.feedback.wrappers import limited as limited
    from lrdecay.feedback.wrappers import rested as rested
    from lrdecay.schedule import Bound as Bound
    from lrdecay.schedule import BoundPlan as BoundPlan
    from lrdecay.schedule import Horizon as Horizon
    from lrdecay.schedule import Plan as Plan
    from lrdecay.schedule import Schedule as Schedule
    from lrdecay.schedule import at_peak as at_peak
    from lrdecay.schedule import bound_from_json as bound_from_json
    from lrdecay.schedule import clamp as clamp
    from lrdecay.schedule import common_prefix as common_prefix
    from lrdecay.schedule import constant as constant
    from lrdecay.schedule import cosine as cosine
    from lrdecay.schedule import damped as damped
    from lrdecay.schedule import discriminative as discriminative
    from lrdecay.schedule import exponential as exponential
    from lrdecay.schedule import flat_cosine as flat_cosine
    from lrdecay.schedule import group as group
    from lrdecay.schedule import grow_batch as grow_batch
    from lrdecay.schedule import halving as halving
    from lrdecay.schedule import inverse_sqrt as inverse_sqrt
    from lrdecay.schedule import inverse_time as inverse_time
    from lrdecay.schedule import join as join
    from lrdecay.schedule import k_decay as k_decay
    from lrdecay.schedule import knee as knee
    from lrdecay.schedule import layerwise as layerwise
    from lrdecay.schedule import linear as linear
    from lrdecay.schedule import multi_step as multi_step
    from lrdecay.schedule import natural_exponential as natural_exponential
    from lrdecay.schedule import noam as noam
    from lrdecay.schedule import noisy as noisy
    from lrdecay.schedule import one_cycle as one_cycle
    from lrdecay.schedule import one_cycle_plan as one_cycle_plan
    from lrdecay.schedule import parse_plan as parse_plan
    from lrdecay.schedule import peak as peak
    from lrdecay.schedule import peak_of as peak_of
    from lrdecay.schedule import piecewise as piecewise
    from lrdecay.schedule import plan as plan
    from lrdecay.schedule import plan_from_json as plan_from_json
    from lrdecay.schedule import polynomial as polynomial
    from lrdecay.schedule import power as power
    from lrdecay.schedule import product as product
    from lrdecay.schedule import ramp as ramp
    from lrdecay.schedule import read_rates as read_rates
    from lrdecay.schedule import rescale as rescale
    from lrdecay.schedule import rex as rex
    from lrdecay.schedule import same_values as same_values
    from lrdecay.schedule import scale as scale
    from lrdecay.schedule import slanted_triangular as slanted_triangular
    from lrdecay.schedule import step as step
    from lrdecay.schedule import tabulated as tabulated
    from lrdecay.schedule import tanh as tanh
    from lrdecay.schedule import token_power as token_power
    from lrdecay.schedule import triangular as triangular
    from lrdecay.schedule import warm_restarts as warm_restarts
    from lrdecay.schedule import warmup as warmup
    from lrdecay.schedule import wsd as wsd
    from lrdecay.verbs.compare import compare as compare
    from lrdecay.verbs.convert import convert as convert
    from lrdecay.verbs.cooldown import cooldown as cooldown
    from lrdecay.verbs.extend import extend as extend
    from lrdecay.verbs.find import find as find
    from lrdecay.verbs.forecast import forecast as forecast
    from lrdecay.verbs.resume import resume as resume
    from lrdecay.verbs.script import script as script
    from lrdecay.verbs.show import show as show
    from lrdecay.verbs.steer import live as live
    from lrdecay.verbs.steer import steer as steer
    from lrdecay.verbs.steerable import steerable as steerable
    from lrdecay.verbs.train import train as train

    parse, from_json = _notation.parse_ruled, _notation.ruled_from_json

_ROOMS = {
    "errors": ("InputError", "LrdecayError", "RunError"),
    "feedback.autodrop": ("autodrop",),
    "feedback.bounce": ("weight_norm_bounce",),
    "feedback.distance": ("distance_slope",),
    "feedback.greedy": ("greedy",),
    "feedback.hypergradient": ("hypergradient",),
    "feedback.plateau": ("plateau",),
    "feedback.plateau_classic": ("classic_plateau",),
    "feedback.plateau_peers": (
        "keras_plateau",
        "optax_plateau",
        "torch_plateau",
    ),
    "feedback.refined": ("refined",),
    "feedback.sasa": ("sasa",),
    "feedback.wrappers": (
        "delayed",
        "floored",
        "limited",
        "rested",
    ),
    "schedule": (
        "Bound",
        "BoundPlan",
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
        "exponential",
        "flat_cosine",
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
    ),
    "verbs.compare": ("compare",),
    "verbs.convert": ("convert",),
    "verbs.cooldown": ("cooldown",),
    "verbs.extend": ("extend",),
    "verbs.find": ("find",),
    "verbs.forecast": ("forecast",),
    "verbs.resume": ("resume",),
    "verbs.script": ("script",),
    "verbs.show": ("show",),
    "verbs.steer": ("live", "steer"),
    "verbs.steerable": ("steerable",),
    "verbs.train": ("train",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}
_HERE = {"parse": ("feedback.notation", "parse_ruled"), "from_json": ("feedback.notation", "ruled_from_json")}
"""Names that are others in their rooms: at the door, a schedule under a rule is read too."""
_DOORS = ("accelerate", "lightning", "transformers")  # adapters, as lrdecay.lightning and so on

__all__ = sorted(_HOME.keys() | _HERE.keys())


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    if name in _DOORS:
        return importlib.import_module(f"lrdecay.adapters.{name}")
    if name not in _HOME and name not in _HERE:
        msg = f"module 'lrdecay' has no attribute {name!r}"
        raise AttributeError(msg)
    room, there = _HERE[name] if name in _HERE else (_HOME[name], name)
    value = getattr(importlib.import_module(f"lrdecay.{room}"), there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return __all__
