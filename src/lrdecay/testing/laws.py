"""The laws of a schedule, each a function of (schedule, horizon) that returns nothing or raises `LawError`.

With f = s.bind(h) and T = h.steps:

    total        f(t) is a finite float64 >= 0 for every t >= 0, also past the end
    scalar       f(t) has the bits of f(array) at t
    access       f(array) does not depend on the array's order, shape or neighbours; f.values() is f(0), ..., f(T - 1)
    spelling     text and JSON read back as an equal value, with the same hash and the same bits
    value        binding does not change s; binding again gives the same bits; another horizon
                 gives another bound value, or is refused
    end          "hold" gives f(T) from T on, "repeat" gives f(t mod T), "raise" an error from T on
    join         in join(a, s, at=[k]) update k is the first of s, on its own clock
    prefix       common_prefix is the first update at which two tables differ
    scale        c·s has the values of s times c
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from attrs import fields, has
from numpy.typing import NDArray

from lrdecay.errors import InputError, positive_int
from lrdecay.schedule import Bound, Duration, Horizon, Schedule, common_prefix, constant, from_json, join, parse
from lrdecay.schedule.compose import scale as scaled
from lrdecay.schedule.families_listed import tabulated

__all__ = ["LAWS", "LawError", "check_schedule", "check_translation"]

Law = Callable[[Schedule, Horizon], None]

LAWS: dict[str, Law] = {}
"""Every law by its name."""

_FAR = (10**6, 10**9, 2**53, 2**62)  # updates past the end


class LawError(AssertionError):
    """A law does not hold."""


def check_schedule(schedule: Schedule, horizon: Horizon) -> None:
    """Run every law.

    Args:
        schedule: any schedule with its peak stated, a family of your own included.
        horizon: on which every part of it has room.

    Raises:
        LawError: a law does not hold; the message says which and where.
        InputError: the schedule does not fit the horizon.
    """
    for law in LAWS.values():
        law(schedule, horizon)


def check_translation(evaluate: Callable[[int], Any], bound: Bound, dtype: Any = np.float32, past: int = 3) -> None:
    """The law of a translation: at each update, and some past the end, it gives our float64 rounded to ``dtype``.

    Args:
        evaluate: what another framework would use at update t; anything that numpy makes a number of.
        bound: what it should be.
        dtype: the precision of the other framework.
        past: updates to look at after the end.

    Raises:
        LawError: some bits differ.
    """
    count = bound.steps + (0 if bound.after == "raise" else past)
    ours = bound(np.arange(count)).astype(dtype)
    theirs = np.array([np.asarray(evaluate(t)) for t in range(count)])
    if theirs.dtype != ours.dtype:
        msg = f"translation: {bound.schedule!r} comes as {theirs.dtype}, not {ours.dtype}"
        raise LawError(msg)
    _same("translation", bound.schedule, ours, theirs)


def _law(name: str) -> Callable[[Law], Law]:
    def register(law: Law) -> Law:
        LAWS[name] = law
        return law

    return register


@_law("total")
def _total(s: Schedule, h: Horizon) -> None:
    f = s.bind(h)
    for rates in (f.values(), f(np.array([h.steps, h.steps + 1, *_FAR]))):
        _hold("total", s, rates.dtype == np.float64, f"rates are {rates.dtype}")
        _hold("total", s, bool(np.isfinite(rates).all()), f"{rates[~np.isfinite(rates)][:1]} is not a rate")
        _hold("total", s, bool((rates >= 0).all()), f"{rates[~(rates >= 0)][:1]} is not a rate")
    _hold("total", s, f.values().shape == (h.steps,), f"values() has shape {f.values().shape}, not ({h.steps},)")


@_law("scalar")
def _scalar(s: Schedule, h: Horizon) -> None:
    f = s.bind(h)
    some = _some(h)
    _same("scalar", s, f(some), np.array([f(int(t)) for t in some]), some)


@_law("access")
def _access(s: Schedule, h: Horizon) -> None:
    f, whole = s.bind(h), s.bind(h).values()
    some = _some(h)[_some(h) < h.steps]
    mixed = np.random.Generator(np.random.Philox(0)).permutation(some)
    _same("access", s, whole[mixed], f(mixed), mixed)
    _same("access", s, whole[some], f(some.reshape(1, -1, 1)).reshape(-1), some)
    _same("access", s, whole[: len(some)], f(np.arange(len(some))))


@_law("spelling")
def _spelling(s: Schedule, h: Horizon) -> None:
    for how, again in (("text", parse(repr(s))), ("JSON", from_json(json.loads(json.dumps(s.to_json()))))):
        _hold("spelling", s, again == s and hash(again) == hash(s), f"its {how} reads back as {again!r}")
        _same("spelling", s, s.bind(h).values(), again.bind(h).values())


@_law("value")
def _value(s: Schedule, h: Horizon) -> None:
    before, text = s.bind(h), repr(s)
    _same("value", s, before.values(), s.bind(h).values())
    _hold("value", s, repr(s) == text and s.bind(h) == before, "binding changed it")
    try:
        other = s.bind(h.lasting(steps=h.steps + 1))
    except InputError:
        return
    _hold("value", s, other != before, "bound to another horizon it is still equal")


@_law("end")
def _end(s: Schedule, h: Horizon) -> None:
    f, far = s.bind(h), np.array([h.steps, h.steps + 1, *_FAR])
    _same("end", s, np.full(len(far), f(h.steps)), f(far), far)
    _same("end", s, f(far % h.steps), s.bind(h, after="repeat")(far), far)
    last = s.bind(h, after="raise")
    _same("end", s, f.values(), last.values())
    try:
        last(h.steps)
    except InputError:
        return
    _hold("end", s, False, f"after='raise' gives a rate at {h.steps}")


@_law("join")
def _join(s: Schedule, h: Horizon) -> None:
    if any(d.unit == "%" for d in _durations(s)):  # shares of the whole run, which the join makes longer
        return
    k = max(h.steps // 3, 1)
    longer, alone = h.lasting(steps=h.steps + k), s.bind(h.lasting(steps=h.steps)).values()
    other = 2.0 * float(alone.max()) + 1.0
    for both in (join(constant(other), s, at=[k]), constant(other, over=k) + s):
        rates = both.bind(longer).values()
        _hold("join", s, bool((rates[:k] == other).all()), f"it speaks before its boundary at {k}")
        _same("join", s, alone, rates[k:])


@_law("prefix")
def _prefix(s: Schedule, h: Horizon) -> None:
    rates = s.bind(h).values()
    for k in {0, h.steps // 2, h.steps - 1}:
        other = rates.copy()
        other[k] += 1.0 + other[k]
        found = common_prefix(tabulated(other.tolist()), s, h)
        _hold("prefix", s, found == k, f"the common prefix is {found}, the tables differ at {k}")
    _hold("prefix", s, common_prefix(s, s, h) == h.steps, "it differs from itself")


@_law("scale")
def _scale(s: Schedule, h: Horizon) -> None:
    _same("scale", s, 0.25 * s.bind(h).values(), scaled(s, 0.25).bind(h).values())


def _some(h: Horizon) -> NDArray[np.int64]:
    """Updates to look at one by one: all of a short run, about 50 of a long one, both ends and past the end."""
    positive_int.check("Horizon(steps=...)", h.steps)
    inner = np.unique(np.linspace(0, h.steps - 1, num=min(h.steps, 50)).astype(np.int64))
    return np.concatenate([inner, np.array([h.steps, h.steps + 1])])


def _durations(node: Any) -> Iterator[Duration]:
    if isinstance(node, Duration):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _durations(part)
    elif has(type(node)):
        for a in fields(type(node)):
            yield from _durations(getattr(node, a.name))


def _hold(law: str, s: Schedule, held: bool, what: str) -> None:
    if not held:
        msg = f"{law}: {s!r}: {what}"
        raise LawError(msg)


def _same(law: str, s: Schedule, expected: NDArray[Any], found: NDArray[Any], at: NDArray[Any] | None = None) -> None:
    """The same bits, or where the first ones differ."""
    differ = np.flatnonzero((expected != found) | (np.signbit(expected) != np.signbit(found)))
    if differ.size:
        i = int(differ[0])
        t = i if at is None else int(at.reshape(-1)[i])
        _hold(law, s, False, f"at update {t} it gives {found[i]!r}, not {expected[i]!r}")
