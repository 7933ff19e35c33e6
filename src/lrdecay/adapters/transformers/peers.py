"""transformers' live schedulers as schedules of ours: what ``get_scheduler`` returned is read back, not run.

They are torch's LambdaLR over a ``functools.partial`` of a known function; its keywords are the arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import lrdecay.dialects.transformers  # noqa: F401
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.dialects.pieces import known_bug
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule, scale

__all__ = ["call_of", "from_peer"]

FACTORS = {
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


def from_peer(scheduler: Any, *, steps: int | None = None, as_is: bool = False) -> Schedule:
    """The schedule with exactly the numbers of a live scheduler of transformers, from t = 0 on.

    Where the groups have several rates it is that of the largest; the others keep their ratio to it.

    Args:
        scheduler: what ``get_scheduler`` or one of the functions behind it returned.
        steps: updates in the run; needed where the schedule has no end of its own.
        as_is: whether a plain bug of transformers is kept.

    Raises:
        InputError: it is not one of them, its groups have different schedules, or its value is a plain bug.
    """
    call, lr_init = call_of(scheduler)
    base = max(float(lr) for lr in scheduler.base_lrs)
    if lr_init is None or lr_init == base == min(scheduler.base_lrs):
        return translate(call, Run(base, steps, as_is))
    if not as_is:
        rule = f"must hold the rate that lr_end is relative to, optimizer.defaults['lr'] = {lr_init!r}, in each group"
        msg = known_bug("from_peer(scheduler)", rule, [float(lr) for lr in scheduler.base_lrs])
        raise InputError(msg)
    return scale(translate(call, Run(lr_init, steps, as_is)), base / lr_init)


def call_of(scheduler: Any) -> tuple[Call, float | None]:
    """The call that made a scheduler, and the rate its lr_end is relative to, where it has one.

    Raises:
        InputError: it was not made by transformers, or differs from group to group.
    """
    factors = getattr(scheduler, "lr_lambdas", None) or [None]
    functions = {getattr(f, "func", f) for f in factors}
    keywords = [_keywords(f) for f in factors]
    name = getattr(functions.pop(), "__name__", "")
    module = getattr(getattr(factors[0], "func", factors[0]), "__module__", "")
    if functions or any(k != keywords[0] for k in keywords):
        msg = refusal("from_peer(scheduler)", "must have one schedule for all groups", factors)
        raise InputError(msg)
    if name not in FACTORS or module != "transformers.optimization":
        cure = "Give what get_scheduler(...) returned; a plain LambdaLR cannot be read."
        rule = "must be a scheduler of transformers that is a function of t"
        msg = refusal("from_peer(scheduler)", rule, scheduler, cure)
        raise InputError(msg)
    named = dict(keywords[0])
    lr_init = named.pop("lr_init", None)
    made_by = FACTORS[name]
    if "min_lr_rate" in named and made_by == "get_cosine_schedule_with_warmup":
        made_by = "get_cosine_with_min_lr_schedule_with_warmup"
    return Call("transformers", made_by, (), named), None if lr_init is None else float(lr_init)


def _keywords(factor: Any) -> Mapping[str, Any]:
    return factor.keywords if isinstance(factor, functools.partial) else {}
