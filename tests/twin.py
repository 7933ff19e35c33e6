"""The slow twin: every schedule evaluated one update at a time, by its published equation, in plain Python.

No numpy, no nodes, no segments: positions are Fractions, boundaries are counted in loops, families are written as in
their docstrings. The fast path must agree with it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from lrdecay.schedule import Horizon, Schedule
from lrdecay.schedule import compose as c
from lrdecay.schedule import families as f

__all__ = ["nearest", "twin"]


def twin(schedule: Schedule, horizon: Horizon, t: int) -> float:
    """The rate of update t; from the end of the horizon on, the value it was heading for."""
    return _at(schedule, horizon, min(t, horizon.steps), Fraction(0), horizon.exact_steps)


def nearest(position: Fraction) -> int:
    """The nearest integer, halves up, without arithmetic that could share a mistake with the code."""
    down = position.numerator // position.denominator
    return down if position - down < Fraction(1, 2) else down + 1


def _at(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    if isinstance(s, c.then):
        return _chain(s.parts, h, t, start, end)
    if isinstance(s, c.scale):
        return s.factor * _at(s.schedule, h, t, start, end)
    if isinstance(s, c.clamp):
        inner = max(_at(s.schedule, h, t, start, end), s.low)
        return inner if s.high is None else min(inner, s.high)
    if s.over is not None:
        end = start + h.length(s.over)
    if isinstance(s, c.join):
        edges = [start, *(start + h.length(d) for d in s.at)]
        speaking = [i for i, p in enumerate(edges) if nearest(p) < nearest(end) or i == 0]
        i = max(i for i in speaking if nearest(edges[i]) <= t or i == 0)
        return _at(s.parts[i], h, t, edges[i], edges[i + 1] if i + 1 in speaking else end)
    return _family(s, h, t, start, end)


def _chain(parts: tuple[Any, ...], h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    first, rest = parts[0], parts[1:]
    if not rest:
        return _at(first, h, t, start, end)
    if isinstance(first, c.warmup):
        top = start + h.length(first.over)
        if t >= nearest(top):
            return _chain(rest, h, t, top, end)
        return _chain(rest, h, nearest(top), top, end) * (t - nearest(start) + 1) / (nearest(top) - nearest(start) + 1)
    passed = start + sum(h.length(d) for d in first.lasts)
    if nearest(passed) >= nearest(end):
        return _at(first, h, t, start, end)
    return _chain(rest, h, t, passed, end) if t >= nearest(passed) else _at(first, h, t, start, passed)


def _family(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    a, b = nearest(start), nearest(end)
    u = min(max(t - a, 0), b - a) / (b - a) if b > a else 0.0
    match s:
        case f.constant():
            return s.peak
        case f.step():
            return s.peak * s.factor ** _ticks(start, h.length(s.every), t, b)
        case f.multi_step():
            marks = [nearest(start + h.length(d)) for d in s.at]
            return s.peak * s.factor ** sum(m <= t for m in marks if m < b)
        case f.exponential() | f.inverse_time():
            tick = h.length(s.every)
            x = _ticks(start, tick, t, b) if s.staircase else float(Fraction(min(max(t - a, 0), b - a)) / tick)
            return s.peak * s.factor**x if isinstance(s, f.exponential) else s.peak / (1 + s.rate * x)
        case f.linear():
            return s.floor + (s.peak - s.floor) * (1 - u)
        case f.polynomial():
            return s.floor + (s.peak - s.floor) * (1 - u) ** s.power
        case f.cosine():
            return s.floor + (s.peak - s.floor) * (1 + math.cos(math.pi * u)) / 2
        case f.wsd():
            return _wsd(s, h, t, start, end)
    raise TypeError(s)


def _wsd(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    n = nearest(start + h.length(s.warmup)) - nearest(start)
    if t < nearest(start) + n:
        return s.peak * (t - nearest(start) + 1) / (n + 1)
    a, b = nearest(end - h.length(s.cooldown)), nearest(end)
    u = min(max(t - a, 0), b - a) / (b - a)
    fall = {
        "linear": 1 - u,
        "cosine": (1 + math.cos(math.pi * u)) / 2,
        "1-sqrt": 1 - math.sqrt(u),
        "square": (1 - u) ** 2,
    }
    return s.floor + (s.peak - s.floor) * fall[s.shape]


def _ticks(start: Fraction, tick: Fraction, t: int, end: int) -> int:
    """How many boundaries start + k·tick, k >= 1, each rounded once, lie at or before t and before the end."""
    k = 0
    while nearest(start + (k + 1) * tick) <= min(t, end - 1):
        k += 1
    return k
