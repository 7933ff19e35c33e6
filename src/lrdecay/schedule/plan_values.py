"""What a plan plans: the names, what each may be, and the curves they become.

    lr            the learning rate, >= 0
    momentum      in [0, 1); for SGD
    beta1, beta2  in [0, 1); for Adam and its kin
    weight_decay  >= 0
    batch_size    samples in one update, all processes together; positive whole numbers, in steps

A value is a number, or a schedule, or the text of one. A schedule's "rate" is then the momentum, the weight decay or
the batch size; ranges of schedules are checked when they are bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import Constraint, InputError, non_negative, positive_int, refusal
from lrdecay.schedule.base import Schedule, number
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import parse

__all__ = ["NAMES", "Value", "curve", "value"]

NAMES = ("lr", "momentum", "beta1", "beta2", "weight_decay", "batch_size")
"""What can be planned, in the order it is listed."""

Value = float | int | Schedule

_share = Constraint("must be a number in [0, 1)", lambda v: non_negative.holds(v) and v < 1)
_RANGES = {
    "lr": non_negative,
    "momentum": _share,
    "beta1": _share,
    "beta2": _share,
    "weight_decay": non_negative,
    "batch_size": positive_int,
}


def value(call: str, name: str, given: Any) -> Value | None:
    """Read one value: None stays None, a number is checked, a text is parsed.

    Raises:
        InputError: it is neither a number in its range nor a schedule.
    """
    if given is None or isinstance(given, Schedule):
        return given
    if isinstance(given, str):
        return parse(given)
    if name == "batch_size" and isinstance(given, np.integer):
        given = int(given)
    plain = given if name == "batch_size" else number(given)
    rule = _RANGES[name]
    if not rule.holds(plain):
        msg = refusal(call, f"{rule.rule}, or a schedule", given)
        raise InputError(msg)
    stated: Value = plain
    return stated


def curve(name: str, stated: Value, horizon: Horizon) -> NDArray[np.float64]:
    """The value of every update of the run: float64, shape (steps,), in its range; a batch size is rounded half up.

    Raises:
        InputError: a value leaves the range of its name.
    """
    if not isinstance(stated, Schedule):
        return np.full(horizon.steps, float(stated))
    values = stated.bind(horizon).values()
    if name == "batch_size":
        values = np.floor(values + 0.5)
    rule = _RANGES[name]
    kept = values >= 1 if name == "batch_size" else (values < 1 if rule is _share else values >= 0)
    if not kept.all():
        t = int(np.flatnonzero(~kept)[0])
        msg = refusal(f"plan({name}={stated!r})", f"{rule.rule} at every step", float(values[t]), f"That is step {t}.")
        raise InputError(msg)
    return values
