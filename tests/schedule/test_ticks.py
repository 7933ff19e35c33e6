"""Ticks: counted and placed by integers, as they would be one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.twin import nearest

from lrdecay.schedule.ticks import Ticks

every = st.one_of(st.fractions(1, 50, max_denominator=5000), st.fractions(1, 50, max_denominator=10**25))


@settings(max_examples=100)
@given(st.fractions(0, 100, max_denominator=5000), every)
def test_a_tick_falls_on_its_exact_position_rounded_once(start: Fraction, distance: Fraction) -> None:
    k = np.arange(40)
    assert Ticks.of(start, distance).position(k).tolist() == [nearest(start + i * distance) for i in range(40)]


@settings(max_examples=100)
@given(st.fractions(0, 100, max_denominator=5000), every)
def test_from_a_tick_on_and_not_before_it_is_counted(start: Fraction, distance: Fraction) -> None:
    ticks = Ticks.of(start, distance)
    k = np.arange(1, 40)
    at = ticks.position(k)
    assert ticks.passed(at).tolist() == k.tolist()
    assert ticks.passed(at - 1).tolist() == (k - 1).tolist()
    assert (at + ticks.reach(k)).tolist() == ticks.position(k + 1).tolist()


def test_nothing_has_passed_before_the_start() -> None:
    assert Ticks.of(Fraction(50), Fraction(3)).passed(np.arange(0, 53)).tolist() == [0] * 53


def test_very_far_out_the_count_is_still_exact() -> None:
    ticks = Ticks.of(Fraction(1, 3), Fraction(50_000, 128))
    k = np.array([2**40, 2**40 + 1])
    assert ticks.position(k).tolist() == [nearest(Fraction(1, 3) + int(i) * Fraction(50_000, 128)) for i in k]
    assert ticks.passed(ticks.position(k)).tolist() == k.tolist()
