"""The noise scale beside the exact one of the quadratic task; a gradient that is lost in noise has none."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.instruments.noise_scale import NoiseScale, noise_scale
from lrdecay.tasks.quadratic import quadratic


def of(gradients: np.ndarray, groups: int, batch: float = 1.0) -> NoiseScale:
    """From gradients at fixed weights, shape (updates, numbers)."""
    grouped = gradients.reshape(groups, -1, gradients.shape[1])
    means = grouped.mean(axis=1)
    return noise_scale((grouped**2).sum(axis=2).mean(axis=1), means @ means.T, batch)


def gradients_of_the_quadratic(seed: int, sigma: float, updates: int, before: int = 0) -> tuple[np.ndarray, float]:
    """Its gradients at fixed weights (a rate of 0 leaves them), and its exact noise scale d σ² / |h w|²."""
    task = quadratic(seed, sigma=sigma, condition=10.0)
    task.advance({"lr": np.full(before, 0.2)}) if before else None
    w = task.snapshot().tensors["w"]
    exact = task.constants.dimension * sigma**2 / float(np.sum((task.constants.curvatures * w) ** 2))
    found = []
    for _ in range(updates):
        task.advance({"lr": np.zeros(1)})
        found.append(task.snapshot().tensors["v"])
    assert np.array_equal(task.snapshot().tensors["w"], w)
    return np.array(found), exact


@pytest.mark.parametrize(("sigma", "before"), [(0.1, 0), (1.0, 0), (0.5, 5)])
def test_it_agrees_with_the_quadratics_exact_one_within_five_percent(sigma: float, before: int) -> None:
    gradients, exact = gradients_of_the_quadratic(0, sigma, 6400, before)
    found = of(gradients, 16)
    assert found.measurable
    assert found.value == pytest.approx(exact, rel=0.05)
    assert found.trace == pytest.approx(20 * sigma**2, rel=0.05)


def test_its_unit_is_that_of_the_batch() -> None:
    gradients, exact = gradients_of_the_quadratic(0, 1.0, 6400)
    assert of(gradients, 16, batch=64).value == pytest.approx(64 * exact, rel=0.05)


def test_few_batches_are_without_bias_and_within_the_errors_that_are_said() -> None:
    rng = np.random.default_rng(1)
    mean = np.full(30, 0.4)
    exact = 30.0 / float(mean @ mean)
    found = [of(mean + rng.normal(size=(64, 30)), 16) for _ in range(300)]
    assert all(f.measurable for f in found)
    values, errors = np.array([f.value for f in found]), np.array([f.error for f in found])
    assert values.mean() == pytest.approx(exact, abs=3 * values.std() / np.sqrt(300))
    assert errors.mean() == pytest.approx(values.std(), rel=0.2)


def test_a_gradient_that_is_lost_in_noise_has_no_value_and_says_so() -> None:
    rng = np.random.default_rng(2)
    found = [of(rng.normal(size=(64, 50)), 16) for _ in range(200)]
    assert sum(f.measurable for f in found) <= 20  # |G|² = 0: two standard errors are passed now and then
    negative = [f for f in found if f.squared < 0]
    assert negative
    assert all(np.isnan(f.value) and f.to_json()["value"] is None for f in negative)


def test_the_lower_end_of_what_is_not_measurable_is_below_the_truth() -> None:
    rng = np.random.default_rng(3)
    mean = np.full(50, 0.02)
    found = [of(mean + rng.normal(size=(64, 50)), 16) for _ in range(200)]
    ends = [f.at_least for f in found if not f.measurable and np.isfinite(f.at_least)]
    assert len(ends) > 100
    assert np.mean(np.array(ends) < 50 / float(mean @ mean)) > 0.9


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(InputError, match="4 groups or more"):
        noise_scale(np.ones(3), np.eye(3))
    with pytest.raises(InputError, match="must be finite"):
        noise_scale(np.full(4, np.nan), np.eye(4))
