"""The probability of being best: calibrated over simulated studies, and unmoved by what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad

from lrdecay.errors import InputError
from lrdecay.stats import probability_best

NAMES = ("a", "b", "c", "d", "e", "f")
Truth = tuple[NDArray[np.float64], NDArray[np.bool_]]


def reliability(m: int, seeds: int, effect_sd: NDArray[np.float64], rng_seed: int) -> Truth:
    """Every row's probability, and whether it was the best one, in studies with effects of the given sizes.

    The noise of a seed is 1, what a seed does to all rows has an sd of 3.
    """
    rng = np.random.default_rng(rng_seed)
    said, was = [], []
    for sd in effect_sd:
        effects = sd * rng.normal(size=m)
        scores = effects[:, None] + 3.0 * rng.normal(size=seeds) + rng.normal(size=(m, seeds))
        found = probability_best(dict(zip(NAMES, scores.tolist(), strict=False)), higher_is_better=True, draws=400)
        assert found is not None
        said += found.values()
        was += (np.arange(m) == effects.argmax()).tolist()
    return np.array(said), np.array(was)


def worst_bin(said: NDArray[np.float64], was: NDArray[np.bool_]) -> tuple[float, float]:
    """Over bins of 0.2: the largest |mean probability - share of true ones|, and its standard error."""
    cells = np.minimum((said * 5).astype(int), 4)
    gaps = []
    for cell in range(5):
        here = cells == cell
        if here.sum() >= 30:
            share = said[here].mean()
            gaps.append((abs(share - was[here].mean()), math.sqrt(max(share * (1 - share), 0.01) / here.sum())))
    return max(gaps)


@pytest.mark.parametrize("m", [2, 6])
@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_the_probabilities_are_right_where_effects_are_as_the_prior_has_them(m: int, seeds: int) -> None:
    share = np.random.default_rng(seeds).beta(0.5, 1.0, 700)  # B = (1/n) / (1/n + τ²)
    said, was = reliability(m, seeds, np.sqrt((1 - share) / share / seeds), 10 * seeds + m)
    gap, error = worst_bin(said, was)
    assert gap <= 0.03 + 3 * error
    assert abs(said[was].mean() - (said**2).sum() / was.sum()) < 0.04  # E[p of the true best] = E[Σ p²]


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize("effect", [0.3, 0.7, 2.0])
def test_the_front_row_is_believed_within_ten_points_whatever_the_size_of_the_effects(
    effect: float, seeds: int
) -> None:
    m = 4
    said, was = reliability(m, seeds, np.full(500, effect), seeds)
    table = said.reshape(-1, m)
    front = was.reshape(-1, m)[np.arange(len(table)), table.argmax(axis=1)]
    error = math.sqrt(0.25 / len(table))
    assert abs(table.max(axis=1).mean() - front.mean()) <= 0.1 + error


@pytest.mark.parametrize(("n", "ahead"), [(2, 0.5), (3, 2.0), (12, 0.9), (5, -0.3)])
def test_the_draws_agree_with_the_posterior_of_two_rows_by_quadrature(n: int, ahead: float) -> None:
    """Given B, the difference of two means is t with n degrees of freedom; B is integrated over."""
    rng = np.random.default_rng(n)
    b = rng.normal(size=n)
    a = b + ahead + rng.normal(size=n)
    found = probability_best({"a": a.tolist(), "b": b.tolist()}, higher_is_better=True, draws=200_000)
    assert found is not None
    apart = (a - b).mean()
    within, between = ((a - b - apart) ** 2).sum() / 2, n * apart**2 / 2
    kernel = lambda share: (within + share * between) ** (-n / 2)  # noqa: E731

    def ahead_of(share: float) -> float:
        scale = math.sqrt((1 - share) * 2 * (within + share * between) / n / n)
        return kernel(share) * float(stats.t.cdf((1 - share) * apart / scale, n))

    expected = quad(ahead_of, 0, 1)[0] / quad(kernel, 0, 1)[0]
    assert found["a"] == pytest.approx(expected, abs=0.006)


def test_probabilities_sum_to_one_and_a_diverged_row_has_none() -> None:
    rows = {"a": [1.0, 2.0, 4.0], "lost": [9.0, math.nan, 9.0], "b": [1.5, 1.9, 4.4], "none": [None] * 3}
    found = probability_best(rows, higher_is_better=False)
    assert found is not None
    assert list(found) == list(rows)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["lost"] == found["none"] == 0.0
    assert found["a"] > 0.5
    assert probability_best({"a": [1.0, 2.0], "lost": [None, 1.0]}, higher_is_better=True) == {"a": 1.0, "lost": 0.0}


@pytest.mark.parametrize(
    "rows",
    [{"a": [1.0], "b": [2.0]}, {"a": [1.0, 2.0, 3.0], "b": [1.1, 2.1, 3.1]}, {"a": [None, 1.0], "b": [1.0, None]}],
    ids=["one-seed", "differences-that-never-vary", "nothing-finished"],
)
def test_nothing_is_said_where_the_spread_is_unknown(rows: dict[str, list[float | None]]) -> None:
    assert probability_best(rows, higher_is_better=True) is None


def test_equal_differences_are_judged_by_the_rounding_of_the_metric() -> None:
    rows = {"a": [0.92, 0.94, 0.95], "b": [0.91, 0.93, 0.94]}
    fine = probability_best(rows, higher_is_better=True, resolution=0.001)
    coarse = probability_best(rows, higher_is_better=True, resolution=0.02)
    assert fine is not None
    assert coarse is not None
    assert 0.5 < coarse["a"] < fine["a"] < 1.0 + 1e-12


@given(
    st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(st.integers(-50, 50).map(float), min_size=n, max_size=n), min_size=2, max_size=4)
    ),
    st.sampled_from([1e-100, 1.0, 1e100]),
)
def test_order_seeds_unit_and_sign_do_not_matter(table: list[list[float]], unit: float) -> None:
    rows = dict(zip(NAMES, table, strict=False))
    options = {"resolution": 1.0, "draws": 2000}
    found = probability_best(rows, higher_is_better=True, **options)  # type: ignore[arg-type]
    assert found is not None
    turned = {name: rows[name][::-1] for name in reversed(rows)}
    assert probability_best(turned, higher_is_better=True, **options) == pytest.approx(found, abs=0.01)  # type: ignore[arg-type]
    down = {name: [-x * unit for x in scores] for name, scores in rows.items()}
    other = probability_best(down, higher_is_better=False, resolution=unit, draws=2000)
    assert other == pytest.approx(found, abs=0.01)
    means = {name: sum(scores) for name, scores in rows.items()}
    if max(means.values()) - sorted(means.values())[-2] > 0:
        assert found[max(means, key=means.__getitem__)] >= max(found.values()) - 0.05


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"draws": 0}, "`probability_best(draws=...)` must be a positive integer, got 0"),
        ({"seed": -1}, "`probability_best(seed=...)` must be an integer >= 0, got -1"),
        ({"resolution": -1.0}, "`probability_best(resolution=...)` must be a number >= 0, got -1.0"),
        ({"rows": {}}, "`probability_best(rows=...)` must hold at least one item, got {}"),
        ({"rows": {"a": [1.0], "b": [1.0, 2.0]}}, "must have one score per seed, the same number in each row"),
    ],
)
def test_bad_input_is_one_clear_line(options, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as refused:
        probability_best(**{"rows": {"a": [1.0, 2.0]}, "higher_is_better": True} | options)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
