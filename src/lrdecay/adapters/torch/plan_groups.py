"""Parameter groups for a torch optimizer, made from a model and a plan.

    bound = plan(lr=cosine(3e-4), weight_decay=0.1, groups={"*.bias": group(weight_decay=0)}).bind(horizon)
    optimizer = torch.optim.AdamW(parameter_groups(model, bound))
    scheduler = attach(optimizer, bound)

Each group carries its label as ``group["plan"]``, which is how `attach` knows its values, and ``group["lr_scale"]``,
which is 1: the plan's scales are in its values. A group added later carries its own; ``parameter_groups`` of the new
module makes it.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from lrdecay.errors import InputError, refusal
from lrdecay.schedule import BoundPlan, Plan, parse_plan
from lrdecay.schedule.plan_selection import select

__all__ = ["parameter_groups"]


def parameter_groups(model: Any, plan: Any) -> list[dict[str, Any]]:
    """Groups for an optimizer's constructor: every parameter of the model exactly once, under its label of the plan.

    The plan may be bound, or in the notation. A parameter that is shared counts once, under the first of its names.
    Frozen parameters (``requires_grad=False``) are in, so that they may be thawed later. Labels that no parameter falls
    under have no group.

    Returns:
        ``{"params": [...], "param_names": [...], "plan": label, "lr_scale": 1.0}`` for each label, in the plan's order.

    Raises:
        InputError: the model has no parameters, a pattern of the plan matches none, or its layers are not the plan's.
    """
    if not isinstance(model, nn.Module):
        msg = refusal("parameter_groups(model)", "must be a torch.nn.Module", type(model).__name__)
        raise InputError(msg)
    if isinstance(plan, str):
        plan = parse_plan(plan)
    if isinstance(plan, BoundPlan):
        plan = plan.plan
    if not isinstance(plan, Plan):
        msg = refusal("parameter_groups(plan)", "must be a plan", plan, 'Such as "plan(lr=0.1)".')
        raise InputError(msg)
    named = list(model.named_parameters())
    if not named:
        msg = refusal("parameter_groups(model)", "must have parameters", type(model).__name__)
        raise InputError(msg)
    return [
        {
            "params": [parameter for _, parameter in held],
            "param_names": [name for name, _ in held],
            "plan": label,
            "lr_scale": 1.0,
        }
        for label, held in select(plan, named).items()
    ]
