"""The plan of one cycle: the rate goes up and down once, and the momentum down and up against it.

    two phases     momentum high -> low over the warmup, low -> high over the rest
    three phases   high -> low, low -> high over as long, then high until the end

Smith & Topin 2018 (arXiv:1708.07120) and Smith 2018 (arXiv:1803.09820); the phases are those of torch's ``OneCycleLR``.
"""

from __future__ import annotations

from typing import Any

from lrdecay.errors import InputError, one_of, refusal
from lrdecay.schedule.families import constant
from lrdecay.schedule.families_cycles import one_cycle
from lrdecay.schedule.families_listed import ramp
from lrdecay.schedule.plan_values import value
from lrdecay.schedule.plans import Plan, plan

__all__ = ["one_cycle_plan"]


def one_cycle_plan(
    peak: Any,
    warmup: Any = "30%",
    *,
    low_momentum: float = 0.85,
    high_momentum: float = 0.95,
    cycles: str = "momentum",
    start_div: float = 25.0,
    end_div: float = 1e4,
    shape: str = "cosine",
    three_phase: bool = False,
    **others: Any,
) -> Plan:
    """The rate of `one_cycle` and the momentum that goes against it.

    Args:
        peak: the highest rate.
        warmup: how long the rate rises.
        low_momentum: at the peak of the rate, in [0, 1).
        high_momentum: at the start and the end, in [0, 1), >= low_momentum.
        cycles: what goes against the rate: "momentum" (SGD) or "beta1" (Adam).
        start_div: as in `one_cycle`, and so are end_div, shape and three_phase.
        end_div: see start_div.
        shape: see start_div.
        three_phase: see start_div.
        others: further arguments of `plan`, such as weight_decay.

    Raises:
        InputError: an argument does not fit, or is planned twice.
    """
    one_of(("momentum", "beta1")).check("one_cycle_plan(cycles=...)", cycles)
    for name in ("lr", cycles):
        if name in others:
            msg = refusal(f"one_cycle_plan({name}=...)", "must be left to the cycle", others[name])
            raise InputError(msg)
    for name, given in (("low_momentum", low_momentum), ("high_momentum", high_momentum)):
        value(f"one_cycle_plan({name}=...)", "momentum", given)
    if high_momentum < low_momentum:
        rule = f"must be at least low_momentum, {low_momentum!r}"
        msg = refusal("one_cycle_plan(high_momentum=...)", rule, high_momentum)
        raise InputError(msg)
    rate = one_cycle(peak, warmup=warmup, start_div=start_div, end_div=end_div, shape=shape, three_phase=three_phase)
    down = ramp(high_momentum, low_momentum, shape=shape, over=warmup)
    up = ramp(low_momentum, high_momentum, shape=shape, over=warmup if three_phase else None)
    against = down + up + constant(high_momentum) if three_phase else down + up
    others |= {cycles: against}
    return plan(lr=rate, **others)
