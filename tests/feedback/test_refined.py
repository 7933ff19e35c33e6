"""The refined schedule is its formula: constant norms give linear decay, and the median is the running median."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import median_filter

from lrdecay import Horizon, linear, parse
from lrdecay.errors import InputError
from lrdecay.feedback.refined import median_filtered, refined


def rates(schedule, n):
    return schedule.bind(Horizon(steps=n)).values()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("n", [1, 2, 10, 997])
@pytest.mark.parametrize("norm", [1e-8, 0.7, 3e5])
def test_constant_norms_give_linear_decay(n, norm, optimizer):
    found = rates(refined([norm] * n, 0.3, optimizer), n)

    assert found.tolist() == [0.3 * ((n - t) / n) for t in range(n)]
    np.testing.assert_allclose(found, rates(linear(0.3), n), rtol=0, atol=6e-17)  # which rounds 1 - t/n instead


def test_as_printed_the_last_update_has_no_rate():
    found = rates(refined([1.0] * 11, 0.5, wasted=True), 11)
    np.testing.assert_allclose(found, 0.5 * np.linspace(1, 0, 11), rtol=1e-15)


@pytest.mark.parametrize(("optimizer", "power"), [("sgd", -2), ("adam", -1)])
def test_it_is_the_formula(optimizer, power):
    norms = np.random.default_rng(0).lognormal(size=50)
    smooth = median_filter(norms, 5, mode="reflect")
    w = smooth**power
    expected = np.array([w[t] * (w[t + 1 :].sum() + w[-1]) for t in range(50)])

    np.testing.assert_allclose(rates(refined(norms, 0.2, optimizer), 50), 0.2 * expected / expected.max(), rtol=1e-12)


@pytest.mark.parametrize(("n", "width"), [(50, 5), (101, 11), (20, 1), (30, 29), (5, 5)])
def test_the_median_is_scipys(n, width):
    values = np.random.default_rng(n).normal(size=n).round(1)  # with ties
    assert median_filtered(values, width).tolist() == median_filter(values, width, mode="reflect").tolist()


def test_norms_that_shrink_early_make_a_warmup_and_norms_that_grow_late_an_earlier_decay():
    n = 200
    shrinking = np.concatenate([np.linspace(5, 1, 60), np.ones(140)])
    growing = np.concatenate([np.ones(140), np.linspace(1, 5, 60)])
    warm, early, flat = (rates(refined(g, 1.0), n) for g in (shrinking, growing, np.ones(n)))

    assert warm.argmax() > 30
    assert warm[0] < 0.2
    assert (early[50:] < flat[50:]).all()


def test_a_spike_is_not_seen():
    norms = np.ones(100)
    norms[40:43] = 1000.0
    np.testing.assert_allclose(rates(refined(norms, 1.0), 100), rates(linear(1.0), 100))


def test_it_is_a_schedule_like_any_other():
    found = refined([3.0, 2.0, 1.0, 2.0], peak=0.1, optimizer="adam")
    assert parse(repr(found)) == found
    assert rates(found, 4).max() == 0.1


@pytest.mark.parametrize(
    "call",
    [
        lambda: refined([], 0.1),
        lambda: refined([1.0, math.nan], 0.1),
        lambda: refined([1.0, -1.0], 0.1),
        lambda: refined([[1.0]], 0.1),
        lambda: refined(["a"], 0.1),
        lambda: refined([0.0, 0.0, 0.0], 0.1),
        lambda: refined([1.0], 0.0),
        lambda: refined([1.0], 0.1, "lion"),
        lambda: refined([1.0], 0.1, width=0.0),
        lambda: refined([1.0], 0.1, wasted=True),
    ],
)
def test_what_cannot_be_refined_is_refused(call):
    with pytest.raises(InputError, match="refined"):
        call()
