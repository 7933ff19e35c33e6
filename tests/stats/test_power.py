"""Power: against direct integration and simulated tests, and seeds needed as its inverse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lrdecay.errors import InputError
from lrdecay.stats import detectable, seeds_needed
from lrdecay.stats.power import MOST_SEEDS


@pytest.mark.parametrize("level", [0.95, 0.99])
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_detectable_difference_is_detected_in_four_studies_of_five(n: int, level: float) -> None:
    rng = np.random.default_rng(n)
    effect = detectable(0.4, n, 0.8, level)
    p_values = stats.ttest_1samp(rng.normal(effect, 0.4, (20_000, n)), 0.0, axis=1).pvalue
    assert (p_values <= 1 - level).mean() == pytest.approx(0.8, abs=0.015)


@pytest.mark.parametrize("power", [0.1, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("level", [0.95, 0.99, 1 - 0.05 / 19, 0.9999, 1 - 1e-6, 1 - 1e-8])
@pytest.mark.parametrize("n", [2, 3, 5, 30, 200])
def test_the_detectable_difference_has_its_power_by_direct_integration(n: int, level: float, power: float) -> None:
    delta = detectable(1.0, n, power, level) * math.sqrt(n)
    critical = stats.t.isf((1 - level) / 2, n - 1)
    # T = (Z + δ)/W is beyond ±critical when W < |Z + δ|/critical, W² = χ²(n - 1)/(n - 1): integrate over Z
    nodes, weights = np.polynomial.legendre.leggauss(400)
    measured = 0.0
    for lo, hi in ((-9.0, max(-9.0, -delta)), (max(-9.0, -delta), 9.0)):
        z = (hi - lo) / 2 * nodes + (hi + lo) / 2
        detected = stats.chi.cdf(np.abs(z + delta) / critical, n - 1, scale=1 / math.sqrt(n - 1))
        measured += (hi - lo) / 2 * float(np.sum(weights * stats.norm.pdf(z) * detected))
    assert measured == pytest.approx(power, abs=1e-7)


def test_nothing_is_detectable_without_two_seeds_or_a_known_spread() -> None:
    assert detectable(0.1, 1) == detectable(0.1, 0) == detectable(math.inf, 5) == math.inf


@given(st.floats(1e-6, 1e6), st.integers(2, 20))
def test_more_seeds_detect_less_and_more_spread_hides_more(sd: float, n: int) -> None:
    assert detectable(sd, n + 1) < detectable(sd, n)
    assert detectable(2 * sd, n) == pytest.approx(2 * detectable(sd, n))


@pytest.mark.parametrize(("mean", "sd"), [(0.01, 0.02), (-0.004, 0.03), (0.5, 0.1), (5.0, 0.001)])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.99])
def test_the_seeds_needed_are_the_fewest_that_find_it(mean: float, sd: float, power: float) -> None:
    n = seeds_needed(mean, sd, power, 0.975)
    assert n is not None
    assert detectable(sd, n, power, 0.975) <= abs(mean)
    assert n == 2 or detectable(sd, n - 1, power, 0.975) > abs(mean)


@pytest.mark.parametrize(("difference", "sd"), [(0.012, 0.01), (0.006, 0.01)])
def test_the_seeds_needed_find_the_difference_in_four_studies_of_five_and_one_fewer_does_not(
    difference: float, sd: float
) -> None:
    n = seeds_needed(difference, sd)
    assert n is not None
    draws = np.random.default_rng(1).normal(difference, sd, (40_000, n))
    power = [(stats.ttest_1samp(draws[:, :k], 0.0, axis=1).pvalue <= 0.05).mean() for k in (n - 1, n)]
    assert power[0] - 0.01 < 0.8 < power[1] + 0.01


def test_no_number_of_seeds_is_said_where_none_will_do() -> None:
    for mean, sd in ((0.0, 0.1), (1e-6, 0.1), (0.1, math.inf)):
        assert seeds_needed(mean, sd) is None
    assert (seeds_needed(detectable(1.0, MOST_SEEDS) * 1.000001, 1.0) or 0) == MOST_SEEDS


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: detectable(-1.0, 5), "`detectable(differences_sd=...)` must be a number >= 0 or inf, got -1.0"),
        (lambda: detectable(math.nan, 5), "`detectable(differences_sd=...)` must be a number >= 0 or inf, got nan"),
        (lambda: detectable(1.0, -1), "`detectable(n=...)` must be an integer >= 0, got -1"),
        (lambda: detectable(1.0, 5, power=1.0), "`detectable(power=...)` must be strictly between 0 and 1, got 1.0"),
        (lambda: detectable(1.0, 5, power=0.01), "`detectable(power=...)` must be above 1 - level, got 0.01"),
        (lambda: detectable(1.0, 5, level=0.0), "`detectable(level=...)` must be strictly between 0 and 1, got 0.0"),
    ],
)
def test_bad_input_is_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as refused:
        call()
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
