"""Whether a study keeps within its budget, asked of its estimate before anything is trained.

The estimate is of the fewest peaks that are tried: a grid of peaks that grows goes over it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon
from lrdecay.verbs.budget import Budget, affordable
from lrdecay.verbs.estimate import Estimate

__all__ = ["check_budget"]

_FEWER = "Fewer --seeds or --pilots, fewer schedules or variants, shorter runs; or a larger --budget."


def check_budget(budget: Budget, parts: Sequence[tuple[Horizon, Estimate]], cure: str = _FEWER) -> None:
    """Refuse a study that does not keep within its budget.

    Args:
        budget: the bound.
        parts: the estimate of each arm, and its horizon, which says what an epoch is.
        cure: what would make it cheaper.

    Raises:
        InputError: it does not, or a horizon does not say what the budget's unit is.
    """
    share = 0.0
    for horizon, part in parts:
        each = max(part.seconds / part.steps_trained, 1e-12)
        share += affordable(part.steps_trained, each, budget, horizon).share
    if share <= 1:
        return
    runs, steps = sum(part.runs for _, part in parts), sum(part.steps_trained for _, part in parts)
    fit = math.floor(runs / share)
    msg = f"`--budget {budget}` must cover the study, got {runs} runs of {steps} updates together, {share:.2g} times"
    msg += f" the budget; about {fit} of the runs fit. {cure}"
    raise InputError(msg)
