"""How sure a range test is: both intervals hold a known answer as often as they say, and wide ones refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrdecay.rangetest.driver import rising_rates
from lrdecay.rangetest.reading import average, rules
from lrdecay.rangetest.repeatability import WIDEST, Repeatability, repeatability, width
from lrdecay.stats.intervals import Interval, log10_t_interval

RATES = rising_rates(1e-6, 10.0, 100)
BEYOND = 10 ** (1.036 * math.hypot(0.15 * math.pi / math.sqrt(3), 0.2))  # see test_reading


def repeats(seed: int, count: int, steepest: float = 1e-2, shift: float = 0.1, noise: float = 0.01):
    """Curves whose steepest points are spread about a known one, ``shift`` decades (sd), with noise on the loss."""
    random = np.random.default_rng(seed)
    curves = []
    for _ in range(count):
        x = np.log10(RATES / steepest) - random.normal(0, shift)
        losses = 2.0 - 1 / (1 + np.exp(-x / 0.15)) + 3 * np.maximum(0.0, x - 1.5) ** 2
        curves.append((RATES, losses + random.normal(0, noise, len(RATES))))
    return curves


def test_each_interval_holds_the_true_answer_about_as_often_as_it_says() -> None:
    held = {"t": 0, "bootstrap": 0}
    studies = 80
    for seed in range(studies):
        sure = repeatability(repeats(seed, 5))
        held["t"] += BEYOND * 5e-3 in sure.t
        held["bootstrap"] += BEYOND * 5e-3 in sure.bootstrap
    assert held["t"] >= 71  # 95% of 80 is 76, sd 2
    assert held["bootstrap"] >= 66  # of five repeats: expanded, and still a little narrow


def test_repeats_that_agree_give_a_narrow_interval_around_their_answer() -> None:
    curves = repeats(0, 6, steepest=3e-3, shift=0.0, noise=0.002)
    sure = repeatability(curves)
    assert width(sure.t) < 0.15
    assert width(sure.bootstrap) < 0.15
    assert sure.t.lo * 0.9 < rules(*average(curves))["lrdecay"] < sure.t.hi * 1.1
    expected = log10_t_interval(sure.answers, resolution=7 / 99)  # of the points, decades
    assert (sure.t.lo, sure.t.hi) == pytest.approx((expected.lo, expected.hi))
    assert sure.too_wide is None


def test_repeats_that_disagree_by_decades_give_no_answer_and_say_what_to_do() -> None:
    sure = repeatability(repeats(0, 4, shift=0.8))
    assert width(sure.t) > WIDEST
    assert "add --repeats" in sure.too_wide


def test_the_same_curves_give_the_same_bits() -> None:
    assert repeatability(repeats(3, 4)) == repeatability(repeats(3, 4))


def test_a_decade_up_is_a_decade_up_for_both_intervals() -> None:
    low, high = (repeatability([(rates, losses) for rates, losses in repeats(1, 4, steepest=1e-3)]) for _ in range(2))
    moved = repeatability([(rates * 10, losses) for rates, losses in repeats(1, 4, steepest=1e-3)])
    assert low == high
    for name in ("t", "bootstrap"):
        before, after = getattr(low, name), getattr(moved, name)
        assert (after.lo, after.hi) == pytest.approx((10 * before.lo, 10 * before.hi))


def test_one_repeat_says_nothing_about_others() -> None:
    assert repeatability(repeats(0, 1)) is None


def test_the_width_of_an_interval_without_an_end_is_infinite() -> None:
    assert width(Interval(0.0, 1.0)) == math.inf
    assert width(Interval(1.0, math.inf)) == math.inf
    assert width(Interval(0.01, 1.0)) == pytest.approx(2)


def test_the_json_says_what_each_interval_is_of() -> None:
    said = repeatability(repeats(0, 3)).to_json()
    assert "not of the best peak" in said["of"]
    assert isinstance(repeatability(repeats(0, 3)), Repeatability)
    assert said["t"]["decades"] == pytest.approx(math.log10(said["t"]["interval"][1] / said["t"]["interval"][0]))
