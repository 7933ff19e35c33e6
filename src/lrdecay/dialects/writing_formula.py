"""A bound schedule as a few lines of code: its segments, one after the other, as plain assignments.

    u1 = minimum(t, 100) / 100
    f1 = (1.0 + cos(pi * u1)) / 2.0
    r1 = 0.1 * f1 + 0.001 * (1.0 - f1)

Every line is an expression in the words of one library, see `writing_words`. The lines compute what the segments
compute, so that the numbers are the schedule's own, to the precision of that library's floats.
"""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
from attrs import field, frozen

from lrdecay.dialects.writing_words import Words
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Bound
from lrdecay.schedule.cycles import CycleSegment, TriangleSegment, _Even, _Growing
from lrdecay.schedule.segments import (
    ClampSegment,
    HoldSegment,
    JoinSegment,
    ProgressionSegment,
    RampSegment,
    ScaleSegment,
    StairSegment,
    TableSegment,
    WarmSegment,
)
from lrdecay.schedule.shapes import (
    Shape,
    cosine_shape,
    geometric_shape,
    inverse_shape,
    linear_shape,
    natural_shape,
    one_minus_sqrt_shape,
    power_law_shape,
    power_shape,
    rex_shape,
    square_shape,
    tanh_shape,
    towards_shape,
)
from lrdecay.schedule.ticks import Ticks

__all__ = ["formula"]


def formula(bound: Bound, words: Words) -> tuple[list[str], str]:
    """The lines that compute the rate from an integer ``t``, and the name or number that holds it.

    Raises:
        InputError: the library's floats or integers cannot hold what would have to be computed.
    """
    words.check(bound)
    writer = _Writer(words, bound)
    writer.line("t", words.minimum("t", str(bound.steps)))
    rate = writer.segment(bound.segment, "t")
    return writer.lines, rate if rate[0].isalpha() else words.everywhere(rate)


@final
@frozen
class _Writer:
    """Lines so far, in the words of one library."""

    words: Words
    bound: Bound
    lines: list[str] = field(factory=list)

    def line(self, name: str, expression: str) -> str:
        """Assign, and give the name."""
        self.lines.append(f"{name} = {expression}")
        return name

    def new(self, letter: str, expression: str) -> str:
        """Assign to a name of its own; a bare number or name needs none."""
        return self.line(f"{letter}{sum(line[0] == letter for line in self.lines) + 1}", expression)

    def segment(self, segment: Any, t: str) -> str:
        """The rate of one segment at update ``t``."""
        w = self.words
        match segment:
            case HoldSegment(value=value):
                return w.number(value)
            case TableSegment(a=a, values=values):
                return self.new("r", w.pick(values.tolist(), self.since(t, a, len(values) - 1)))
            case RampSegment():
                u = self.new("u", f"{self.since(t, segment.a, segment.b - segment.a)} / {segment.b - segment.a}")
                return self.new("r", self.between(segment.start, segment.end, self.shape(segment.shape, u)))
            case ProgressionSegment():
                x = self.new("x", f"{self.since(t, segment.a, segment.b - segment.a)} / {w.number(segment.tick)}")
                return self.new("r", f"{w.number(segment.peak)} * {self.shape(segment.shape, x)}")
            case StairSegment():
                k = self.passed(segment.ticks, w.minimum(t, str(segment.b - 1)))
                return self.new("r", f"{w.number(segment.peak)} * {self.shape(segment.shape, k)}")
            case WarmSegment():
                top = w.number(float(segment.rest(np.array(segment.b))))
                rest = self.segment(segment.rest, self.new("t", w.maximum(t, str(segment.b))))
                up = f"{top} * (({_less(t, segment.a)} + 1) / {segment.b - segment.a + 1})"
                return self.new("r", w.where(f"{t} < {segment.b}", up, rest))
            case JoinSegment():
                return self.join(segment, t)
            case ScaleSegment(inner=inner, factor=factor):
                return self.new("r", f"{w.number(factor)} * {self.segment(inner, t)}")
            case ClampSegment():
                low = w.maximum(self.segment(segment.inner, t), w.number(segment.low))
                return self.new("r", low if math.isinf(segment.high) else w.minimum(low, w.number(segment.high)))
            case CycleSegment():
                return self.cycle(segment, self.new("t", w.minimum(t, str(segment.b))))
            case TriangleSegment():
                return self.triangle(segment, t)
        return self.unknown(segment)

    def unknown(self, part: object) -> str:
        """Refuse what has no words here."""
        msg = refusal(repr(self.bound.schedule), "must be made of parts that can be written as code", part)
        raise InputError(msg)

    def since(self, t: str, a: int, most: int) -> str:
        """The updates since a, from 0 to most."""
        return self.words.clip(_less(t, a), most)

    def between(self, high: float, low: float, f: str) -> str:
        """high·f + low·(1 - f); f is a name of its own where it is needed twice."""
        if low == 0.0:
            return f"{self.words.number(high)} * {f}"
        if high == 0.0:
            return f"{self.words.number(low)} * (1.0 - {f})"
        f = self.new("f", f)
        return f"{self.words.number(high)} * {f} + {self.words.number(low)} * (1.0 - {f})"

    def join(self, segment: JoinSegment, t: str) -> str:
        """The part whose turn it is; many holds are a list."""
        w = self.words
        if len(segment.parts) > 2 and all(isinstance(p, HoldSegment) for p in segment.parts):
            values = [p.value for p in segment.parts if isinstance(p, HoldSegment)]
            return self.new("r", w.pick(values, self.new("k", w.count(list(segment.edges), t))))
        rate = self.segment(segment.parts[-1], t)
        for part, edge in zip(segment.parts[-2::-1], segment.edges[::-1], strict=True):
            rate = self.new("r", w.where(f"{t} < {edge}", self.segment(part, t), rate))
        return rate

    def passed(self, ticks: Ticks, t: str) -> str:
        """How many ticks have passed: max(⌈(m·t + c)/d⌉ - 1, 0); whole ones are ⌊(t - a)/n⌋."""
        m, c, d = _reduced(ticks.counting)
        self.words.check_integers(self.bound, m * self.bound.steps + abs(c) + d)
        whole = m == 2 and c % 2 != 0 and d % 2 == 0
        count = f"({_less(t, (1 - c) // 2)}) // {d // 2}" if whole else f"-((-{m} * {t} - {c}) // {d}) - 1"
        return self.new("k", self.words.maximum(count, "0"))

    def position(self, ticks: Ticks, k: str) -> str:
        """The update that tick k falls on: ⌊(p·k + q)/r⌋; whole ones are a + n·k."""
        p, q, r = _reduced(ticks.placing)
        self.words.check_integers(self.bound, p * (self.bound.steps + 1) + abs(q) + r)
        if r == 2 and p % 2 == 0 and q % 2:
            return f"{p // 2} * {k}" + (f" + {(q - 1) // 2}" if q != 1 else "")
        return f"({p} * {k} + {q}) // {r}"

    def cycle(self, segment: CycleSegment, t: str) -> str:
        """A shape from one restart to the next."""
        w, clock = self.words, segment.clock
        if isinstance(clock, _Even):
            k = self.passed(clock.ticks, w.minimum(t, str(clock.b - 1)))
            a, e = self.new("a", self.position(clock.ticks, k)), self.position(clock.ticks, f"({k} + 1)")
        elif isinstance(clock, _Growing):
            edges = clock.edges.tolist()
            k = self.new("k", w.count(edges[1:-1], t))
            a, e = self.new("a", w.pick(edges[:-1], k)), w.pick(edges[1:], k)
        else:
            return self.unknown(segment)
        u = self.new("u", f"({t} - {a}) / ({e} - {a})")
        f = self.shape(segment.shape, u)
        height = f if segment.shrink == 1.0 else f"{w.power(segment.shrink, k)} * {f}"
        return self.new("r", self.between(segment.peak, segment.floor, height))

    def triangle(self, segment: TriangleSegment, t: str) -> str:
        """Up on even halves, down on odd ones."""
        w = self.words
        last = self.new("t", w.minimum(t, str(segment.b)))
        k = self.passed(segment.halves, w.minimum(t, str(segment.b - 1)))
        a, e = self.new("a", self.position(segment.halves, k)), self.position(segment.halves, f"({k} + 1)")
        u = self.new("u", f"({last} - {a}) / ({e} - {a})")
        height = self.new("f", w.where(f"{k} % 2 == 0", u, f"1.0 - {u}"))
        if segment.shrink != 1.0:
            height = f"{w.power(segment.shrink, f'({k} // 2)')} * {height}"
        if segment.gamma != 1.0:
            height = f"{w.power(segment.gamma, f'({_less(last, segment.a)})')} * {height}"
        return self.new("r", self.between(segment.high, segment.low, height))

    def shape(self, shape: Shape, u: str) -> str:
        """The value of a unit curve, as an expression that may stand in a product."""
        w = self.words
        if shape.warp != 1.0:
            u = self.new("u", w.root(u, shape.warp))
        texts = {
            linear_shape: "(1.0 - {u})",
            cosine_shape: "((1.0 + {cos}({pi} * {u})) / 2.0)",
            one_minus_sqrt_shape: "(1.0 - {sqrt}({u}))",
            square_shape: "((1.0 - {u}) * (1.0 - {u}))",
            rex_shape: "((1.0 - {u}) / (1.0 - {u} / 2.0))",
        }
        if shape.formula in texts:
            return texts[shape.formula].format(u=u, cos=w.cos, sqrt=w.sqrt, pi=w.pi)
        p, *more = shape.parameters
        n = w.number(p)
        if shape.formula is power_shape:
            return w.root(f"(1.0 - {u})", p)
        if shape.formula is power_law_shape:
            return w.root(f"(1.0 + {u})", -p)
        if shape.formula is geometric_shape:
            return w.power(p, u)
        if shape.formula is inverse_shape:
            return f"(1.0 / (1.0 + {n} * {u}))"
        if shape.formula is natural_shape:
            return f"{w.exp}(-{n} * {u})"
        if shape.formula is tanh_shape:
            return f"((1.0 - {w.tanh}({n} * (1.0 - {u}) + {w.number(more[0])} * {u})) / 2.0)"
        if shape.formula is towards_shape:
            return f"(({w.power(p, u)} - {n}) / (1.0 - {n}))"
        return self.unknown(shape)


def _less(t: str, a: int) -> str:
    """``t - a``, short where a is 0."""
    return t if a == 0 else f"({t} - {a})"


def _reduced(line: tuple[int, int, int]) -> tuple[int, int, int]:
    common = math.gcd(*line)
    m, c, d = line
    return m // common, c // common, d // common
