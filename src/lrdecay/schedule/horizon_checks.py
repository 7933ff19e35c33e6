"""What a horizon is told, checked: amounts, lengths that must agree, and units that nobody explained."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any

from lrdecay.errors import Constraint, InputError, argument, positive, refusal
from lrdecay.schedule.duration import Duration, round_half_up

__all__ = ["MOST", "amount", "check_epoch", "check_length", "counted", "exact", "plain", "unknown_unit", "whole"]

MOST = 2**53
"""The longest run, in updates; up to here a float64 tells each one from the next."""

_count = Constraint("must be a positive integer up to 2**53", lambda v: type(v) is int and 0 < v <= MOST)


def whole(instance: Any, attribute: Any, value: Any) -> None:
    """An attrs validator: nothing, or a positive integer up to `MOST`."""
    if value is not None:
        argument(_count)(instance, attribute, value)


def amount(instance: Any, attribute: Any, value: Any) -> None:
    """An attrs validator: nothing, or a positive number."""
    if value is not None:
        argument(positive)(instance, attribute, value)


def plain(value: Any) -> Any:
    """A number of another library as Python's own, so that it prints and saves."""
    return float(value) if isinstance(value, float) else value


def exact(amount: Any) -> Fraction:
    """The decimal a person wrote: 0.1 means one tenth, not the nearest binary number."""
    return Fraction(amount) if isinstance(amount, Rational) else Fraction(repr(float(amount)))


def check_epoch(steps_per_epoch: int | None, samples_per_epoch: int | None, batch_size: int | None) -> None:
    """Raise `InputError` where an epoch is said twice, and differently by a batch or more."""
    if steps_per_epoch is not None and samples_per_epoch is not None and batch_size is not None:
        said = Fraction(samples_per_epoch, batch_size)
        if abs(said - steps_per_epoch) >= 1:
            rule = f"must agree with samples_per_epoch / batch_size = {float(said):g} to within one batch"
            msg = refusal("Horizon(steps_per_epoch=...)", rule, steps_per_epoch, "Leave one of them out.")
            raise InputError(msg)


def check_length(steps: int | None, epochs: float | None) -> None:
    """Raise `InputError` where nobody says how long the run is; epochs are no help if nobody says how long one is."""
    if epochs is not None and steps is None:
        cure = "Add steps_per_epoch=, or samples_per_epoch= and batch_size=."
        msg = refusal("Horizon(epochs=...)", "must come with the length of an epoch", epochs, cure)
        raise InputError(msg)
    if steps is None:
        cure = "Give steps=, or epochs= and the length of an epoch."
        msg = refusal("Horizon(steps=...)", "must say how long the run is", None, cure)
        raise InputError(msg)


def counted(steps: int | None, epochs: float, exact_steps: Fraction) -> int:
    """The updates of a run said in epochs.

    Raises:
        InputError: there is none, or more than `MOST`, or ``steps`` says another number.
    """
    found = round_half_up(exact_steps)
    if steps is not None and found != steps:
        rule = f"must agree with epochs={epochs:g}, which are {found} steps"
        msg = refusal("Horizon(steps=...)", rule, steps, "Leave one of them out.")
        raise InputError(msg)
    if not 1 <= found <= MOST:
        msg = refusal("Horizon(epochs=...)", "must hold at least one update and at most 2**53", epochs)
        raise InputError(msg)
    return found


def unknown_unit(horizon: object, d: Duration) -> InputError:
    """The error for a duration in a unit that the horizon does not know."""
    known = {
        "ep": ("epoch", "steps_per_epoch=, or samples_per_epoch= and batch_size="),
        "tok": ("token", "tokens_per_step="),
        "samples": ("sample", "batch_size="),
    }
    name, cure = known[d.unit]
    return InputError(refusal("Horizon(...)", f"must say what one {name} is to place {d!r}", horizon, f"Add {cure}."))
