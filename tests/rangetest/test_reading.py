"""Reading a curve: known answers on synthetic curves, slow twins of the smoother, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.rangetest.driver import rising_rates
from lrdecay.rangetest.reading import SHARE, Reading, average, bottom_of, capped, read, smoothed, suggested
from lrdecay.runs.trainable import FloatArray

RATES = rising_rates(1e-6, 10.0, 141)  # twenty points a decade
STEP = 10 ** (1 / 20)
BEYOND = 10 ** (1.036 * math.hypot(0.15 * math.pi / math.sqrt(3), 0.2))
"""Where 85% of the logistic fall of `curve_of` is made, over where it is steepest: nearly normal, and smoothed."""


def curve_of(rates: FloatArray, steepest: float = 1e-2, height: float = 1.0) -> FloatArray:
    """A loss that falls by ``height`` along a logistic curve, fastest at ``steepest``, and rises 1.5 decades later."""
    x = np.log10(rates / steepest)
    return 2.0 * height - height / (1 + np.exp(-x / 0.15)) + 3 * height * np.maximum(0.0, x - 1.5) ** 2


def only(losses: FloatArray, rates: FloatArray = RATES) -> Reading:
    return read([(rates, losses)])


@pytest.mark.parametrize("steepest", [1e-4, 3e-3, 1e-2, 0.05])
def test_on_a_curve_without_noise_half_the_rate_is_suggested_by_which_85_percent_of_the_fall_is_made(
    steepest: float,
) -> None:
    reading = only(curve_of(RATES, steepest))
    assert reading.rules["steepest"] == pytest.approx(steepest, rel=STEP - 1)
    assert SHARE == 0.85
    assert reading.suggestion == reading.rules["lrdecay"] == pytest.approx(BEYOND * steepest / 2, rel=0.06)
    assert reading.why_not is None


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.6), (0.75, 0.75), (0.6, 0.9)])
def test_of_a_fall_in_two_parts_the_last_is_read_whichever_is_the_steeper(first: float, second: float) -> None:
    two = first * curve_of(RATES, 1e-3) + second * curve_of(RATES, 1e-1)  # rises from 10^-1.5 and from 10^0.5 on
    x = np.log10(RATES / 1e-3)
    two -= first * 3 * np.maximum(0.0, x - 1.5) ** 2
    reading = only(two)
    assert reading.suggestion is not None
    assert 0.05 < 2 * reading.suggestion < 0.5
    assert (reading.rules["steepest"] < 0.01) == (first > second) or first == second


def test_a_gentle_end_of_the_fall_moves_the_suggestion_little_while_it_is_small() -> None:
    answers = [only(0.9 * curve_of(RATES, 1e-3) + tail * curve_of(RATES, 1e-1)).rules["lrdecay"] for tail in (0, 0.02)]
    assert answers[0] <= answers[1] < 1.3 * answers[0]


def test_the_lowest_point_can_be_kept_from_the_flat_end_of_a_noisy_curve() -> None:
    losses = 2.0 - 1 / (1 + np.exp(-np.log10(RATES / 1e-3) / 0.15))
    losses[125:] -= 0.3  # the flat end happens to be lower
    assert bottom_of(RATES, losses) > RATES[110]
    assert suggested(RATES, losses, within=RATES[105]) == pytest.approx(BEYOND * 1e-3 / 2, rel=0.06)
    assert suggested(RATES, losses) > 10 * BEYOND * 1e-3 / 2
    assert suggested(RATES, losses, within=1e-9) == RATES[0] / 2


@given(decades=st.integers(-2, 1))
def test_a_curve_that_is_shifted_by_a_decade_shifts_every_answer_by_a_decade(decades: int) -> None:
    there, here = only(curve_of(RATES, 1e-3 * 10.0**decades)), only(curve_of(RATES, 1e-3))
    for name in ("lrdecay", "steepest", "minimum/10"):
        assert there.rules[name] == pytest.approx(here.rules[name] * 10.0**decades, rel=1e-3)
    moved = read([(RATES * 10.0**decades, curve_of(RATES, 1e-3))])
    for name, rate in here.rules.items():
        assert moved.rules[name] == pytest.approx(rate * 10.0**decades, rel=1e-9)


@given(factor=st.sampled_from([0.25, 2.0, 1024.0]))
def test_the_unit_of_the_loss_does_not_matter(factor: float) -> None:
    assert only(curve_of(RATES) * factor).rules == only(curve_of(RATES)).rules


def test_a_tenth_of_the_lowest_point_is_that() -> None:
    losses = 1 + np.log10(RATES / 1e-3) ** 2
    assert only(losses).rules["minimum/10"] == pytest.approx(1e-4, rel=STEP - 1)


def test_the_steepest_point_is_looked_for_before_the_lowest_only() -> None:
    cliff = curve_of(RATES, 1e-3)
    cliff[110:125] = 10.0
    cliff[125:] = 1.2  # falls again, faster, but not as low
    smooth = smoothed(*average([(RATES, cliff)]))
    assert np.argmin(np.gradient(smooth)) > 110 > np.argmin(smooth)
    assert only(cliff).rules["steepest"] == pytest.approx(1e-3, rel=STEP - 1)


def test_a_loss_counts_for_no_more_than_the_start_and_the_greatest_fall_together() -> None:
    losses = np.concatenate([np.full(30, 2.0), np.linspace(2.0, 1.0, 50), [2.5, 3.0, 3.5, 1e30, math.inf, math.nan]])
    out = capped(losses, 100)
    assert out[:82].tolist() == losses[:82].tolist()
    assert out[82:].tolist() == [3.0] * 18
    assert len(losses) == 86


@given(
    ending=st.lists(st.floats(3.2, 1e300) | st.just(math.inf) | st.just(math.nan), min_size=20, max_size=20),
    length=st.integers(0, 20),
)
def test_how_far_an_explosion_was_thrown_and_whether_the_test_went_on_does_not_matter(
    ending: list[float], length: int
) -> None:
    falling = curve_of(RATES)[:110]
    reference = [(RATES[:130], np.append(falling, np.full(20, 4.0)))]
    exploded = [(RATES[: 110 + length], np.append(falling, ending[:length]))]
    whole = (RATES[:130], curve_of(RATES)[:130])
    assert average([*exploded, whole])[1].tobytes() == average([*reference, whole])[1].tobytes()


def test_curves_that_differ_by_noise_are_averaged_before_they_are_read() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, (16, len(RATES)))
    curves = [(RATES, curve_of(RATES) + row) for row in noise]
    rates, losses = average(curves)
    assert rates.tobytes() == RATES.tobytes()
    below = curve_of(RATES) < 2.5  # the rest is capped
    np.testing.assert_allclose(losses[below], (curve_of(RATES) + noise.mean(axis=0))[below], rtol=1e-12)
    together = read(curves).suggestion
    true = BEYOND * 1e-2 / 2
    assert together == pytest.approx(true, rel=0.3)
    alone = [math.log(read([curve]).rules["lrdecay"] / true) ** 2 for curve in curves]
    assert together is not None
    assert math.log(together / true) ** 2 <= np.mean(alone)


def test_an_average_is_as_long_as_its_longest_curve_and_no_survivor_speaks_alone() -> None:
    down = np.concatenate([np.full(40, 2.0), np.full(20, 1.0)])
    curves = [(RATES[:60], down), (RATES[:41], down[:41]), (RATES[:50], np.append(down[:49], math.inf))]
    rates, losses = average(curves)
    assert rates.tobytes() == RATES[:60].tobytes()
    assert losses[:41].tolist() == down[:41].tolist()
    assert losses[41:49].tolist() == pytest.approx([(1 + 3 + 1) / 3] * 8)
    assert losses[49:].tolist() == pytest.approx([(1 + 3 + 3) / 3] * 11)


def test_the_smoother_is_the_local_line_fitted_with_gaussian_weights() -> None:
    losses = np.random.default_rng(1).normal(size=len(RATES))
    x = np.log10(RATES)
    for width in (0.05, 0.12, 0.5):
        slow = [np.polyval(np.polyfit(x - at, losses, 1, w=np.exp(-0.25 * ((x - at) / width) ** 2)), 0.0) for at in x]
        np.testing.assert_allclose(smoothed(RATES, losses, width), slow, rtol=1e-7, atol=1e-9)


@given(intercept=st.floats(-10, 10), slope=st.floats(-10, 10))
def test_a_straight_line_stays_straight_up_to_its_ends(intercept: float, slope: float) -> None:
    line = intercept + slope * np.log10(RATES)
    np.testing.assert_allclose(smoothed(RATES, line), line, atol=1e-9)


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        (np.linspace(1.0, 1.5, len(RATES)), "never clearly fell"),
        (np.ones(len(RATES)) + np.random.default_rng(0).normal(0, 0.1, len(RATES)), "never clearly fell"),
        (curve_of(RATES, 1e-7), "never clearly fell"),
        (curve_of(RATES, 1.0), "never rose again; raise --high"),
    ],
    ids=["rises", "noise", "too late", "still falling"],
)
def test_a_curve_that_does_not_fall_and_rise_gives_no_suggestion_and_says_why(losses: FloatArray, why: str) -> None:
    reading = only(losses)
    assert reading.suggestion is None
    assert reading.why_not is not None
    assert why in reading.why_not
    assert set(reading.rules) == {"lrdecay", "steepest", "minimum/10"}


def test_a_curve_that_ended_early_has_risen() -> None:
    falling = curve_of(RATES, 1e-2)
    assert only(falling[:100], RATES[:100]).suggestion is None
    blown = np.append(falling[:100], math.inf)
    assert read([(RATES[:101], blown)]).suggestion == pytest.approx(BEYOND * 5e-3, rel=2 * STEP - 2)
    one_of_two = [(RATES, falling), (RATES[:100], falling[:100])]
    assert read(one_of_two).suggestion == pytest.approx(BEYOND * 5e-3, rel=2 * STEP - 2)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("end", [math.inf, math.nan, 50.0])
def test_a_curve_that_broke_at_once_gives_no_suggestion_and_says_why(count: int, end: float) -> None:
    losses = np.append(np.linspace(2.0, 1.9, count), end)
    reading = read([(RATES[: count + 1], losses)] * 3)
    assert reading.suggestion is None
    assert reading.why_not is not None
    assert "lower --low" in reading.why_not
    assert all(math.isfinite(rate) and rate > 0 for rate in reading.rules.values())
