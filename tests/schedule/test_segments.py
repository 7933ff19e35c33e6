"""Segments: counted in 64 bits where they suffice, in arbitrary precision where not, with the same numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.twin import nearest

from lrdecay.schedule.cycles import TriangleSegment
from lrdecay.schedule.segments import HoldSegment, JoinSegment, StairSegment, TableSegment, WarmSegment
from lrdecay.schedule.shapes import Shape, inverse_shape
from lrdecay.schedule.ticks import Ticks

COUNT = Shape(inverse_shape, (1.0,))  # 1 / (1 + k): the count can be read back exactly


def stairs(end: int, start: Fraction, tick: Fraction, t: NDArray[np.int64]) -> list[int]:
    return [round(1 / r - 1) for r in StairSegment(end, Ticks.of(start, tick), 1.0, COUNT)(t)]


def slowly(end: int, start: Fraction, tick: Fraction, t: NDArray[np.int64]) -> list[int]:
    counts, k = [], 0
    for i in t:  # ascending
        while nearest(start + (k + 1) * tick) <= min(int(i), end - 1):
            k += 1
        counts.append(k)
    return counts


positive = st.fractions(Fraction(1, 4), 50, max_denominator=5000)


@settings(max_examples=60)
@given(st.fractions(0, 100, max_denominator=5000), positive, st.integers(1, 400))
def test_ticks_are_counted_as_they_are_one_by_one(start: Fraction, tick: Fraction, length: int) -> None:
    t = np.arange(nearest(start), nearest(start) + 300)
    end = nearest(start) + length
    assert stairs(end, start, tick, t) == slowly(end, start, tick, t)


def test_counting_in_arbitrary_precision_agrees_with_counting_in_64_bits() -> None:
    t = np.arange(0, 3000, 7)
    near = Fraction(10, 3) + Fraction(1, 3 * 10**30)  # too long for 64 bits, too close to 10/3 to matter
    exact = StairSegment(2500, Ticks.of(Fraction(1, 7), near), 1.0, COUNT)
    short = StairSegment(2500, Ticks.of(Fraction(1, 7), Fraction(10, 3)), 1.0, COUNT)
    assert max(exact.ticks.counting) > 2**62
    assert exact(t).tobytes() == short(t).tobytes()
    assert exact(t.reshape(3, -1)).shape == (3, len(t) // 3)


def test_a_tick_exactly_on_a_half_falls_on_the_update_above_it() -> None:
    assert stairs(100, Fraction(0), Fraction(5, 2), np.arange(9)) == [0, 0, 0, 1, 1, 2, 2, 2, 3]


def test_a_billion_updates_into_a_run_the_count_is_still_exact() -> None:
    tick = Fraction(50_000, 128)
    t = np.array([nearest(tick * k) + d for k in (2_559_999, 2_560_000) for d in (-1, 0)])
    assert stairs(2 * 10**9, Fraction(0), tick, t) == [2_559_998, 2_559_999, 2_559_999, 2_560_000]


def test_each_part_of_a_join_is_asked_only_where_it_speaks() -> None:
    asked: list[list[int]] = [[], [], []]

    def part(i: int) -> object:
        def rates(t: NDArray[np.int64]) -> NDArray[np.float64]:
            asked[i] += t.tolist()
            return np.full(t.shape, float(i))

        return rates

    joined = JoinSegment(tuple(part(i) for i in range(3)), (4, 6))  # type: ignore[arg-type]
    assert joined(np.array([7, 0, 4, 5, 3, 6])).tolist() == [2.0, 0.0, 1.0, 1.0, 0.0, 2.0]
    assert asked == [[0, 3], [4, 5], [7, 6]]


def test_of_two_edges_on_one_update_the_last_part_speaks() -> None:
    joined = JoinSegment((HoldSegment(1.0), HoldSegment(2.0), HoldSegment(3.0)), (4, 4))
    assert joined(np.arange(3, 6)).tolist() == [1.0, 3.0, 3.0]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3)])
def test_a_segment_keeps_the_shape_of_what_it_is_given(shape: tuple[int, ...]) -> None:
    inner = JoinSegment((HoldSegment(1.0), HoldSegment(2.0)), (4,))
    ticks = Ticks.of(Fraction(0), Fraction(2))
    table = TableSegment(0, np.array([1.0, 2.0]))
    triangle = TriangleSegment(0, 9, ticks, 0.0, 1.0, 0.5, 0.9)
    for segment in (inner, WarmSegment(0, 3, inner), StairSegment(9, ticks, 1.0, COUNT), table, triangle):
        rates = segment(np.full(shape, 5))
        assert rates.shape == shape
        assert rates.dtype == np.float64
