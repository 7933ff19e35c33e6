"""A bound schedule taken apart for the writers: a list of plain families, each with whole updates to speak for.

Other libraries count in whole updates from 0. A chain, a warmup and a trapezoid become a list of parts, each a family
and how long it speaks; what has fractions of an update is left to `writing_formula`.
"""

from __future__ import annotations

import textwrap
from typing import Any, final

from attrs import frozen

from lrdecay.dialects.writing_formula import formula
from lrdecay.dialects.writing_words import Words
from lrdecay.schedule import (
    Bound,
    Duration,
    Schedule,
    constant,
    cosine,
    exponential,
    linear,
    multi_step,
    polynomial,
    ramp,
    step,
    warmup,
    wsd,
)
from lrdecay.schedule.compose import then

__all__ = ["Part", "body", "call", "header", "parts", "spanning", "whole"]

_MOST_PARTS = 20
_FROM_PEAK = (constant, cosine, exponential, linear, multi_step, polynomial, step)
_SHOWN = 150  # characters of a schedule in a comment


@final
@frozen
class Part:
    """A family and the updates it speaks for."""

    schedule: Any  # a family; its own ``over`` says no more than ``steps``
    steps: int  # >= 1


def whole(d: Duration, bound: Bound) -> int | None:
    """A duration in updates, where that is a whole number."""
    length = bound.horizon.length(d)
    return int(length) if length.denominator == 1 else None


def parts(bound: Bound) -> list[Part] | None:
    """The schedule as parts that follow each other and fill the horizon; None where it is not made of such.

    Where the batch size changes, curves run by sample, and nothing is a family of updates.
    """
    if bound.horizon.clock is not None or bound.horizon.exact_steps.denominator != 1:
        return None
    made = _parts(bound.schedule, bound, bound.steps)
    return made if made is not None and len(made) <= _MOST_PARTS else None


def spanning(bound: Bound) -> Part | None:
    """The schedule as one family over the whole horizon, if it is that."""
    made = parts(bound)
    return made[0] if made is not None and len(made) == 1 else None


def _parts(schedule: Any, bound: Bound, left: int) -> list[Part] | None:
    if isinstance(schedule, then):
        return _chain(schedule.parts, bound, left)
    if isinstance(schedule, wsd) and schedule.over is None and schedule.shape in ("linear", "cosine"):
        return _trapezoid(schedule, bound, left)
    over = getattr(schedule, "over", Ellipsis)
    if over is Ellipsis:  # scaled, clamped
        return None
    if over is None:
        return [Part(schedule, left)]
    length = whole(over, bound)
    if length is None:
        return None
    return [Part(schedule, length)]


def _chain(given: tuple[Any, ...], bound: Bound, left: int) -> list[Part] | None:
    """Each part up to its end, the last up to the end of the run."""
    made: list[Part] = []
    for i, part in enumerate(given):
        if left <= 0:
            return None
        if isinstance(part, warmup):
            n = whole(part.over, bound) if part.shape == "linear" else None
            rest = None if n is None or n >= left else _chain(given[i + 1 :], bound, left - n)
            if n is None or rest is None:
                return None
            top = _start(rest[0].schedule)
            return None if top is None else [*made, Part(ramp(top / (n + 1), top), n), *rest]
        one = _parts(part, bound, left)
        if one is None:
            return None
        made += one
        left -= sum(p.steps for p in one)
    return made


def _start(schedule: Schedule) -> float | None:
    """The rate a family starts at, where that is plain to see."""
    if isinstance(schedule, ramp):
        return float(schedule.start) or None
    return float(schedule.peak) if isinstance(schedule, _FROM_PEAK) else None


def _trapezoid(schedule: Any, bound: Bound, left: int) -> list[Part] | None:
    """Up, level, down."""
    n, c = whole(schedule.warmup, bound), whole(schedule.cooldown, bound)
    if n is None or c is None or n + c >= left:
        return None
    peak, floor = schedule.peak, schedule.floor
    up = [Part(ramp(peak / (n + 1), peak), n)] if n else []
    down = cosine(peak, floor=floor) if schedule.shape == "cosine" else linear(peak, floor=floor)
    return [*up, Part(constant(peak), left - n - c), Part(down, c)]


def call(name: str, *positional: object, **named: object) -> str:
    """A call, as it is typed."""
    return f"{name}({', '.join([*map(str, positional), *(f'{k}={v!r}' for k, v in named.items())])})"


def header(bound: Bound) -> str:
    """A comment that says what the code is."""
    text = repr(bound.schedule)
    short = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]} ..."
    return f"# {short}, for the first {bound.steps} updates"


def body(bound: Bound, words: Words) -> str:
    """The lines of a function of the integer t, indented once; long ones are broken."""
    lines, rate = formula(bound, words)
    wrapped: list[str] = []
    for line in [*lines, f"return {rate}"]:
        wrapped += textwrap.wrap(line, 110, subsequent_indent="    ", break_long_words=False) if "[" in line else [line]
    return "\n".join(f"    {line}" for line in wrapped)
