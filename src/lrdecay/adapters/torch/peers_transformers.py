"""transformers' live schedulers: torch's LambdaLR over a ``functools.partial`` of a known function.

The keywords of that partial are the arguments; they are read, and nothing is run.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import lrdecay.dialects.transformers  # noqa: F401  (it registers its translators)
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.dialects.pieces import known_bug
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, scale

__all__ = ["of_transformers"]

_MADE_BY = {
    "_get_constant_lambda": "get_constant_schedule",
    "_get_constant_schedule_with_warmup_lr_lambda": "get_constant_schedule_with_warmup",
    "_get_linear_schedule_with_warmup_lr_lambda": "get_linear_schedule_with_warmup",
    "_get_cosine_schedule_with_warmup_lr_lambda": "get_cosine_schedule_with_warmup",
    "_get_cosine_with_hard_restarts_schedule_with_warmup_lr_lambda": (
        "get_cosine_with_hard_restarts_schedule_with_warmup"
    ),
    "_get_polynomial_decay_schedule_with_warmup_lr_lambda": "get_polynomial_decay_schedule_with_warmup",
    "_get_inverse_sqrt_schedule_lr_lambda": "get_inverse_sqrt_schedule",
    "_get_cosine_with_min_lr_schedule_with_warmup_lr_rate_lambda": (
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"
    ),
    "_get_wsd_scheduler_lambda": "get_wsd_schedule",
}
"""The functions of transformers that a LambdaLR may hold, and who makes them."""


def of_transformers(scheduler: Any, steps: int | None, *, as_is: bool) -> Schedule | None:
    """The schedule of the group with the largest rate, the others being in a ratio to it; None for any other scheduler.

    Args:
        scheduler: a live scheduler of torch's.
        steps: updates in the run; needed where the schedule has no end of its own.
        as_is: whether a plain bug of transformers is kept.

    Raises:
        InputError: its groups have different schedules, or its value is a plain bug.
    """
    made = _call(scheduler)
    if made is None:
        return None
    call, relative = made
    rates = [float(lr) for lr in scheduler.base_lrs]
    base = max(rates)
    if base == 0.0:
        msg = refusal("from_peer(scheduler)", "must have a group whose rate is not zero", 0.0)
        raise InputError(msg)
    run = Run(base, steps, as_is, call="from_peer")
    if relative is None or {relative} == set(rates):
        return translate(call, run)
    if not as_is:
        rule = f"must hold the rate that lr_end is relative to, optimizer.defaults['lr'] = {relative!r}, in each group"
        msg = known_bug("from_peer(scheduler)", rule, rates)
        raise InputError(msg)
    return scale(translate(call, Run(relative, steps, as_is, call="from_peer")), base / relative)


def _call(scheduler: Any) -> tuple[Call, float | None] | None:
    """The call that made a scheduler, and the rate its lr_end is relative to, where it has one."""
    factors = getattr(scheduler, "lr_lambdas", None)
    functions = [getattr(f, "func", f) for f in factors or ()]
    known = [f for f in functions if getattr(f, "__module__", "") == "transformers.optimization"]
    if not known or known[0].__name__ not in _MADE_BY:
        return None
    keywords = [_keywords(f) for f in factors or ()]
    if any(f is not functions[0] for f in functions) or any(k != keywords[0] for k in keywords):
        msg = refusal("from_peer(scheduler)", "must have one schedule for all groups", factors)
        raise InputError(msg)
    named, made_by = dict(keywords[0]), _MADE_BY[known[0].__name__]
    relative = named.pop("lr_init", None)
    if "min_lr_rate" in named and made_by == "get_cosine_schedule_with_warmup":
        made_by = "get_cosine_with_min_lr_schedule_with_warmup"
    return Call("transformers", made_by, (), named), None if relative is None else float(relative)


def _keywords(factor: Any) -> Mapping[str, Any]:
    return factor.keywords if isinstance(factor, functools.partial) else {}
