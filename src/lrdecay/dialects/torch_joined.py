"""torch's schedulers that are made of others: SequentialLR and ChainedScheduler.

Each is first said as what its parts mean (one after the other on clocks of their own; multiplied), and that is then
held against torch's own arithmetic (`torch_recursions`) over the run. Where torch leaves it, that is a bug of torch's,
which is refused, or tabulated as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import evolve

from lrdecay.dialects import torch_recursions
from lrdecay.dialects.base import Call, Run, says, translate
from lrdecay.dialects.stretches import first_difference, follow, listed, listed_if_asked, whole
from lrdecay.dialects.torch_formulas import one_cycle_length
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Horizon, Schedule, join, product, tabulated
from lrdecay.schedule.base import Family

__all__ = ["chained_scheduler", "sequential_lr"]

_FINDS_A_RATE = ("SWALR", "MultiplicativeLR")
_LOOKED_AT = 1000  # updates of the last part that are checked where nobody says how long the run is
_HOLDS = ("ConstantLR", "StepLR", "MultiStepLR")


@says(
    "torch",
    "SequentialLR",
    differs="each part starts again from the optimizer's rate",
    ends="as its last part",
    bug="OneCycleLR and CyclicLR overwrite the initial rate of all parts; one sequence inside another is off by one",
)
def sequential_lr(
    run: Run,
    schedulers: Sequence[Call],
    milestones: Sequence[int],
    last_epoch: int = -1,  # noqa: ARG001
) -> Schedule:
    """Part i from milestone i on, on a clock of its own."""
    call = "torch.SequentialLR(milestones=...)"
    parts, at = _calls("torch.SequentialLR(schedulers=...)", schedulers), [whole(call, m, 0) for m in milestones]
    if len(at) != len(parts) - 1 or at != sorted(at):
        msg = refusal(call, "must rise, one fewer than there are schedulers", milestones)
        raise InputError(msg)
    said: list[Schedule] = []
    edges: list[int] = []
    for part, start, end in zip(parts, [0, *at], [*at, run.length], strict=True):
        length = None if end is None else min(end, run.length or end) - start
        if length is not None and length <= 0:
            continue
        lr = run.lr
        if said and part.name in _FINDS_A_RATE:
            lr = float(_together(said, edges).bind(Horizon(steps=start)).values()[-1])
        said.append(translate(part, evolve(run, lr=lr, length=length)))
        edges.append(start)
    schedule = _together(said, edges)
    steps = run.length or edges[-1] + _length_of(said[-1], parts[-1])
    return _checked(run, Call("torch", "SequentialLR", (parts, at)), schedule, steps)


@says(
    "torch",
    "ChainedScheduler",
    differs="every part multiplies the same rate",
    ends="as its parts",
    bug="a part that is not recursive (LambdaLR, CyclicLR, OneCycleLR, warm restarts) erases the ones before it",
)
def chained_scheduler(run: Run, schedulers: Sequence[Call], optimizer: Any = None) -> Schedule:  # noqa: ARG001
    """The product of the parts, as fractions of the optimizer's rate."""
    parts = _calls("torch.ChainedScheduler(schedulers=...)", schedulers)
    if len(parts) == 1:
        return translate(parts[0], run)
    call = Call("torch", "ChainedScheduler", (parts,))
    closed = any(part.name in torch_recursions.CLOSED for part in parts)
    if not closed and any(_recursive_with_a_floor(part) for part in parts):
        return listed("torch.ChainedScheduler(...)", torch_recursions.rates(call, run.base, run.steps))
    needs_end = closed or any(part.name == "CosineAnnealingLR" for part in parts)
    steps = run.steps if needs_end else run.length or _LOOKED_AT
    return _checked(run, call, _product(run, parts), steps)


def _calls(call: str, schedulers: Any) -> list[Call]:
    if not isinstance(schedulers, list | tuple) or not schedulers or not all(isinstance(s, Call) for s in schedulers):
        msg = refusal(
            call, "must be a list of schedulers", schedulers, "Write [torch.LinearLR(...), torch.StepLR(...)]."
        )
        raise InputError(msg)
    return list(schedulers)


def _together(parts: list[Schedule], edges: list[int]) -> Schedule:
    """``a + b`` where every part but the last can be told how long it lasts, else a join."""
    fitted: list[Schedule] = []
    for part, (start, end) in zip(parts, itertools.pairwise(edges), strict=False):
        if isinstance(part, Family) and part.over is None:
            fitted.append(evolve(part, over=end - start))  # type: ignore[misc]
        elif part.lasts is not None and sum(d.amount for d in part.lasts) == end - start:  # all of them in updates
            fitted.append(part)
        else:
            return join(*parts, at=edges[1:])
    return follow([*fitted, parts[-1]])


def _length_of(last: Schedule, part: Call) -> int:
    """The updates of the last part that are looked at where nobody says how long the run is."""
    if part.name == "OneCycleLR":
        return one_cycle_length(torch_recursions.arguments(part))
    return _LOOKED_AT if last.lasts is None else int(sum(d.amount for d in last.lasts))


def _checked(run: Run, call: Call, schedule: Schedule, steps: int) -> Schedule:
    """The schedule, if torch's arithmetic agrees; else torch's numbers, if those were asked for."""
    theirs = torch_recursions.rates(call, run.base, steps)
    t, ours, peers = first_difference(schedule, np.array(theirs), steps)
    if t < 0:
        return schedule
    rule = "must mean what its parts say"
    cure = f"torch makes update {t} at {peers:.6g} where the parts say {ours:.6g}:"
    cure += " they overwrite each other's rate or clock."
    names = [part.name for part in call.positional[0]]
    return listed_if_asked(run, f"torch.{call.name}(...)", theirs, rule, names, cure)


def _recursive_with_a_floor(part: Call) -> bool:
    """Whether a recursion pulls towards a rate of its own, so that the chain has no meaning but what torch computes."""
    if part.name == "CosineAnnealingLR":
        return bool(part.named.get("eta_min", 0.0) or part.positional[1:2] not in ((), (0,)))
    return part.name == "SWALR"


def _product(run: Run, parts: list[Call]) -> Schedule:
    """The parts multiplied, all but the first at a rate of 1; rates that only stand still and jump as one list."""
    said = [translate(part, run if i == 0 else evolve(run, lr=1.0)) for i, part in enumerate(parts)]
    if run.length is not None and (
        all(part.name in _HOLDS for part in parts) or any(isinstance(s, tabulated) for s in said)
    ):
        factors = [s.bind(Horizon(steps=run.steps)).values() for s in said]
        return listed("torch.ChainedScheduler(...)", np.prod(factors, axis=0))
    return product(*said)
