"""Student's t interval: against scipy, by coverage, and at its edges."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lrdecay.errors import InputError
from lrdecay.stats import Interval, log10_t_interval, mean, t_interval

ordinary = st.floats(-1e6, 1e6, allow_subnormal=False)


@pytest.mark.parametrize("n", [2, 3, 5, 30])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_the_interval_agrees_with_scipy(n: int, level: float) -> None:
    values = np.random.default_rng(n).normal(3.0, 2.0, n)
    expected = stats.t.interval(level, n - 1, loc=values.mean(), scale=stats.sem(values))
    interval = t_interval(values, level)
    assert (interval.lo, interval.hi) == pytest.approx(expected, rel=1e-10)
    assert interval.level == level


@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_covers_the_true_mean_as_often_as_it_says(n: int, level: float) -> None:
    rng = np.random.default_rng(20240 + n)
    studies = 4000
    hits = sum(0.3 in t_interval(values, level) for values in rng.normal(0.3, 0.02, (studies, n)))
    covered = stats.binomtest(hits, studies).proportion_ci(0.9999)
    assert covered.low <= level <= covered.high


def test_the_log_interval_covers_the_true_geometric_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    studies = 4000
    hits = sum(1e-3 in log10_t_interval(10 ** rng.normal(-3.0, 0.4, 5)) for _ in range(studies))
    covered = stats.binomtest(hits, studies).proportion_ci(0.9999)
    assert covered.low <= 0.95 <= covered.high


def test_one_value_says_nothing_about_spread() -> None:
    assert t_interval([0.7]) == Interval(-math.inf, math.inf, 0.95)
    assert log10_t_interval([0.7]) == Interval(0.0, math.inf, 0.95)


@given(st.floats(-1e300, 1e300), st.integers(2, 9))
def test_equal_values_have_no_width_and_their_own_mean(value: float, n: int) -> None:
    interval = t_interval([value] * n)
    assert interval.lo == interval.hi == mean([value] * n) == value


def test_the_resolution_is_the_least_spread_used() -> None:
    interval = t_interval([0.5, 0.5, 0.5], resolution=0.01)
    half = stats.t.ppf(0.975, 2) * 0.01 / math.sqrt(12) / math.sqrt(3)
    assert (interval.lo, interval.hi) == pytest.approx((0.5 - half, 0.5 + half))
    spread = [0.1, 0.5, 0.9]
    assert t_interval(spread, resolution=0.01) == t_interval(spread)


def test_a_log_interval_on_a_grid_is_as_wide_as_the_grid_allows() -> None:
    interval = log10_t_interval([0.1, 0.1, 0.1], resolution=0.5)
    half = stats.t.ppf(0.975, 2) * 0.5 / math.sqrt(12) / math.sqrt(3)
    assert (interval.lo, interval.hi) == pytest.approx((0.1 / 10**half, 0.1 * 10**half))


@given(st.lists(ordinary, min_size=1, max_size=8), st.randoms())
def test_the_order_of_the_values_does_not_matter(values: list[float], random: Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert t_interval(shuffled) == t_interval(values)
    assert mean(shuffled) == mean(values)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=8), st.integers(-1000, 1000))
def test_adding_a_constant_moves_the_interval_by_it(values: list[int], shift: int) -> None:
    before, after = t_interval(values), t_interval([value + shift for value in values])
    assert (after.lo, after.hi) == pytest.approx((before.lo + shift, before.hi + shift), abs=1e-8)


@given(st.lists(ordinary, min_size=2, max_size=8), st.integers(-20, 20))
def test_a_change_of_unit_scales_the_interval(values: list[float], power: int) -> None:
    before, after = t_interval(values), t_interval([value * 2.0**power for value in values])
    assert (after.lo, after.hi) == (before.lo * 2.0**power, before.hi * 2.0**power)


@given(st.lists(st.floats(1e-8, 10.0), min_size=2, max_size=8), st.integers(1, 6))
def test_a_change_of_unit_scales_the_log_interval(rates: list[float], decades: int) -> None:
    before, after = log10_t_interval(rates, 0.5), log10_t_interval([rate * 10**decades for rate in rates], 0.5)
    assert after.lo == pytest.approx(before.lo * 10**decades, rel=1e-6)
    assert after.hi == pytest.approx(before.hi * 10**decades, rel=1e-6)


@given(st.lists(ordinary, min_size=2, max_size=8))
def test_the_mean_lies_in_its_interval_and_a_higher_level_is_wider(values: list[float]) -> None:
    narrow, wide = t_interval(values, 0.5), t_interval(values, 0.99)
    assert mean(values) in narrow
    assert wide.lo <= narrow.lo <= narrow.hi <= wide.hi


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_squares_of_very_large_and_very_small_values_do_not_overflow_or_vanish(size: float) -> None:
    plain, scaled = t_interval([1.0, 2.0, 4.0], 0.5), t_interval([size, 2 * size, 4 * size], 0.5)
    assert (scaled.lo, scaled.hi) == pytest.approx((plain.lo * size, plain.hi * size), rel=1e-12, abs=0.0)


def test_a_spread_beyond_the_largest_float_gives_the_whole_line() -> None:
    assert t_interval([1.7e308, -1.7e308]) == Interval(-math.inf, math.inf)


def test_a_log_interval_wider_than_the_floats_ends_at_zero_and_infinity() -> None:
    assert log10_t_interval([1e-60, 1e60]) == Interval(0.0, math.inf, 0.95)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "must hold at least one number, in one row, got (0,)"),
        ([[0.1, 0.2], [0.3, 0.4]], "must hold at least one number, in one row, got (2, 2)"),
        ([0.1, math.nan], "must be finite numbers, got nan"),
        ([0.1, -math.inf], "must be finite numbers, got -inf"),
        ([0.1, None], "must be finite numbers, got nan"),
        (["high", "low"], "must be a flat sequence of numbers, got ['high', 'low']"),
    ],
)
@pytest.mark.parametrize("function", [t_interval, log10_t_interval, mean])
def test_values_that_are_missing_or_not_finite_are_refused(function, values, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as refused:
        function(values)
    assert says in str(refused.value)
    assert function.__name__ in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("rate", [0.0, -0.1])
def test_a_rate_without_a_logarithm_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match=r"`log10_t_interval\(rates=...\)` must be positive, got"):
        log10_t_interval([0.1, rate])


@pytest.mark.parametrize("level", [0, 1, 0.0, 1.0, 95, -0.5, math.nan])
def test_a_level_that_is_not_a_fraction_is_refused(level: float) -> None:
    for function in (t_interval, log10_t_interval):
        with pytest.raises(InputError, match="must be strictly between 0 and 1, got"):
            function([0.1, 0.2], level)
    with pytest.raises(InputError, match=r"`Interval\(level=...\)` must be strictly between 0 and 1"):
        Interval(0.0, 1.0, level)


@pytest.mark.parametrize("resolution", [-0.1, math.nan, math.inf])
def test_a_resolution_that_is_not_a_step_is_refused(resolution: float) -> None:
    for function in (t_interval, log10_t_interval):
        with pytest.raises(InputError, match=r"resolution=...\)` must be a number >= 0"):
            function([0.1, 0.2], resolution=resolution)


@pytest.mark.parametrize(("lo", "hi"), [(1.0, 0.0), (math.nan, 1.0), (0.0, math.nan)])
def test_an_interval_whose_ends_are_out_of_order_is_refused(lo: float, hi: float) -> None:
    with pytest.raises(InputError, match="must have lo <= hi"):
        Interval(lo, hi)


def test_an_interval_holds_its_ends_and_nothing_outside() -> None:
    interval = Interval(1.0, 2.0)
    assert 1.0 in interval
    assert 2.0 in interval
    assert 0.999 not in interval
    assert 2.001 not in interval
    assert interval == Interval(1.0, 2.0, level=0.95)
