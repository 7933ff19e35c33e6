"""How long, and when: an exact amount with a unit.

A bare integer counts updates (optimizer steps). Text carries its own unit and counts *samples* underneath:

    500          500 updates
    "30ep"       30 passes over the data
    "20%"        a fifth of the whole horizon, wherever it is written
    "2e9tok"     two billion tokens
    "1e6samples" a million training samples

There is no rule of the kind "at most 1 means a fraction": a number without a unit is a number of updates. Amounts are
kept as exact decimals and turned into exact positions by `Horizon.length`; each boundary is rounded to an update once,
half up, by `round_half_up`.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal
from fractions import Fraction

from attrs import frozen

from lrdecay.errors import InputError, refusal

__all__ = ["UNITS", "Duration", "DurationLike", "duration", "round_half_up"]

UNITS = ("steps", "ep", "%", "tok", "samples")
"""The units, in the order they are listed in messages; ``steps`` is spelled as a bare integer."""

_TEXT = r"(?ia)\s*(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d{1,3})?\s*(ep|%|tok|samples)\s*"  # compiled, and kept, on first use
_EXACT = Context(prec=28)
_LEAST, _MOST = Decimal("1e-18"), Decimal("1e18")
_RANGE = f"Amounts lie between {_LEAST} and {_MOST}, with at most {_EXACT.prec} digits.".replace("E", "e")
_CURE = 'Write updates as an integer (500), or "30ep", "20%", "2e9tok", "1e6samples".'


@frozen
class Duration:
    """An exact, non-negative amount of training in one unit; equal by amount and unit.

    Raises:
        InputError: the unit is unknown, or the amount is negative, out of range, or not whole where it counts updates.
    """

    amount: Decimal  # 0, or 1e-18 to 1e18 with at most 28 digits, exact
    unit: str  # one of UNITS

    def __attrs_post_init__(self) -> None:
        """Check both."""
        if self.unit not in UNITS:
            msg = refusal("Duration(unit=...)", f"must be one of {', '.join(UNITS)}", self.unit)
            raise InputError(msg)
        if not _in_range(self.amount) or (self.unit == "steps" and self.amount != self.amount.to_integral_value()):
            rule = "must be a Decimal >= 0, whole where it counts steps"
            msg = refusal("Duration(amount=...)", rule, self.amount, _RANGE)
            raise InputError(msg)

    def __repr__(self) -> str:
        if self.unit == "steps":
            return str(int(self.amount))
        return f'"{self}"'

    def __str__(self) -> str:
        return f"{_plain(self.amount)}{'' if self.unit == 'steps' else self.unit}"

    def to_json(self) -> int | str:
        """The integer or the text this was written as."""
        return int(self.amount) if self.unit == "steps" else str(self)

    @property
    def fraction(self) -> Fraction:
        """The amount as an exact rational, in its own unit."""
        return Fraction(self.amount)


DurationLike = int | str | Duration


def duration(value: DurationLike, call: str = "duration(...)", *, zero: bool = False) -> Duration:
    """Read a duration from an integer (updates) or a text with a unit.

    Args:
        value: ``500``, ``"30ep"``, ``"20%"``, ``"2e9tok"``, ``"1e6samples"`` or a `Duration`.
        call: how the caller spells this argument, for the message.
        zero: whether a duration of nothing is allowed.

    Raises:
        InputError: no unit is known for it, or it is negative, or zero where that is not allowed.
    """
    if isinstance(value, Duration):
        result = value
    elif type(value) is int:
        result = Duration(Decimal(value), "steps") if 0 <= value <= _MOST else _refuse(call, value, zero)
    elif isinstance(value, str) and (match := re.fullmatch(_TEXT, value)):
        number, exponent, unit = match.groups()
        amount = Decimal(number + (exponent or ""))
        result = Duration(_canonical(amount), unit.lower()) if _in_range(amount) else _refuse(call, value, zero, _RANGE)
    else:
        result = _refuse(call, value, zero)
    if not zero and result.amount == 0:
        _refuse(call, value, zero)
    return result


def round_half_up(position: Fraction) -> int:
    """The update a rational position falls on: floor(position + 1/2)."""
    return math.floor(position + Fraction(1, 2))


def _refuse(call: str, value: object, zero: bool, cure: str = _CURE) -> Duration:
    rule = "must be a duration >= 0" if zero else "must be a positive duration"
    msg = refusal(call, rule, value, cure)
    raise InputError(msg)


def _in_range(amount: Decimal) -> bool:
    if not isinstance(amount, Decimal) or not amount.is_finite() or amount.is_signed():
        return False
    return not amount or (len(amount.as_tuple().digits) <= _EXACT.prec and _LEAST <= amount <= _MOST)


def _canonical(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros, so that 10.0ep and 10ep are spelled alike."""
    amount = amount.normalize(_EXACT)
    return amount.quantize(Decimal(1), context=_EXACT) if 0 <= amount.as_tuple().exponent <= 5 else amount  # type: ignore[operator]


def _plain(amount: Decimal) -> str:
    text = str(amount) if -amount.as_tuple().exponent > 0 else f"{amount:f}"  # type: ignore[operator]
    if amount and amount == amount.to_integral_value() and len(text) > 6 and text.endswith("000000"):
        text = f"{amount.normalize(_EXACT):e}".replace("e+", "e")
    return text.lower().replace("e+", "e")
