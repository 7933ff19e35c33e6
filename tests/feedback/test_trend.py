"""Slopes under autocorrelated noise: against matrices written out, scipy and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from lrdecay.feedback import trend
from lrdecay.feedback.trend import critical, noise_of, slope, slowdown, spread


def ar1(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> np.ndarray:
    drawn = rng.normal(size=shape)
    for i in range(1, shape[1]):
        drawn[:, i] = phi * drawn[:, i - 1] + np.sqrt(1 - phi**2) * drawn[:, i]
    return drawn


def test_the_slope_and_its_spread_are_those_of_least_squares() -> None:
    y = np.random.default_rng(0).normal(size=(3, 30))
    for row, found, around in zip(y, slope(20).of(y), spread(y[:, 10:], slope(20).of(y)), strict=True):
        line = np.polyfit(np.arange(20), row[10:], 1)
        assert found == pytest.approx(line[0])
        assert around == pytest.approx(np.sqrt(((row[10:] - np.polyval(line, np.arange(20))) ** 2).sum() / 18))


def test_a_slowdown_is_the_later_slope_less_a_share_of_the_earlier() -> None:
    bent = np.concatenate([-3.0 * np.arange(10), -27 - 1.5 - 0.5 - 1.0 * np.arange(10)])  # they meet at 9.5
    assert slowdown(10, 0.25).of(bent) == pytest.approx(-1 + 0.25 * 3)


@pytest.mark.parametrize(("n", "bend"), [(40, 14), (60, 60), (80, 20)])
def test_what_residuals_are_expected_to_be_is_the_matrix_formula(n: int, bend: int) -> None:
    q = trend._basis(n, bend)
    m = np.eye(n) - q @ q.T
    ratios, squares = trend._expected(n, bend)
    for k in (0, 20, 50):
        g = trend._PHIS[k] ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        left = m @ g @ m
        assert squares[k] == pytest.approx(np.trace(left))
        assert ratios[k] == pytest.approx(np.trace(left, 1) / np.trace(left), abs=1e-6)


def test_the_sd_of_a_contrast_is_the_quadratic_form() -> None:
    noise = trend.Noise(np.array([4.0]), np.array([0.6]), np.array([9.0]))
    k = slope(12).weights
    g = 4.0 * 0.6 ** np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    assert noise.sd_of(slope(12)) == pytest.approx(np.sqrt(k @ g @ k))


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_a_slopes_sd_is_that_of_many_runs_or_a_little_more(phi: float) -> None:
    y = ar1(np.random.default_rng(1), (600, 240), phi) - 0.01 * np.arange(240)
    contrast = slope(60)
    true = contrast.of(y).std()
    said = np.median(noise_of(y, 60).sd_of(contrast))
    assert true * 0.95 <= said <= true * 1.9


@pytest.mark.parametrize("freedom", [8.0, 30.0, 200.0])
@pytest.mark.parametrize("alpha", [0.05, 1e-3, 1e-5])
def test_the_critical_value_is_students(freedom: float, alpha: float) -> None:
    assert critical(alpha, np.array([freedom]))[0] == pytest.approx(student.isf(alpha, freedom), rel=0.02)


@pytest.mark.parametrize("alpha", [0.05, 1e-3, 1e-5])
def test_with_few_degrees_of_freedom_the_critical_value_is_too_large_and_not_too_small(alpha: float) -> None:
    exact = student.isf(alpha, 3)
    assert exact <= critical(alpha, np.array([3.0]))[0] <= 1.25 * exact


def test_one_series_and_many_give_the_same() -> None:
    y = np.random.default_rng(2).normal(size=(4, 56))
    many = noise_of(y, 14)
    for i, row in enumerate(y):
        one = noise_of(row, 14)
        assert one.variance == pytest.approx(many.variance[i])
        assert one.correlation == pytest.approx(many.correlation[i])
