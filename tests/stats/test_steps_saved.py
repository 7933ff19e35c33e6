"""Steps saved: exact crossings, the coverage of the interval by simulation, and censored seeds that are counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lrdecay.errors import InputError
from lrdecay.stats import StepsSaved, band, difference_band, steps_saved, t_interval

MARKS = np.arange(10, 101, 10)


def line(start: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    return MARKS, start + slope * MARKS


def test_straight_lines_cross_where_algebra_says() -> None:
    ours = [line(0.0, 0.02), line(0.1, 0.02), line(-0.1, 0.02)]
    theirs = [line(0.0, 0.01), line(0.1, 0.01), line(-0.1, 0.01)]  # ends 1.0 above its start: reached at u = 50
    found = steps_saved(ours, theirs, higher_is_better=True, resolution=1e-6)
    assert found.updates == pytest.approx(50.0)
    assert found.ratio == pytest.approx(0.5)
    assert found.per_seed == pytest.approx((50.0, 50.0, 50.0))
    assert found.reached == 3
    assert found.interval is not None
    assert 50.0 in found.interval
    assert found.interval.hi - found.interval.lo < 0.2


@given(st.integers(1, 5), st.floats(0.011, 0.05), st.randoms())
def test_a_loss_is_an_accuracy_upside_down_and_seeds_have_no_order(n, slope, random) -> None:  # type: ignore[no-untyped-def]
    ours = [line(random.uniform(-0.2, 0.2), slope) for _ in range(n)]
    theirs = [line(random.uniform(-0.2, 0.2), 0.01) for _ in range(n)]
    found = steps_saved(ours, theirs, higher_is_better=True)
    down = steps_saved([(x, -y) for x, y in ours], [(x, -y) for x, y in theirs], higher_is_better=False)
    back = steps_saved(ours[::-1], theirs[::-1], higher_is_better=True)
    assert down == found
    assert back.per_seed == found.per_seed[::-1]
    if found.updates is not None and found.interval is not None:
        assert found.interval.lo - 1e-6 <= found.updates <= found.interval.hi + 1e-6


def test_a_lucky_mark_does_not_count_as_being_there() -> None:
    y = np.array([0.1, 0.2, 0.95, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0])
    found = steps_saved([(MARKS, y)], [([100], [0.9])], higher_is_better=True)
    assert found.updates is not None
    assert found.updates > 90  # a running best would say 29
    assert found.interval is None


def test_seeds_that_never_get_there_are_counted_and_stay_in_the_mean() -> None:
    ours = [line(0.0, 0.02), line(0.0, 0.012), line(0.0, 0.008)]
    theirs = [line(0.0, 0.01)] * 3
    found = steps_saved(ours, theirs, higher_is_better=True)
    assert found.per_seed[:2] == pytest.approx((50.0, 100 / 1.2))
    assert found.per_seed[2] is None
    assert found.reached == 2
    assert found.updates == pytest.approx(75.0)  # of the mean curve, slope 0.04/3
    assert found.interval is not None
    assert found.interval.hi == math.inf  # the lead at the end is not beyond doubt


def test_never_and_at_once_are_said() -> None:
    low = [line(-5.0 + e, 0.001) for e in (0.0, 0.01, 0.02)]
    high = [line(5.0 + e, 0.001) for e in (0.0, 0.012, 0.02)]
    never = steps_saved(low, high, higher_is_better=True)
    assert (never.updates, never.ratio, never.reached) == (None, None, 0)
    assert never.interval is not None
    assert never.interval.lo == math.inf
    at_once = steps_saved(high, low, higher_is_better=True)
    assert at_once.updates == 10.0
    assert at_once.interval is not None
    assert (at_once.interval.lo, at_once.interval.hi) == (0.0, 10.0)


def test_runs_of_other_lengths_are_compared_by_their_own_updates() -> None:
    short = [([20, 40], [0.5 + e, 0.8 + e]) for e in (0.0, 0.01)]
    found = steps_saved([line(0.0, 0.02), line(0.01, 0.02)], short, higher_is_better=True, resolution=1e-6)
    assert found.of == 40
    assert found.ratio == pytest.approx(1.0)
    assert found.ratio_interval is not None
    assert found.ratio_interval.hi == pytest.approx(found.interval.hi / 40)  # type: ignore[union-attr]


@pytest.mark.parametrize("n", [3, 5, 8])
def test_the_interval_holds_the_true_crossing_in_its_level_of_all_studies(n: int) -> None:
    rng = np.random.default_rng(n)
    count, held = 600, 0
    mean = 1.0 - np.exp(-MARKS / 30.0)
    target = 0.8  # reached at u = 30·ln 5 on the smooth curve, at the crossing of its chords here
    truth = float(np.interp(target, mean, MARKS))
    for _ in range(count):
        seed = 0.1 * rng.normal(size=(n, 1))
        ours = mean + seed + 0.03 * rng.normal(size=(n, 10))
        theirs = target + seed[:, 0] + 0.03 * rng.normal(size=n)
        found = steps_saved([(MARKS, y) for y in ours], [([100], [y]) for y in theirs], higher_is_better=True)
        assert found.interval is not None
        held += truth in found.interval
        assert found.updates is not None
    assert stats.binomtest(held, count, 0.95, alternative="less").pvalue > 1e-3
    assert held / count < 1.0


def test_an_interval_over_seeds_is_narrower_paired_than_not() -> None:
    rng = np.random.default_rng(0)
    mean, seed = 1.0 - np.exp(-MARKS / 30.0), 0.1 * rng.normal(size=(6, 1))
    ours = [(MARKS, y) for y in mean + seed + 0.005 * rng.normal(size=(6, 10))]
    theirs = [([100], [0.8 + s]) for s in seed[:, 0]]
    paired = steps_saved(ours, theirs, higher_is_better=True).interval
    apart = steps_saved(ours, theirs[::-1], higher_is_better=True).interval
    assert paired is not None
    assert apart is not None
    assert paired.hi - paired.lo < 0.5 * (min(apart.hi, 100.0) - apart.lo)


# ---- bands ---------------------------------------------------------------------------------------------------------


def test_a_band_is_the_t_interval_at_each_mark_and_a_difference_is_paired() -> None:
    rng = np.random.default_rng(1)
    seed = 3.0 * rng.normal(size=(4, 1))
    a, b = 1.0 + seed + 0.1 * rng.normal(size=(4, 10)), seed + 0.1 * rng.normal(size=(4, 10))
    curves_a, curves_b = [(MARKS, y) for y in a], [(MARKS, y) for y in b]
    own, apart = band(curves_a), difference_band(curves_a, curves_b)
    assert own.marks.tolist() == MARKS.tolist()
    for i in range(10):
        expected = t_interval(a[:, i])
        assert (own.lo[i], own.hi[i]) == pytest.approx((expected.lo, expected.hi))
        expected = t_interval(a[:, i] - b[:, i])
        assert (apart.lo[i], apart.mean[i], apart.hi[i]) == pytest.approx(
            (expected.lo, (a - b)[:, i].mean(), expected.hi)
        )
    assert (apart.lo > 0).all()  # plain, although the bands of the curves overlap
    assert (own.lo < band(curves_b).hi).all()


def test_only_marks_that_all_seeds_have_count_and_one_seed_is_the_whole_line() -> None:
    curves = [([10, 20, 30], [1.0, math.nan, 3.0]), ([20, 30, 40], [2.0, 5.0, 9.0])]
    found = band(curves)
    assert (found.marks.tolist(), found.mean.tolist(), found.n) == ([30.0], [4.0], 2)
    one = band(curves[:1])
    assert one.mean.tolist() == [1.0, 3.0]
    assert (one.lo == -math.inf).all()
    assert (one.hi == math.inf).all()
    assert band([([10], [1.0]), ([20], [1.0])]).marks.size == 0


def test_equal_seeds_have_the_spread_of_their_rounding() -> None:
    flat = [([10], [0.5])] * 3
    assert band(flat).hi[0] == 0.5
    assert band(flat, resolution=0.01).hi[0] == pytest.approx(t_interval([0.5] * 3, resolution=0.01).hi)


def test_bad_input_is_one_clear_line() -> None:
    one = [line(0.0, 0.1)]
    for call, says in (
        (lambda: steps_saved([], [], higher_is_better=True), "`steps_saved(ours=...)` must hold at least one item"),
        (lambda: steps_saved(one, one * 2, higher_is_better=True), "must have one curve per seed in both, got (1, 2)"),
        (lambda: steps_saved(one, one, higher_is_better=True, level=2.0), "(level=...)` must be strictly between"),
        (lambda: steps_saved([([], [])], one, higher_is_better=True), "must have a mark that all seeds have"),
        (
            lambda: steps_saved(one * 2, [([10, 20], [1, 2]), ([10, 30], [1, 2])], higher_is_better=True),
            "must end at the same update on every seed, got [20.0, 30.0]",
        ),
        (lambda: band([]), "`band(curves=...)` must hold at least one item"),
        (lambda: band([([1, 2], [1.0])]), "must have one value for each mark, got ((2,), (1,))"),
        (lambda: difference_band(one, []), "must have one curve per seed in both, got (1, 0)"),
        (lambda: band(one, resolution=-1.0), "`band(resolution=...)` must be a number >= 0"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert says in str(refused.value)
        assert "\n" not in str(refused.value)
    assert isinstance(steps_saved(one, one, higher_is_better=True), StepsSaved)
