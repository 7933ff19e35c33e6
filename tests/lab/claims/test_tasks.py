"""Regrets of made-up cells whose truth is known, and the cells' data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError
from lrdecay.lab.claims.tasks.experiment import CELLS, PAIRS
from lrdecay.lab.claims.tasks.regret import best, pair_regret
from lrdecay.lab.claims.tasks.tasks.cells import cell, digit_sets
from lrdecay.lab.register import declared


def _cell(rng: np.random.Generator, means: list[float], seeds: int = 12) -> dict[str, np.ndarray]:
    return {f"d{i}": mean + 0.01 * rng.standard_normal(seeds) for i, mean in enumerate(means)}


def test_the_same_truth_twice_has_no_regret_on_average_and_without_cross_fitting_it_has() -> None:
    rng = np.random.default_rng(0)
    regrets, naive = [], []
    for _ in range(300):
        one, other = _cell(rng, [0.9] * 6), _cell(rng, [0.9] * 6)
        regrets.append(np.mean(pair_regret(one, other)))
        naive.append(np.mean(other[best(other)]) - np.mean(other[best(one)]))
    assert abs(np.mean(regrets)) < 3 * np.std(regrets) / np.sqrt(len(regrets)) < 0.001
    assert np.mean(naive) > 0.003


def test_a_best_decay_that_costs_points_elsewhere_is_found_and_one_that_is_shared_costs_nothing() -> None:
    rng = np.random.default_rng(1)
    one, other = _cell(rng, [0.95, 0.90, 0.80]), _cell(rng, [0.60, 0.70, 0.65])
    assert np.mean(pair_regret(one, other)) == pytest.approx((0.05 + 0.10) / 2, abs=0.01)
    assert pair_regret(one, _cell(rng, [0.7, 0.6, 0.5])) == [0.0] * 12


def test_the_seed_that_is_scored_does_not_choose() -> None:
    scores = {"a": np.array([1.0, 0.0, 0.0]), "b": np.array([0.0, 0.1, 0.1])}
    assert (best(scores), best(scores, without=0)) == ("a", "b")


def test_digits_that_are_held_out_are_others_and_only_units_take_them() -> None:
    parts = [*(digit_sets(split)[1] for split in ("validation", "test")), digit_sets("test")[0]]
    assert [len(x) for x, _ in parts] == [497, 800, 500]
    assert len({tuple(row.tolist()) for x, _ in parts for row in x}) == 1797
    with pytest.raises(InputError, match="network"):
        cell(0, data="digits", network="convolutions")


def test_a_cell_trains() -> None:
    torch.set_num_threads(1)
    task = cell(0, data="digits", network="units")
    task.advance({"lr": np.full(60, 0.1)})
    assert task.evaluate()["accuracy"] > 0.6


def test_every_declared_statistic_is_a_pair_of_cells() -> None:
    assert set(PAIRS) == set(declared("claims/tasks").statistics)
    assert {name for pair in PAIRS.values() for name in pair} - {"signals, convolutions, another order"} == set(CELLS)
