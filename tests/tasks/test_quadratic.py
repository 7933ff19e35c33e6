"""`quadratic` agrees with its closed form, and any step of it can be forked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.tasks.quadratic import Quadratic, expected_loss, quadratic

RATES = {
    "constant": np.full(40, 0.6),
    "step": np.repeat([1.0, 0.1], 20),
    "linear": 0.9 * (1 - np.arange(40) / 40),
}


@pytest.mark.parametrize("shape", RATES)
@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_the_mean_over_seeds_agrees_with_the_closed_form(shape: str, momentum: float) -> None:
    constants = Quadratic(dimension=5, condition=20.0, sigma=0.5, momentum=momentum)
    rates = RATES[shape] * (1 - momentum)
    losses = []
    for seed in range(600):
        task = quadratic(seed, dimension=5, condition=20.0, sigma=0.5, momentum=momentum)
        logged = task.advance({"lr": rates})["loss"]
        losses.append([*logged.tolist(), task.evaluate()["loss"]])
    found = np.array(losses)
    expected = expected_loss(rates, constants)
    assert expected.shape == (41,)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert found[0, 0] == expected[0]
    for t in (1, 10, 20, 21, 30, 40):
        assert abs(found[:, t].mean() - expected[t]) < 3 * error[t], t
    z = (found[:, 1:].mean(axis=0) - expected[1:]) / error[1:]
    assert np.sqrt(np.mean(z**2)) < 2  # nor is it off everywhere by a little


@given(
    st.lists(st.floats(min_value=0, max_value=1.5), min_size=1, max_size=20),
    st.floats(min_value=0, max_value=0.95),
    st.integers(min_value=1, max_value=6),
)
def test_without_noise_the_closed_form_is_the_run(rates: list[float], momentum: float, dimension: int) -> None:
    constants = Quadratic(dimension=dimension, condition=10.0, sigma=0, momentum=momentum)
    task = quadratic(0, dimension=dimension, condition=10.0, sigma=0, momentum=momentum)
    logged = task.advance({"lr": np.array(rates)})["loss"]
    np.testing.assert_allclose(
        [*logged, task.evaluate()["loss"]], expected_loss(rates, constants), rtol=1e-6, atol=1e-10
    )


@given(st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=20))
def test_without_momentum_the_closed_form_is_the_textbook_recursion(rates: list[float]) -> None:
    constants = Quadratic(dimension=4, sigma=0.3)
    h, second = constants.curvatures, np.ones(4)
    for rate in rates:
        second = (1 - rate * h) ** 2 * second + rate**2 * 0.3**2
    assert expected_loss(rates, constants)[-1] == pytest.approx(0.5 * np.sum(h * second), rel=1e-12)


def test_a_fork_at_any_step_is_exact() -> None:
    rates = RATES["linear"]
    task = quadratic(3, momentum=0.9)
    snapshots, losses = [task.snapshot()], []
    for rate in rates:
        losses.append(float(task.advance({"lr": np.array([rate])})["loss"][0]))
        snapshots.append(task.snapshot())
    for at in range(len(rates) + 1):
        fork = quadratic(3, momentum=0.9)
        fork.restore(snapshots[at])
        assert fork.step == at
        assert fork.advance({"lr": rates[at:]})["loss"].tolist() == losses[at:]
        assert fork.digest() == snapshots[-1].digest()


def test_two_branches_see_the_same_noise() -> None:
    """The difference of two branches from one state with one rate apart is noise-free where the state is the same."""
    trunk = quadratic(1, condition=1.0, dimension=2)
    trunk.advance({"lr": np.full(5, 0.2)})
    base = trunk.snapshot()
    ends = []
    for rate in (0.0, 0.5, 1.0):
        trunk.restore(base)
        trunk.advance({"lr": np.array([rate])})
        ends.append(trunk.snapshot().tensors["w"])
    np.testing.assert_allclose(ends[1], (ends[0] + ends[2]) / 2, rtol=1e-14)  # one noise, a straight line in the rate


def test_curvatures_span_the_condition_number_below_the_scale() -> None:
    h = Quadratic(dimension=7, condition=50, curvature_scale=3).curvatures
    assert h[0] == 3
    assert h[0] / h[-1] == pytest.approx(50)
    assert np.all(np.diff(h) < 0)
    assert Quadratic(dimension=1, condition=50).curvatures.tolist() == [1.0]


def test_scaling_curvature_and_noise_is_scaling_the_rate() -> None:
    rates = RATES["step"]
    plain = quadratic(4, sigma=0.2)
    plain.advance({"lr": rates})
    scaled = quadratic(4, sigma=0.2 * 8, curvature_scale=8)
    scaled.advance({"lr": rates / 8})
    assert scaled.evaluate()["loss"] == pytest.approx(8 * plain.evaluate()["loss"], rel=1e-12)


def test_a_rate_beyond_two_over_the_curvature_diverges_to_inf_without_a_warning() -> None:
    task = quadratic(0, curvature_scale=4)
    losses = task.advance({"lr": np.full(400, 20.0)})["loss"]
    assert losses[0] < losses[5] < losses[50]
    assert not np.isfinite(losses[-1])
    assert not np.isfinite(task.evaluate()["loss"])


def test_a_snapshot_of_another_quadratic_is_refused() -> None:
    task = quadratic(0)
    task.restore(quadratic(0, condition=100).snapshot())  # the same, said otherwise
    for other in (quadratic(1), quadratic(0, sigma=0.2), quadratic(0, dimension=3)):
        with pytest.raises(InputError, match="must be given a snapshot of") as caught:
            task.restore(other.snapshot())
        assert "\n" not in str(caught.value)


def test_only_known_sets_and_values_are_taken() -> None:
    task = quadratic(0)
    with pytest.raises(InputError, match="must be one of heldout, train, got 'test'"):
        task.evaluate("test")
    with pytest.raises(InputError, match="must be a subset of"):
        task.advance({"lr": np.ones(1)}, observe=frozenset({"norm"}))
    with pytest.raises(InputError, match="must hold 'lr'"):
        task.advance({"momentum": np.ones(1)})
    assert task.advance({"lr": np.ones(2)}, observe=frozenset()) == {}
    assert task.step == 2
