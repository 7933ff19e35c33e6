"""The resume table of thirteen torch schedulers: ours is exact in every order of loading, at every step.

Each family is run for ten updates without a break; then it is stopped before each of them and resumed in four ways:

    new, opt, sched     optimizer made, scheduler made, optimizer loaded, scheduler loaded
    opt, new, sched     optimizer made and loaded, scheduler made, scheduler loaded
    sched only          optimizer and scheduler made, scheduler loaded, the optimizer's state lost
    fresh at step       optimizer and scheduler made, told the step; nothing loaded

The same loop over torch's own schedulers shows that it can tell right from wrong: they are exact in the first order,
none of them in all four, and only there all thirteen.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)

from lrdecay import (
    Horizon,
    constant,
    cosine,
    exponential,
    join,
    multi_step,
    one_cycle,
    polynomial,
    ramp,
    step,
    tabulated,
    triangular,
    warm_restarts,
)
from lrdecay.adapters.torch import attach
from lrdecay.schedule import Schedule

STEPS = 10
HORIZON = Horizon(steps=STEPS)

Make = Callable[..., LRScheduler]


class Family(NamedTuple):
    """One of torch's schedulers, as torch says it for a rate of 1, and as we do."""

    theirs: Make  # theirs(optimizer, last_epoch=...)
    ours: Schedule


def _sequential(optimizer: Optimizer, last_epoch: int = -1) -> LRScheduler:
    parts = [LinearLR(optimizer, 0.25, total_iters=4), CosineAnnealingLR(optimizer, T_max=6)]
    return SequentialLR(optimizer, parts, milestones=[4], last_epoch=last_epoch)


FAMILIES = {
    "Step": Family(lambda o, **k: StepLR(o, 3, 0.5, **k), step(1.0, factor=0.5, every=3)),
    "MultiStep": Family(lambda o, **k: MultiStepLR(o, [2, 5], 0.5, **k), multi_step(1.0, factor=0.5, at=[2, 5])),
    "Exponential": Family(lambda o, **k: ExponentialLR(o, 0.8, **k), exponential(1.0, factor=0.8)),
    "Polynomial": Family(lambda o, **k: PolynomialLR(o, STEPS, 2.0, **k), polynomial(1.0, power=2.0)),
    "Cosine": Family(lambda o, **k: CosineAnnealingLR(o, STEPS, 0.1, **k), cosine(1.0, floor=0.1)),
    "Multiplicative": Family(
        lambda o, **k: MultiplicativeLR(o, lambda t: 0.9, **k), tabulated([0.9**t for t in range(STEPS)])
    ),
    "Constant": Family(lambda o, **k: ConstantLR(o, 0.3, 5, **k), join(constant(0.3), constant(1.0), at=[5])),
    "Linear": Family(lambda o, **k: LinearLR(o, 0.1, 1.0, 8, **k), ramp(0.1, 1.0, over=8)),
    "CosineWarmRestarts": Family(
        lambda o, **k: CosineAnnealingWarmRestarts(o, 3, 2, **k), warm_restarts(1.0, first=3, growth=2)
    ),
    "Cyclic": Family(
        lambda o, **k: CyclicLR(o, 0.1, 1.0, 3, cycle_momentum=False, **k), triangular(0.1, high=1.0, half_cycle=3)
    ),
    "OneCycle": Family(lambda o, **k: OneCycleLR(o, 1.0, STEPS, **k), one_cycle(1.0, warmup=2, over=9)),
    "Lambda": Family(
        lambda o, **k: LambdaLR(o, lambda t: 1 / (t + 1), **k), tabulated([1 / (t + 1) for t in range(STEPS)])
    ),
    "Sequential": Family(_sequential, join(ramp(0.25, 1.0, over=4), cosine(1.0, over=6), at=[4])),
}


class Checkpoint(NamedTuple):
    """What was saved before an update."""

    optimizer: dict[str, Any]
    scheduler: dict[str, Any]


class Ours:
    """`attach`, with the schedule said in our words."""

    def __init__(self, family: Family) -> None:
        self._schedule = family.ours

    def new(self, optimizer: Optimizer) -> LRScheduler:
        return attach(optimizer, self._schedule, HORIZON)

    def at_step(self, optimizer: Optimizer, k: int) -> LRScheduler:
        return attach(optimizer, self._schedule, HORIZON, step=k)


class Theirs:
    """torch's scheduler; told a step by ``last_epoch``, for which a group must know its first rate."""

    def __init__(self, family: Family) -> None:
        self._make = family.theirs

    def new(self, optimizer: Optimizer) -> LRScheduler:
        return self._make(optimizer)

    def at_step(self, optimizer: Optimizer, k: int) -> LRScheduler:
        for group in optimizer.param_groups:
            group["initial_lr"] = 1.0
        return self._make(optimizer, last_epoch=k)


def new_opt_sched(side: Any, optimizer: Optimizer, saved: Checkpoint, k: int) -> LRScheduler:
    scheduler = side.new(optimizer)
    optimizer.load_state_dict(saved.optimizer)
    scheduler.load_state_dict(saved.scheduler)
    return scheduler


def opt_new_sched(side: Any, optimizer: Optimizer, saved: Checkpoint, k: int) -> LRScheduler:
    optimizer.load_state_dict(saved.optimizer)
    scheduler = side.new(optimizer)
    scheduler.load_state_dict(saved.scheduler)
    return scheduler


def sched_only(side: Any, optimizer: Optimizer, saved: Checkpoint, k: int) -> LRScheduler:
    scheduler = side.new(optimizer)
    scheduler.load_state_dict(saved.scheduler)
    return scheduler


def fresh_at_step(side: Any, optimizer: Optimizer, saved: Checkpoint, k: int) -> LRScheduler:
    return side.at_step(optimizer, k)


ORDERS = [new_opt_sched, opt_new_sched, sched_only, fresh_at_step]


def made() -> SGD:
    return SGD([torch.nn.Parameter(torch.ones(2))], lr=1.0, momentum=0.9)


def trained(optimizer: SGD, scheduler: LRScheduler, first: int, saves: list[Checkpoint] | None = None) -> list[float]:
    """The rates of updates ``first``, ..., 9; a checkpoint before each where they are wanted."""
    used = []
    for _ in range(first, STEPS):
        if saves is not None:
            saves.append(copy.deepcopy(Checkpoint(optimizer.state_dict(), scheduler.state_dict())))
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.param_groups[0]["params"][0].grad = torch.full((2,), 0.1)
        optimizer.step()
        scheduler.step()
    return used


def worst(side: Any, order: Callable[..., LRScheduler]) -> float:
    """Largest difference to the run without a break, over every step to stop at and every update after it.

    Infinite where resuming raises.
    """
    saves: list[Checkpoint] = []
    whole = made()
    used = trained(whole, side.new(whole), 0, saves)
    largest = 0.0
    for k, saved in enumerate(saves):
        resumed = made()
        try:
            scheduler = order(side, resumed, copy.deepcopy(saved), k)
        except KeyError:
            return float("inf")
        again = trained(resumed, scheduler, k)
        largest = max([largest, *(abs(a - b) for a, b in zip(again, used[k:], strict=True))])
    return largest


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_our_words_say_the_rates_of_torchs_scheduler(family: Family) -> None:
    theirs, ours = made(), family.ours.bind(HORIZON).values()
    assert trained(theirs, family.theirs(theirs), 0) == pytest.approx(ours.tolist(), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_resuming_at_any_step_in_any_order_changes_no_rate(family: Family, order: Callable[..., LRScheduler]) -> None:
    assert worst(Ours(family), order) == 0.0


def test_torchs_own_schedulers_resume_rightly_in_one_order_of_four() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about the order of calls and deprecated arguments
        table = {name: [worst(Theirs(family), order) for order in ORDERS] for name, family in FAMILIES.items()}
    right = [[error < 1e-12 for error in column] for column in zip(*table.values(), strict=True)]
    assert [all(column) for column in right] == [True, False, False, False], table
    assert not any(all(error < 1e-12 for error in errors) for errors in table.values()), table
