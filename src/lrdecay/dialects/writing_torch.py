"""A schedule as PyTorch code: one of torch's schedulers if it has these numbers, else LambdaLR with the equation.

torch's CosineAnnealingLR, LinearLR, StepLR and others multiply the last rate by a ratio; over a run the rounding grows,
but stays within 1e-12 of the peak. Chains are never written as SequentialLR, which loses the start of its parts.
"""

from __future__ import annotations

from typing import Any

from lrdecay.dialects.writing_parts import Part, body, call, header, spanning, whole
from lrdecay.dialects.writing_words import PYTHON
from lrdecay.schedule import (
    Bound,
    constant,
    cosine,
    exponential,
    linear,
    multi_step,
    polynomial,
    step,
    triangular,
    warm_restarts,
)
from lrdecay.schedule.duration import round_half_up

__all__ = ["lambda_code", "optimizer_line", "write_torch"]

_MODULE = "torch.optim.lr_scheduler"
_LONGEST = 10_000  # updates; beyond, what is multiplied up to the last rate is no longer exact to 1e-12


def write_torch(bound: Bound) -> str:
    """The code; ``model`` is the user's.

    Raises:
        InputError: the schedule holds a part that cannot be written as code.
    """
    part = spanning(bound)
    native = None if part is None or bound.steps > _LONGEST else _native(part, bound)
    if native is None:
        return lambda_code(bound)
    name, arguments, rate = native
    scheduler = call(f"{_MODULE}.{name}", "optimizer", **arguments)
    return f"import torch\n\n{optimizer_line('SGD', rate)}\n{header(bound)}\nscheduler = {scheduler}\n{_STEP}"


_STEP = "# after each optimizer.step(): scheduler.step()\n"


def optimizer_line(name: str, rate: float) -> str:
    """The user's optimizer, with the rate it must have."""
    return f"optimizer = torch.optim.{name}(model.parameters(), lr={rate!r})  # yours; its lr must be {rate!r}"


def lambda_code(bound: Bound, optimizer: str = "SGD") -> str:
    """LambdaLR over an optimizer whose own rate is 1, so that the function says the rate itself."""
    lines = body(bound, PYTHON)
    imports = [f"import {name}\n" for name in ("bisect", "math") if f"{name}." in lines]
    return (
        f"{''.join(imports)}{chr(10) if imports else ''}import torch\n\n\n{header(bound)}\n"
        f"def rate(t):\n{lines}\n\n\n{optimizer_line(optimizer, 1.0)}\n"
        f"scheduler = {_MODULE}.LambdaLR(optimizer, rate)\n{_STEP}"
    )


def _native(part: Part, bound: Bound) -> tuple[str, dict[str, Any], float] | None:
    """The class, its arguments, and the rate of the optimizer."""
    s, steps = part.schedule, part.steps
    until_end = steps >= bound.steps
    match s:
        case constant() if until_end:
            return "ConstantLR", {"factor": 1.0, "total_iters": 0}, s.peak
        case linear():
            ends = {"start_factor": 1.0, "end_factor": s.floor / s.peak}
            return "LinearLR", {**ends, "total_iters": steps}, s.peak
        case cosine() if until_end:
            return "CosineAnnealingLR", {"T_max": steps, "eta_min": s.floor}, s.peak
        case polynomial() if s.floor == 0.0:
            return "PolynomialLR", {"total_iters": steps, "power": s.power}, s.peak
        case step() if until_end and (n := whole(s.every, bound)):
            return "StepLR", {"step_size": n, "gamma": s.factor}, s.peak
        case multi_step() if until_end:
            at = [round_half_up(bound.horizon.length(d)) for d in s.at]
            return "MultiStepLR", {"milestones": at, "gamma": s.factor}, s.peak
        case exponential() if until_end and not s.staircase and whole(s.every, bound) == 1:
            return "ExponentialLR", {"gamma": s.factor}, s.peak
        case warm_restarts() if until_end and s.shrink == 1.0 and s.growth == int(s.growth):
            if n := whole(s.first, bound):
                growth = {"T_0": n, "T_mult": int(s.growth), "eta_min": s.floor}
                return "CosineAnnealingWarmRestarts", growth, s.peak
        case triangular() if until_end and (n := whole(s.half_cycle, bound)):
            mode = {"constant": "triangular", "halve": "triangular2", "exp": "exp_range"}[s.scale]
            cycle = {"base_lr": s.low, "max_lr": s.high, "step_size_up": n, "mode": mode, "gamma": s.gamma}
            return "CyclicLR", {**cycle, "cycle_momentum": False}, s.high
    return None
