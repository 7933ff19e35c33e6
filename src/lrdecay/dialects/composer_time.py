"""Composer's times as durations of ours: '10ep', '0.5dur', '100ba', '4e3sp', '1e9tok'.

Composer cuts a time down to a whole number of its unit, int(value·ratio), where ours keeps it exact and rounds the
boundary once. Where the two differ on the run at hand, the time is written in updates; where that cannot be known, it
is refused. 'dur' is a share of the whole run, and no scale schedule ratio (ssr) stretches it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lrdecay.dialects.base import Run
from lrdecay.errors import InputError, positive, refusal
from lrdecay.schedule import Duration
from lrdecay.schedule.duration import duration, round_half_up

__all__ = ["after", "in_updates", "stated"]

_TEXT = re.compile(r"([\d.]+(?:e-?\d+)?)(ep|ba|sp|tok|dur)", re.IGNORECASE | re.ASCII)
_UNITS = {"ep": "ep", "sp": "samples", "tok": "tok"}
_CURE = 'Write "10ep", "0.5dur", "100ba", "4e3sp" or "1e9tok".'


def stated(time: Any, run: Run, call: str, ssr: float = 1.0) -> Duration | None:
    """A time of composer's as a duration, which may be 0; None is the whole run, ``"1dur"``.

    Raises:
        InputError: it is no such time, not whole where composer wants it whole, or needs to know the length of the run
            or of an epoch to be exact.
    """
    positive.check("composer(ssr=...)", ssr)
    match = _TEXT.fullmatch(time) if isinstance(time, str) else None
    if match is None:
        msg = refusal(call, "must be a time of composer's", time, _CURE)
        raise InputError(msg)
    try:
        value, unit = float(match[1]), match[2].lower()
    except ValueError:
        msg = refusal(call, "must be a time of composer's", time, _CURE)
        raise InputError(msg) from None
    if unit == "dur":
        return _share(value, match[1], run)
    if value != int(value):
        msg = refusal(call, "must be a whole number of its unit", time)
        raise InputError(msg)
    if unit == "ba":
        return duration(int(int(value) * ssr), call, zero=True)
    if unit == "ep":
        return _epochs(int(value), run, call, time, ssr)
    return _on_the_grid(duration(f"{int(int(value) * ssr)}{_UNITS[unit]}", call, zero=True), run, call, time)


def _share(value: float, text: str, run: Run) -> Duration | None:
    """A share of the run: a percentage if it falls on an update, else composer's own int(value·T)."""
    if value == 1.0:
        return None
    exact = Fraction(Decimal(text)) * run.steps
    cut = int(value * run.steps)
    if exact == cut:
        return duration(f"{Decimal(text) * 100:f}%", zero=True)
    return duration(cut, zero=True)


def _epochs(value: int, run: Run, call: str, time: str, ssr: float) -> Duration:
    """Whole epochs as such; scaled ones must be whole too, or the length of an epoch known."""
    per_epoch = None if run.horizon is None else run.horizon.epoch_length
    if per_epoch is not None and per_epoch.denominator == 1:
        cut = int(value * int(per_epoch) * ssr)
        whole = Fraction(cut, int(per_epoch))
        return (
            duration(f"{int(whole)}ep", call, zero=True) if whole.denominator == 1 else duration(cut, call, zero=True)
        )
    if value * ssr != int(value * ssr):
        cure = "Say how many batches an epoch has: --steps-per-epoch N."
        msg = refusal(call, f"must be whole epochs after scaling by {ssr}", time, cure)
        raise InputError(msg)
    return duration(f"{int(value * ssr)}ep", call, zero=True)


def _on_the_grid(length: Duration, run: Run, call: str, time: str) -> Duration:
    """Samples and tokens pass a boundary inside a batch: composer sees it at the next one. Refused where known."""
    if run.horizon is not None and run.horizon.length(length).denominator != 1:
        cure = "Composer rounds such a time in each scheduler differently; write it in batches."
        msg = refusal(call, "must be a whole number of batches", time, cure)
        raise InputError(msg)
    return length


def in_updates(length: Duration | int | None, run: Run) -> int:
    """A duration as a number of updates.

    Raises:
        InputError: the horizon does not say how long its unit is.
    """
    if length is None:
        return run.steps
    if isinstance(length, int):
        return length
    if length.unit == "steps":
        return int(length.amount)
    if length.unit == "%":
        return round_half_up(length.fraction / 100 * run.steps)
    if run.horizon is None:
        cure = "Say the length of the run and of its unit, such as --steps N --steps-per-epoch N."
        msg = refusal("convert(...)", "must know the length of an epoch, a token or a sample", str(length), cure)
        raise InputError(msg)
    return round_half_up(run.horizon.length(length))


def after(first: Duration | None, second: Duration | None, run: Run) -> Duration | int | None:
    """How long after ``first`` the time ``second`` is: None if it is the end of the run, 0 where it is not after it."""
    if second is None and first is not None:
        return None
    if first is not None and second is not None and first.unit == second.unit:
        amount = second.amount - first.amount
        return Duration(amount, first.unit) if amount > 0 else 0
    return max(in_updates(second, run) - in_updates(first, run), 0)
