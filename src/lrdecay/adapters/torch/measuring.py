"""What every range test in process is asked, how its curves are made, and what it gives."""

from __future__ import annotations

from typing import Any, final

import torch
from attrs import frozen
from torch.optim import Optimizer

from lrdecay.adapters.torch.in_process import InProcess
from lrdecay.errors import Constraint, InputError, non_negative_int, positive_int, refusal
from lrdecay.rangetest.driver import FIRST_SEED, Curve, rising_rates
from lrdecay.rangetest.repeats import Measured, curves_of
from lrdecay.runs.trainable import FloatArray

__all__ = ["CURE", "Asked", "Measured", "asked", "base_rates", "dry_note", "measure", "usable"]

CURE = "What its code changes must be found from the model, the optimizer or keep=(...)."
"""What to do where not everything could be put back."""

_an_optimizer = Constraint("must be a torch.optim.Optimizer", lambda o: isinstance(o, Optimizer))


@final
@frozen(eq=False)
class Asked:
    """Which curves to make."""

    rates: FloatArray  # shape (points,)
    seeds: tuple[int, ...]  # of the repeats
    heldout_every: int | None  # None: there is nothing held out


def asked(
    *,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    heldout: object = None,
    heldout_every: int = 5,
) -> Asked:
    """The arguments that every `find` in process has, checked.

    Raises:
        InputError: one of them cannot be done.
    """
    non_negative_int.check("find(seed=...)", seed)
    for name, value in (("repeats", repeats), ("heldout_every", heldout_every)):
        positive_int.check(f"find({name}=...)", value)
    rates = rising_rates(low, high, points, ramp)
    seeds = tuple(range(FIRST_SEED + seed, FIRST_SEED + seed + repeats))
    return Asked(rates, seeds, None if heldout is None else heldout_every)


def measure(process: InProcess, shape: Asked) -> tuple[Curve, ...]:
    """The curves, one per repeat, all from the state at hand; which is put back.

    Raises:
        RunError: the loss is not finite from the start, no step is ever made, or the state could not be put back.
    """
    with process.counting():
        return curves_of(process, shape.rates, shape.seeds, heldout_every=shape.heldout_every, cure=CURE)


def usable(optimizer: Any) -> Optimizer:
    """The optimizer inside a wrapper such as accelerate's, if it has parameters to update.

    Raises:
        InputError: it has none.
    """
    _an_optimizer.check("find(optimizer)", optimizer)
    while isinstance(getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = optimizer.optimizer
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if not any(p.requires_grad for p in parameters):
        found = f"{len(parameters)} parameters, none of which wants a gradient" if parameters else "none"
        msg = refusal("find(optimizer)", "must have parameters to update", found)
        raise InputError(msg)
    made: Optimizer = optimizer
    return made


def base_rates(optimizer: Optimizer) -> None:
    """Undo what a scheduler has written, whose first rates may all be zero: each group's own rate again."""
    for group in optimizer.param_groups:
        first = group.get("initial_lr")
        if first is not None:
            group["lr"] = first.clone() if torch.is_tensor(first) else first


def dry_note(dry: int, length: int) -> list[str]:
    """What to say of a loader that ended before the test did."""
    times = "once" if dry == 1 else f"{dry} times"
    return [f"the loader ran dry after {length} batches, and was begun again {times}"] if dry else []
