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
from attrs import frozen

from lrdecay.dialects.writing_cycles import cycle, stair, triangle
from lrdecay.dialects.writing_lines import Lines, plus
from lrdecay.dialects.writing_shapes import damper_text, shape_text
from lrdecay.dialects.writing_words import Words
from lrdecay.schedule import Bound
from lrdecay.schedule.cycles import CycleSegment, TriangleSegment
from lrdecay.schedule.noise import NoisySegment
from lrdecay.schedule.paced import Paced
from lrdecay.schedule.places_laws import TokenLawSegment
from lrdecay.schedule.places_products import CarriedSegment, ProductSegment
from lrdecay.schedule.places_rising import DampedSegment, ShapedWarmSegment
from lrdecay.schedule.segments import (
    ClampSegment,
    HoldSegment,
    JoinSegment,
    ProgressionSegment,
    RampSegment,
    ScaleSegment,
    Segment,
    StairSegment,
    TableSegment,
    WarmSegment,
)

__all__ = ["formula"]


def formula(bound: Bound, words: Words) -> tuple[list[str], str]:
    """The lines that compute the rate from an integer ``t``, and the name or number that holds it.

    Raises:
        InputError: the library's floats or integers cannot hold what would have to be computed; the schedule has random
            numbers in it, or counts samples where the batch size changes.
    """
    words.check(bound)
    lines = Lines(words, bound)
    lines.line("t", words.minimum("t", str(bound.steps)))
    rate = _Writer(lines).segment(bound.segment, "t")
    return lines.lines, rate if rate[0].isalpha() else words.everywhere(rate)


@final
@frozen
class _Writer:
    """Segments, one inside the other."""

    lines: Lines

    def segment(self, segment: Any, t: str) -> str:
        """The rate of one segment at update ``t``: a name, or a number where it is always the same."""
        lines, w = self.lines, self.lines.words
        if not isinstance(segment, HoldSegment) and _is_level(segment):
            return w.number(float(segment(np.array([0]))[0]))
        match segment:
            case HoldSegment(value=value):
                return w.number(value)
            case TableSegment(a=a, values=values):
                return lines.new("r", w.pick(values.tolist(), lines.since(t, a, len(values) - 1)))
            case RampSegment():
                u = lines.new("u", f"{lines.since(t, segment.a, segment.b - segment.a)} / {segment.b - segment.a}")
                return lines.new("r", lines.between(segment.start, segment.end, shape_text(lines, segment.shape, u)))
            case ProgressionSegment():
                since = lines.since(t, segment.a, segment.b - segment.a)
                x = lines.new("x", f"{since} / {w.number(segment.tick)}")
                return lines.new("r", f"{w.number(segment.peak)} * {shape_text(lines, segment.shape, x)}")
            case StairSegment():
                return stair(lines, segment, t)
            case CycleSegment():
                return cycle(lines, segment, t)
            case TriangleSegment():
                return triangle(lines, segment, t)
            case TokenLawSegment():
                return self.token_law(segment, t)
            case JoinSegment():
                return self.join(segment, t)
            case NoisySegment():
                lines.refuse("must be free of random numbers to be written as code", segment.noise)
            case Paced():
                lines.changing()
        return self.around(segment, t)

    def around(self, segment: Any, t: str) -> str:
        """The rate of a segment that changes another one's."""
        lines, w = self.lines, self.lines.words
        match segment:
            case WarmSegment():
                return self.warm(segment.a, segment.b, segment.rest, t)
            case ShapedWarmSegment():
                return self.warm(segment.a, segment.b, segment.rest, t, segment)
            case ScaleSegment(inner=inner, factor=factor):
                return lines.new("r", f"{w.number(factor)} * {self.part(inner, t)}")
            case ClampSegment():
                low = w.maximum(self.part(segment.inner, t), w.number(segment.low))
                return lines.new("r", low if math.isinf(segment.high) else w.minimum(low, w.number(segment.high)))
            case CarriedSegment():
                share = f"({self.part(segment.inner, t)} / {w.number(segment.first)})"
                return lines.new("r", f"{w.number(segment.reached)} * {share}")
            case ProductSegment():
                return lines.new("r", " * ".join([self.part(part, t) for part in segment.parts]))
            case DampedSegment():
                rate = self.part(segment.inner, t)
                n = lines.new("n", f"{lines.since(t, segment.a, segment.b - segment.a)} + 1")
                return lines.new("r", f"{rate} * {lines.new('d', damper_text(lines, segment.damper, n))}")
        return lines.unknown(segment)

    def part(self, segment: Segment, t: str) -> str:
        """The rate of a part, which may lie where the whole does not."""
        self.lines.check_rates(segment)
        return self.segment(segment, t)

    def warm(self, a: int, b: int, rest: Segment, t: str, shaped: ShapedWarmSegment | None = None) -> str:
        """A straight or another rise to where the rest starts."""
        lines, w = self.lines, self.lines.words
        top = w.number(float(rest(np.array([b]))[0]))
        later = self.segment(rest, lines.new("t", w.maximum(t, str(b))))
        up = f"({plus(t, 1 - a)} / {b - a + 1})"
        if shaped is not None:
            u = lines.new("u", f"{w.clip(plus(t, 1 - a), b - a + 1)} / {b - a + 1}")
            up = shape_text(lines, shaped.rise, u)
        return lines.new("r", w.where(f"{t} < {b}", f"{top} * {up}", later))

    def join(self, segment: JoinSegment, t: str) -> str:
        """The part whose turn it is; many holds are a list."""
        lines, w = self.lines, self.lines.words
        if len(segment.parts) > 2 and all(isinstance(p, HoldSegment) for p in segment.parts):
            values = [p.value for p in segment.parts if isinstance(p, HoldSegment)]
            return lines.new("r", w.pick(values, lines.new("k", w.count(list(segment.edges), t))))
        rate = self.segment(segment.parts[-1], t)
        for part, edge in zip(segment.parts[-2::-1], segment.edges[::-1], strict=True):
            rate = lines.new("r", w.where(f"{t} < {edge}", self.segment(part, t), rate))
        return rate

    def token_law(self, segment: TokenLawSegment, t: str) -> str:
        """min(cap, c·n^-b), n updates from a; where it falls below the cap at n = m > 1, it is cap·(max(n, m)/m)^-b."""
        lines, w = self.lines, self.lines.words
        exponent, length = segment.exponent, segment.b - segment.a
        cap = w.number(segment.cap)
        height = math.log(segment.amplitude) - exponent * math.log(segment.tokens)  # ln c
        crossing = (height - math.log(segment.cap)) / exponent  # ln m
        if crossing >= math.log(length):
            return cap
        n = lines.new("n", lines.since(t, segment.a, length))
        if crossing > 0.0:
            m = w.number(math.exp(crossing))
            return lines.new("r", f"{cap} * {w.root(f'({w.maximum(n, m)} / {m})', -exponent)}")
        law = f"{w.number(math.exp(height))} * {w.root(w.maximum(n, '1.0'), -exponent)}"
        return lines.new("r", w.where(f"{n} > 0", law, cap))


def _is_level(segment: Any) -> bool:
    """Whether a segment is one number everywhere."""
    match segment:
        case HoldSegment():
            return True
        case ScaleSegment() | ClampSegment() | CarriedSegment():
            return _is_level(segment.inner)
        case ProductSegment():
            return all(map(_is_level, segment.parts))
        case JoinSegment():
            return len(segment.parts) == 1 and _is_level(segment.parts[0])
    return False
