"""The slow twin: every schedule evaluated one update at a time, by its published equation, in plain Python.

No numpy, no nodes, no segments: positions are Fractions, boundaries are counted in loops, families are written as in
their docstrings. The fast path must agree with it.
"""

from __future__ import annotations

import functools
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lrdecay.schedule import Horizon, Schedule
from lrdecay.schedule import compose as c
from lrdecay.schedule import compose_factors as cf
from lrdecay.schedule import compose_join as cj
from lrdecay.schedule import families as f
from lrdecay.schedule import families_curves as fc
from lrdecay.schedule import families_cycles as fy
from lrdecay.schedule import families_listed as fl
from lrdecay.schedule import families_powers as fp

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
    if isinstance(s, cf.product):
        return math.prod(_at(part, h, t, start, end) for part in s.parts)
    if isinstance(s, cf.damped):
        return _at(s.schedule, h, t, start, end) * _damper(s, h, min(t, nearest(end)) - nearest(start) + 1)
    if isinstance(s, cf.noisy):
        marks = (start, end) if s.between is None else [start + h.length(d) for d in s.between]
        heard = nearest(marks[0]) <= t < min(nearest(marks[1]), nearest(end))
        return _at(s.schedule, h, t, start, end) * (1 + (_deviation(s, t - nearest(start)) if heard else 0))
    if s.over is not None:
        end = start + h.length(s.over)
    if isinstance(s, cj.join):
        lengths = (
            [[d] for d in s.at]
            if s.at
            else [sum((p.lasts for p in s.parts[: i + 1]), ()) for i in range(len(s.parts) - 1)]
        )
        edges = [start, *(start + sum(h.length(d) for d in ds) for ds in lengths)]
        speaking = [i for i, p in enumerate(edges) if nearest(p) < nearest(end) or i == 0]
        ends = [edges[i + 1] if i + 1 in speaking else end for i in speaking]
        last = max(i for i in speaking if nearest(edges[i]) <= t or i == 0)
        ratio = 1.0
        for i in range(1, last + 1 if s.carry else 0):
            at = nearest(edges[i])
            ratio *= _at(s.parts[i - 1], h, at, edges[i - 1], ends[i - 1]) / _at(s.parts[i], h, at, edges[i], ends[i])
        return ratio * _at(s.parts[last], h, t, edges[last], ends[last])
    return _family(s, h, t, start, end)


def _chain(parts: tuple[Any, ...], h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    first, rest = parts[0], parts[1:]
    if not rest:
        return _at(first, h, t, start, end)
    if isinstance(first, c.warmup):
        top = start + h.length(first.over)
        if t >= nearest(top):
            return _chain(rest, h, t, top, end)
        u = (t - nearest(start) + 1) / (nearest(top) - nearest(start) + 1)
        rise = {
            "linear": u,
            "cosine": (1 - math.cos(math.pi * u)) / 2,
            "exponential": (1 - math.e ** (-2 * u)) / (1 - math.e**-2),
        }
        return _chain(rest, h, nearest(top), top, end) * rise[first.shape]
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
    return _further(s, h, t, start, end)


def _further(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    a, b = nearest(start), nearest(end)
    u = min(max(t - a, 0), b - a) / (b - a) if b > a else 0.0
    match s:
        case fl.piecewise():
            return s.values[sum(m <= t for m in [nearest(start + h.length(d)) for d in s.at] if m < b)]
        case fl.ramp():
            return _between(h, t, start, end, [], (s.start, s.end), s.shape)
        case fl.tabulated():
            return s.values[min(t - a, b - a - 1, len(s.values) - 1)]
        case fc.natural_exponential():
            tick = h.length(s.every)
            x = _ticks(start, tick, t, b) if s.staircase else float(Fraction(min(t, b) - a) / tick)
            return s.peak * math.exp(-s.rate * x)
        case fc.halving():
            phases = max(n for n in range(1, 64) if n == 1 or 2**n <= b - a)
            return s.peak * 0.5 ** _ticks(start, (end - start) / phases, t, b)
        case fc.rex():
            return s.floor + (s.peak - s.floor) * (1 - u) / (1 - u / 2)
        case fc.tanh():
            return s.floor + (s.peak - s.floor) * (1 - math.tanh(s.lower * (1 - u) + s.upper * u)) / 2
        case fc.k_decay():
            return s.floor + (s.peak - s.floor) * _fall(s.shape, u**s.k)
        case fc.flat_cosine():
            return _between(h, t, start, end, [((s.flat,), s.peak, s.peak)], (s.peak, s.floor), "cosine")
        case fc.slanted_triangular():
            low = s.peak / s.ratio
            return _between(h, t, start, end, [((s.cut,), low, s.peak)], (s.peak, low), "linear")
        case fy.one_cycle():
            low, w = s.peak / s.start_div, s.warmup
            rise = [((w,), low, s.peak), *([((w, w), s.peak, low)] if s.three_phase else [])]
            return _between(h, t, start, end, rise, (rise[-1][2], low / s.end_div), s.shape)
        case fy.warm_restarts():
            i, edge, length = 0, start, h.length(s.first)
            while nearest(edge + length) <= min(t, b - 1):
                i, edge, length = i + 1, edge + length, length * Fraction(str(s.growth))
            u = (min(t, b) - nearest(edge)) / (nearest(edge + length) - nearest(edge))
            return s.floor + (s.peak - s.floor) * s.shrink**i * _fall("cosine", u)
        case fy.triangular():
            half = h.length(s.half_cycle)
            k = _ticks(start, half, t, b)
            low, top = nearest(start + k * half), nearest(start + (k + 1) * half)
            u = (min(t, b) - low) / (top - low)
            by = {"constant": 1.0, "halve": 0.5 ** (k // 2), "exp": s.gamma ** (min(t, b) - a)}[s.scale]
            return s.low + (s.high - s.low) * by * (1 - u if k % 2 else u)
    return _after_warmup(s, h, t, start, end)


def _after_warmup(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    if isinstance(s, fp.noam):
        n, w = min(t, nearest(end)) - nearest(start) + 1, max(nearest(h.length(s.warmup)), 1)
        return s.scale * s.d_model**-0.5 * min(n**-0.5, n * w**-1.5)
    if isinstance(s, fp.token_power):
        return _token_power(s, h, t, start, end)
    a, b, top = nearest(start), nearest(end), nearest(start + h.length(s.warmup))
    if t < top:
        return s.peak * (t - a + 1) / (top - a + 1)
    x = float(Fraction(min(t, b) - top) / h.length(s.warmup)) if s.warmup.amount else 0.0
    match s:
        case fp.inverse_sqrt():
            return s.peak / math.sqrt(1 + x)
        case fp.power():
            return s.peak / (1 + x) ** s.exponent
        case fc.knee():
            flat = nearest(start + h.length(s.warmup) + h.length(s.explore))
            return s.peak * (1 - min(max(t - flat, 0), b - flat) / (b - flat))
    raise TypeError(s)


def _token_power(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    a, top = nearest(start), nearest(start + h.length(s.warmup))
    if t < top:
        return _token_power(s, h, top, start, end) * (t - a + 1) / (top - a + 1)
    tokens = (min(t, nearest(end)) - a) * (h.tokens_per_step or 0)
    return min(s.peak, s.batch * s.a * tokens**-s.b) if tokens else s.peak


def _damper(s: Any, h: Horizon, n: int) -> float:
    match s.by:
        case "linear" | "exponential":
            period = float(h.length(s.period))
            return min(1, n / period) if s.by == "linear" else 1 - math.exp(-n / period)
        case "untuned_linear":
            return min(1, (1 - s.beta2) / 2 * n)
        case "untuned_exponential":
            return 1 - math.exp(-(1 - s.beta2) * n)
    return _rectified(Decimal(s.beta2), n)


@functools.cache
def _rectified(beta: Decimal, n: int) -> float:
    """RAdam's factor at the n-th update with rho > 4, in 28 digits."""
    limit = 2 / (1 - beta) - 1
    skipped = next(k for k in range(1000) if limit - 2 * (k + 1) / (beta ** -(k + 1) - 1) > 4)
    k = n + skipped
    rho = limit - 2 * k / (beta**-k - 1)
    return math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))


def _deviation(s: Any, n: int) -> float:
    """The first try of the n-th count that is taken."""
    for k in range(1000):
        v, w = ((word >> 11) / 2**53 for word in _philox(n + 1, s.seed, k)[:2])
        eps = s.pct * (2 * v - 1)
        if s.kind == "normal" and s.std <= s.pct:
            eps = s.std * math.sqrt(-2 * math.log(1 - w)) * math.cos(2 * math.pi * v)
        elif s.kind == "normal" and w >= math.exp(-((eps / s.std) ** 2) / 2):
            continue
        if abs(eps) < s.pct:
            return eps
    raise AssertionError


def _philox(counter: int, *key: int) -> list[int]:
    """Philox 4x64-10 as published (Salmon et al. 2011): four words of 64 bits."""
    x, (k0, k1), mask = [counter, 0, 0, 0], key, 2**64 - 1
    for _ in range(10):
        p, q = 0xD2E7470EE14C6C93 * x[0], 0xCA5A826395121157 * x[2]
        x = [(q >> 64) ^ x[1] ^ k0, q & mask, (p >> 64) ^ x[3] ^ k1, p & mask]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return x


def _between(
    h: Horizon, t: int, start: Fraction, end: Fraction, legs: list[Any], last: tuple[float, float], shape: str
) -> float:
    """Legs of (durations to its end, first rate, last rate), then one more to the end."""
    a = nearest(start)
    for durations, first, then in [*legs, (None, *last)]:
        b = nearest(end if durations is None else start + sum(h.length(d) for d in durations))
        if t < b or durations is None:
            fall = _fall(shape, min(t - a, b - a) / (b - a))
            return first * fall + then * (1 - fall)
        a = b
    raise AssertionError


def _wsd(s: Any, h: Horizon, t: int, start: Fraction, end: Fraction) -> float:
    n = nearest(start + h.length(s.warmup)) - nearest(start)
    if t < nearest(start) + n:
        return s.peak * (t - nearest(start) + 1) / (n + 1)
    a, b = nearest(end - h.length(s.cooldown)), nearest(end)
    u = min(max(t - a, 0), b - a) / (b - a)
    if s.shape == "exponential":
        return s.peak * (s.floor / s.peak) ** u
    if s.shape == "power":
        return s.floor + (s.peak - s.floor) * (1 - u) ** s.power
    return s.floor + (s.peak - s.floor) * _fall(s.shape, u)


def _fall(shape: str, u: float) -> float:
    fall = {
        "linear": 1 - u,
        "cosine": (1 + math.cos(math.pi * u)) / 2,
        "1-sqrt": 1 - math.sqrt(u),
        "square": (1 - u) ** 2,
    }
    return fall[shape]


def _ticks(start: Fraction, tick: Fraction, t: int, end: int) -> int:
    """How many boundaries start + k·tick, k >= 1, each rounded once, lie at or before t and before the end."""
    k = 0
    while nearest(start + (k + 1) * tick) <= min(t, end - 1):
        k += 1
    return k
