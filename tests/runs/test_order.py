"""The data order is a pure function of (seed, position)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.runs.order import sample_order

SEEDS = st.integers(min_value=0, max_value=2**63 - 1)
SIZES = st.integers(min_value=1, max_value=60)


@given(SEEDS, SIZES, st.integers(min_value=0, max_value=1000))
def test_every_epoch_is_a_permutation(seed: int, n: int, epoch: int) -> None:
    order = sample_order(seed, n, epoch * n, n)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


@given(SEEDS, SIZES, st.integers(min_value=0, max_value=500), st.integers(min_value=0, max_value=200))
def test_random_access_equals_reading_from_the_start(seed: int, n: int, start: int, count: int) -> None:
    from_the_start = sample_order(seed, n, 0, start + count)
    assert sample_order(seed, n, start, count).tolist() == from_the_start[start:].tolist()


@given(SEEDS, SIZES, st.integers(min_value=1, max_value=90))
def test_batches_run_across_the_ends_of_epochs_and_drop_nothing(seed: int, n: int, batch: int) -> None:
    epochs = batch  # so many epochs hold a whole number of batches
    seen = np.concatenate([sample_order(seed, n, i * batch, batch) for i in range(epochs * n // batch)])
    assert np.bincount(seen, minlength=n).tolist() == [epochs] * n


def test_epochs_and_seeds_differ() -> None:
    orders = [sample_order(seed, 50, epoch * 50, 50).tolist() for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 6


def test_every_sample_stands_everywhere_about_equally_often() -> None:
    n, epochs = 5, 4000
    places = np.array([sample_order(7, n, epoch * n, n) for epoch in range(epochs)])
    expected = epochs / n
    chi2 = sum(((np.bincount(places[:, i], minlength=n) - expected) ** 2 / expected).sum() for i in range(n))
    assert chi2 < 16 + 4 * np.sqrt(2 * 16)  # 16 degrees of freedom, mean 16, variance 32


def test_negative_seeds_are_seeds_too() -> None:
    assert sample_order(-1, 20, 0, 20).tolist() == sample_order(2**64 - 1, 20, 0, 20).tolist()


def test_no_samples_may_be_asked_for() -> None:
    assert sample_order(0, 10, 3, 0).shape == (0,)
