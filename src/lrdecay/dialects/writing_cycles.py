"""Counted clocks as code: staircases, restarts and triangles, in integer arithmetic as in `ticks` and `cycles`."""

from __future__ import annotations

from lrdecay.dialects.writing_lines import Lines, plus
from lrdecay.dialects.writing_shapes import shape_text
from lrdecay.schedule.batch_clock import ClockTicks
from lrdecay.schedule.cycles import CycleSegment, EvenClock, GrowingClock, TriangleSegment
from lrdecay.schedule.segments import StairSegment
from lrdecay.schedule.ticks import Ticks

__all__ = ["cycle", "stair", "triangle"]


def stair(lines: Lines, segment: StairSegment, t: str) -> str:
    """An open shape of the ticks that have passed."""
    w = lines.words
    k = _passed(lines, segment.ticks, w.minimum(t, str(segment.b - 1)))
    return lines.new("r", f"{w.number(segment.peak)} * {shape_text(lines, segment.shape, k)}")


def cycle(lines: Lines, segment: CycleSegment, t: str) -> str:
    """A shape from one restart to the next.

    Raises:
        InputError: the batch size changes, or an integer is too large for the library.
    """
    w, clock = lines.words, segment.clock
    t = lines.new("t", w.minimum(t, str(segment.b)))
    if isinstance(clock, EvenClock):
        k = _passed(lines, clock.ticks, w.minimum(t, str(clock.b - 1)))
        a, e = lines.new("a", _position(lines, clock.ticks, k)), _position(lines, clock.ticks, f"({k} + 1)")
    elif isinstance(clock, GrowingClock):
        edges = clock.edges.tolist()
        k = lines.new("k", w.count(edges[1:-1], t))
        a, e = lines.new("a", w.pick(edges[:-1], k)), w.pick(edges[1:], k)
    else:
        lines.unknown(segment)
    u = lines.new("u", f"{w.maximum(f'{t} - {a}', '0')} / ({e} - {a})")
    f = shape_text(lines, segment.shape, u)
    height = f if segment.shrink == 1.0 else f"{w.power(segment.shrink, k)} * {f}"
    return lines.new("r", lines.between(segment.peak, segment.floor, height))


def triangle(lines: Lines, segment: TriangleSegment, t: str) -> str:
    """Up on even halves, down on odd ones.

    Raises:
        InputError: the batch size changes, or an integer is too large for the library.
    """
    w = lines.words
    last = lines.new("t", w.minimum(t, str(segment.b)))
    k = _passed(lines, segment.halves, w.minimum(t, str(segment.b - 1)))
    a, e = lines.new("a", _position(lines, segment.halves, k)), _position(lines, segment.halves, f"({k} + 1)")
    u = lines.new("u", f"{w.maximum(f'{last} - {a}', '0')} / ({e} - {a})")
    height = lines.new("f", w.where(f"{k} % 2 == 0", u, f"1.0 - {u}"))
    if segment.shrink != 1.0:
        height = f"{w.power(segment.shrink, f'({k} // 2)')} * {height}"
    if segment.gamma != 1.0:
        since = lines.new("n", lines.since(last, segment.a, segment.b - segment.a))
        height = f"{w.power(segment.gamma, since)} * {height}"
    return lines.new("r", lines.between(segment.high, segment.low, height))


def _passed(lines: Lines, ticks: Ticks | ClockTicks, t: str) -> str:
    """How many ticks have passed: max(⌊(m·t + c)/d⌋, 0); whole ones are ⌊(t - a)/n⌋."""
    if isinstance(ticks, ClockTicks):
        lines.changing()
    m, c, d = ticks.counting
    lines.check_integers(m * lines.bound.steps + abs(c) + d)
    count = plus(t if m == 1 else f"{m} * {t}", c)
    if d != 1:
        count = f"{count if c or m == 1 else f'({count})'} // {d}"
    return lines.new("k", lines.words.maximum(count, "0"))


def _position(lines: Lines, ticks: Ticks | ClockTicks, k: str) -> str:
    """The update that tick k falls on: ⌊(p·k + q)/r⌋; whole ones are a + n·k."""
    if isinstance(ticks, ClockTicks):
        lines.changing()
    p, q, r = ticks.placing
    lines.check_integers(p * (lines.bound.steps + 1) + abs(q) + r)
    at = plus(f"{p} * {k}", q)
    return at if r == 1 else f"{at if q else f'({at})'} // {r}"
