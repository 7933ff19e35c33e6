"""A schedule as code for transformers: one of its get_..._schedule functions if it has these numbers, else LambdaLR.

Its warmups start from a rate of 0, which is ``ramp(0, peak, over=w) + ...`` here. All of its functions return torch's
LambdaLR, so that LambdaLR with the equation is as much at home in its Trainer.
"""

from __future__ import annotations

from typing import Any

from lrdecay.dialects.writing_parts import Part, call, header, parts
from lrdecay.dialects.writing_torch import lambda_code, optimizer_line
from lrdecay.schedule import Bound, constant, cosine, linear, polynomial, ramp

__all__ = ["write_transformers"]


def write_transformers(bound: Bound) -> str:
    """The code; ``model`` is the user's.

    Raises:
        InputError: the schedule holds a part that cannot be written as code.
    """
    trainer = "# trainer = transformers.Trainer(..., optimizers=(optimizer, scheduler))\n"
    native = _native(parts(bound) or [], bound)
    if native is None:
        return lambda_code(bound, "AdamW") + trainer
    name, arguments, rate = native
    scheduler = call(f"transformers.{name}", "optimizer", **arguments)
    return (
        f"import torch\nimport transformers\n\n{optimizer_line('AdamW', rate)}\n{header(bound)}\n"
        f"scheduler = {scheduler}\n{trainer}"
    )


def _native(made: list[Part], bound: Bound) -> tuple[str, dict[str, Any], float] | None:
    """The function, its arguments, and the rate of the optimizer."""
    warm = 0
    if len(made) == 2 and isinstance(made[0].schedule, ramp):
        first = made[0]
        starts_from_zero = first.schedule.start == 0.0 and first.schedule.shape == "linear"
        if not starts_from_zero or first.schedule.end != getattr(made[1].schedule, "peak", None):
            return None
        warm, made = first.steps, made[1:]
    if len(made) != 1:
        return None
    s, total = made[0].schedule, warm + made[0].steps
    warmed = {"num_warmup_steps": warm, "num_training_steps": total}
    match s:
        case constant() if total >= bound.steps:
            if not warm:
                return "get_constant_schedule", {}, s.peak
            return "get_constant_schedule_with_warmup", {"num_warmup_steps": warm}, s.peak
        case linear() if s.floor == 0.0:
            return "get_linear_schedule_with_warmup", warmed, s.peak
        case cosine() if total >= bound.steps and s.floor == 0.0:
            return "get_cosine_schedule_with_warmup", warmed, s.peak
        case cosine() if total >= bound.steps:
            return "get_cosine_with_min_lr_schedule_with_warmup", {**warmed, "min_lr": s.floor}, s.peak
        case polynomial() | linear() if s.floor < s.peak:
            ends = {"lr_end": s.floor, "power": getattr(s, "power", 1.0)}
            return "get_polynomial_decay_schedule_with_warmup", {**warmed, **ends}, s.peak
    return None
