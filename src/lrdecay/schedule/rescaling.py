"""The same schedule over a shorter or longer run: every length times a ratio, every rate as it was.

    rescale(multi_step(0.1, factor=0.1, at=["30ep", "60ep"]), 0.5) == multi_step(0.1, factor=0.1, at=["15ep", "30ep"])

composer calls it the scale schedule ratio. Shares of the horizon stay: they follow the run by themselves. Lengths in
updates are rounded half up to whole ones, and what lasted at least one update still does.
"""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any

from attrs import Attribute

from lrdecay.errors import Constraint, InputError, positive, refusal
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.nodes import mapped

__all__ = ["rescale"]

_a_schedule = Constraint("must be a schedule", lambda v: isinstance(v, Schedule))
_EXACT = Context(prec=28)


def rescale(schedule: Schedule, ratio: float | Fraction | Decimal) -> Schedule:
    """The schedule with every duration in updates, epochs, tokens and samples times ``ratio``.

    Rates, factors and counts that are no durations (a table's rows, β2) stay as they are. A float means the decimal it
    is written as. What ticks at every update (``exponential(0.1, factor=0.999)``) cannot tick faster than that: say its
    ``every`` in epochs to have it follow.

    Args:
        schedule: any schedule.
        ratio: above 0; 0.5 for half the run.

    Raises:
        InputError: no schedule, a ratio that is no positive number, a length that leaves the range of durations, or
            milestones that fall on one another once they are rounded.
    """
    _a_schedule.check("rescale(schedule=...)", schedule)
    by = _exact(ratio)

    def change(node: Any, a: Attribute[Any], value: Any) -> Any:  # noqa: ARG001
        return _times(value, by, ratio) if isinstance(value, Duration) else value

    scaled: Schedule = mapped(schedule, change)
    return scaled


def _exact(ratio: Any) -> Fraction:
    if isinstance(ratio, Decimal) and ratio.is_finite() and ratio > 0:
        return Fraction(ratio)
    positive.check("rescale(ratio=...)", ratio)
    return Fraction(ratio) if isinstance(ratio, Rational) else Fraction(repr(float(ratio)))


def _times(length: Duration, by: Fraction, ratio: Any) -> Duration:
    if length.unit == "%" or not length.amount:
        return length
    product = length.fraction * by
    if length.unit == "steps":
        amount = Decimal(max(round_half_up(product), 1))
    else:
        amount = _EXACT.divide(Decimal(product.numerator), Decimal(product.denominator))
        if Fraction(amount) != product:
            rule = f"must keep {length!r} a decimal of at most 28 digits"
            msg = refusal("rescale(ratio=...)", rule, ratio, "Give a ratio that divides it.")
            raise InputError(msg)
    return Duration(amount, length.unit)
