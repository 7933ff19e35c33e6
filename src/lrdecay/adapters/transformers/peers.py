"""transformers' live schedulers as schedules of ours: what ``get_scheduler`` returned is read back, not run.

They are torch's LambdaLR; how they are read stands with the other schedulers of torch's.
"""

from __future__ import annotations

from typing import Any

from lrdecay.adapters.torch.peers_transformers import of_transformers
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Schedule

__all__ = ["from_peer"]


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
    schedule = of_transformers(scheduler, steps, as_is=as_is)
    if schedule is None:
        cure = "Give what get_scheduler(...) returned; a plain LambdaLR cannot be read."
        rule = "must be a scheduler of transformers that is a function of t"
        msg = refusal("from_peer(scheduler)", rule, scheduler, cure)
        raise InputError(msg)
    return schedule
