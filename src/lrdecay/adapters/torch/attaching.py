"""`attach`: from what a user says, a schedule, one under a rule, or a plan, to the scheduler that drives the optimizer.

attach(optimizer, "cosine(0.1)", horizon)
attach(optimizer, "cosine(0.1) * plateau(patience=10)", horizon)      # then scheduler.observe(loss=...)
"""

from __future__ import annotations

from collections.abc import Sequence

from torch.optim import Optimizer

from lrdecay.adapters.observed import ruled_of
from lrdecay.adapters.torch.planned import planned_table
from lrdecay.adapters.torch.rate_table import rate_table
from lrdecay.adapters.torch.scheduler import AttachedScheduler
from lrdecay.errors import Constraint, true_or_false
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, BoundPlan, Horizon, Plan, Schedule, parse_plan
from lrdecay.schedule.plan_notation import is_plan

__all__ = ["attach"]

_an_optimizer = Constraint("must be a torch.optim.Optimizer", lambda o: isinstance(o, Optimizer))


def attach(
    optimizer: Optimizer,
    schedule: Schedule | Ruled | Bound | Plan | BoundPlan | str,
    horizon: Horizon | None = None,
    *,
    multipliers: Sequence[float] | None = None,
    step: int = 0,
    override: bool = False,
    after: str | None = None,
    rates: FloatArray | Sequence[float] | None = None,
) -> AttachedScheduler:
    """Let a schedule or a plan drive an optimizer; the values of update ``step`` are written at once.

    Args:
        optimizer: any torch optimizer with a rate in its groups.
        schedule: a schedule, one under a rule, or a plan; its text notation; or one bound already (then leave
            ``horizon`` out).
        horizon: the length of the run and its units.
        multipliers: one number >= 0 per group; by default what the groups carry as ``lr_scale``, or the ratios of their
            rates. `lrdecay.adapters.torch.groups` says what a group added later gets.
        step: updates already made.
        override: what is attached wins over a checkpoint that says otherwise, and each difference is printed on
            stderr. Without it, a difference is an error.
        after: the end policy, "hold" by default, or that of the bound schedule. Under "raise" it is the update past
            the end that is refused, not the ``scheduler.step()`` after the last one.
        rates: f(0), f(1), ... as float64, at least ``horizon.steps`` of them, made elsewhere from this schedule, which
            is then not evaluated here. "hold" holds entry ``steps``, or the last one where there are no more.

    Raises:
        InputError: an argument does not fit; all rates are zero and no multipliers are given; a plan has what the
            optimizer has not, or a group carries a label that is none of the plan's; or a plan, or a schedule that is
            repeated, is under a rule.
    """
    _an_optimizer.check("attach(optimizer)", optimizer)
    true_or_false.check("attach(override=...)", override)
    said, rule = ruled_of(schedule)
    if isinstance(said, str) and is_plan(said):
        said = parse_plan(said)
    planned = None
    if isinstance(said, Plan | BoundPlan):
        table, planned = planned_table(said, horizon, after, rates)
    else:
        table = rate_table(said, horizon, after, rates)
    return AttachedScheduler(optimizer, table, planned, multipliers, step, override, rule)
