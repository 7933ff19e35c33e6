"""Norms from a log, the refined rates, their few knots, and what the bound itself calls best."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter

from lrdecay import Horizon, linear, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.convex_bound import best_base_rate, bound
from lrdecay.losslaws.refined import few_knots, logged_norms, minimised_rates, refined_rates


def values(schedule, steps):
    return schedule.bind(Horizon(steps=steps)).values()


FALLING = np.concatenate([np.linspace(5, 1, 60), np.ones(140)])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_constant_norms_give_linear_decay_exactly(optimizer, steps):
    assert refined_rates([0.3] * steps, optimizer).tolist() == [(steps - t) / steps for t in range(steps)]


def test_constant_norms_need_two_knots():
    assert few_knots(refined_rates([0.3] * 50), 0.1) == parse("ramp(0.1, 0, over=50)")


@pytest.mark.parametrize(("optimizer", "power"), [("sgd", -2), ("adam", -1)])
def test_as_printed_the_rates_are_the_weight_times_the_weights_to_come_and_the_last_is_0(optimizer, power):
    norms = np.random.default_rng(0).lognormal(size=50)
    w = median_filter(norms, 5, mode="reflect") ** power
    expected = np.array([w[t] * w[t + 1 :].sum() for t in range(50)])
    found = refined_rates(norms, optimizer, wasted=True)

    np.testing.assert_allclose(found, expected / expected.max(), rtol=1e-12)
    assert found[-1] == 0


def test_norms_that_fall_early_make_a_warmup():
    found = refined_rates(FALLING)

    assert found[0] < 0.2
    assert found.argmax() > 30


def test_norms_logged_every_so_often_stand_at_the_update_that_led_there_and_are_straight_between():
    at = np.arange(10, 201, 10)
    found = logged_norms(at, 2.0 * at, total=205)

    np.testing.assert_allclose(found[9:200], 2.0 * np.arange(10, 201), rtol=1e-15)
    assert found[:9].tolist() == [20.0] * 9
    assert found[200:].tolist() == [400.0] * 5


def test_a_sparse_log_leads_to_nearly_the_same_rates():
    smooth, at = 1 + 4 * np.exp(-np.arange(200) / 30), np.arange(1, 201, 8)
    sparse = refined_rates(logged_norms(at, smooth[at - 1], total=200))
    np.testing.assert_allclose(sparse, refined_rates(smooth), atol=0.02)


@pytest.mark.parametrize("tolerance", [0.05, 0.01, 0.001])
def test_ramps_are_nowhere_further_from_the_rates_than_told(tolerance):
    wanted = refined_rates(FALLING)
    schedule = few_knots(wanted, 0.3, tolerance=tolerance)

    assert np.abs(values(schedule, 200) - 0.3 * wanted).max() <= 0.3 * tolerance
    assert schedule == parse(repr(schedule))


def test_fewer_ramps_do_where_more_is_allowed():
    counts = [repr(few_knots(refined_rates(FALLING), tolerance=t)).count("ramp") for t in (0.001, 0.01, 0.1)]
    assert counts[0] > counts[1] > counts[2] > 1


def test_a_last_rate_of_0_is_the_end_of_the_last_ramp():
    wanted = refined_rates([1.0] * 11, wasted=True)
    np.testing.assert_allclose(values(few_knots(wanted), 11), wanted, atol=1e-15)


@pytest.mark.parametrize("norms", [np.ones(200), FALLING, FALLING[::-1]], ids=["constant", "falling", "growing"])
def test_what_the_bound_calls_best_is_no_worse_than_the_refined_schedule_by_it(norms):
    smooth = median_filter(norms, 21, mode="reflect")
    start = best_base_rate(refined_rates(norms), smooth, 2.0).bound
    found = bound(minimised_rates(norms, 2.0), smooth, 2.0)

    assert 0.95 * start < found < start


def test_what_the_bound_calls_best_for_constant_norms_is_nearly_linear_decay():
    found = minimised_rates(np.ones(200))

    np.testing.assert_allclose(found / found.max(), values(linear(1.0), 200), atol=0.05)  # it ends a little higher
    assert 200**0.5 * found.max() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: logged_norms([1, 1], [1.0, 1.0], total=3), "must rise"),
        (lambda: logged_norms([], [], total=3), "must rise"),
        (lambda: logged_norms([1], [1.0, 2.0], total=3), "one step for each norm"),
        (lambda: logged_norms([0, 1], [1.0, 2.0], total=3), "must lie in 1 to 3"),
        (lambda: logged_norms([1, 4], [1.0, 2.0], total=3), r"got \[1, 4\]"),
        (lambda: logged_norms([1], [np.nan], total=3), "finite and >= 0"),
        (lambda: logged_norms([1], [1.0], total=0), "positive integer"),
        (lambda: refined_rates([1.0, 0.0, 0.0]), "median > 0"),
        (lambda: few_knots([]), "finite and above 0"),
        (lambda: few_knots([1.0, 0.0, 0.5]), "finite and above 0"),
        (lambda: few_knots([1.0, -0.5]), "finite and above 0"),
        (lambda: few_knots([0.0]), "finite and above 0"),
        (lambda: few_knots([1.0], peak=0), "peak"),
        (lambda: few_knots([1.0], tolerance=0), "tolerance"),
        (lambda: minimised_rates([1.0, 1.0], 0.0), "distance"),
    ],
)
def test_what_cannot_be_read_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
