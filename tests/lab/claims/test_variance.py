"""Shares of variance on made-up values: additive, interacting and idle hyperparameters come out as they were made."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.claims.variance.design import COLUMNS, levels, shares
from lrdecay.lab.claims.variance.experiment import DESIGN, ORDER, PLANTED, RANGES, read, thirds
from lrdecay.lab.register import declared

LEVELS = levels(list(DESIGN.values())) - 1.0  # -1, 0, 1


def test_each_factor_has_each_level_equally_often_with_each_level_of_each_other() -> None:
    found = levels([*COLUMNS, ORDER])
    assert found.shape == (81, 6)
    for i in range(6):
        for j in range(i):
            assert np.bincount(3 * found[:, i] + found[:, j]).tolist() == [9] * 9


def test_additive_effects_have_their_shares_and_no_interactions() -> None:
    values = LEVELS @ np.array([3.0, 2.0, 1.0, 0.0, 0.0, 0.0])
    found = shares(values, DESIGN, idle=("order",))
    expected = {"rate": 9 / 14, "batch": 4 / 14, "momentum": 1 / 14, "weight decay": 0.0, "width": 0.0, "order": 0.0}
    for name, share in expected.items():
        assert found[name] == pytest.approx((share, share), abs=1e-12)


@pytest.mark.parametrize(("one", "two"), [(0, 1), (0, 4), (2, 3), (3, 4)])
def test_an_interaction_of_two_is_in_both_totals_and_in_no_first_order_share(one: int, two: int) -> None:
    found = shares(LEVELS[:, one] * LEVELS[:, two], DESIGN, idle=("order",))
    for j, name in enumerate(DESIGN):
        assert found[name] == pytest.approx((0.0, float(j in (one, two))), abs=1e-12)


def test_the_share_of_an_idle_factor_under_pure_noise_is_two_of_eighty() -> None:
    rng = np.random.default_rng(0)
    found = np.array([shares(rng.normal(size=81), DESIGN, idle=("order",))["order"][0] for _ in range(150)])
    assert found.mean() == pytest.approx(2 / 80, rel=0.25)
    assert found.mean() < declared("claims/variance").statistics["data order, wide"].smallest / 3


def test_a_full_factorial_finds_what_was_planted_in_it() -> None:
    at = levels(list(PLANTED.values())) - 1.0
    found = shares(at @ np.array([1.0, 2.0, 0.0]), PLANTED, idle=("order",))
    assert found["wrong labels"] == pytest.approx((0.8, 0.8))
    assert found["rate"] == pytest.approx((0.2, 0.2))


def test_columns_that_change_together_and_values_that_say_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="no two the same"):
        levels([(1, 2), (2, 1)])
    with pytest.raises(InputError, match="not all the same"):
        shares(np.ones(81), DESIGN)
    with pytest.raises(InputError, match="81"):
        shares(np.arange(80.0), DESIGN)


def test_levels_are_within_their_ranges_and_every_declared_statistic_is_read() -> None:
    assert thirds(1e-6, 1.0) == pytest.approx((1e-5, 1e-3, 1e-1))
    for own in RANGES.values():
        assert set(own) | {"order"} == set(DESIGN)
        assert all(a < b < c for a, b, c in own.values())
        assert all(0 < v < 1 for v in own["momentum"])
    some = dict.fromkeys(DESIGN, (0.1, 0.2))
    lead = {**some, "rate": (0.5, 0.9)}
    planted = {"rate": (0.1, 0.2), "wrong labels": (0.6, 0.7), "order": (0.0, 0.0)}
    values = read({"wide": [lead], "narrow": [some], "planted": [planted]})
    assert set(values) == set(declared("claims/variance").statistics)
    assert values["rate, wide with interactions"] == pytest.approx([0.7])
    assert values["rate, narrow"] == pytest.approx([0.0])
    assert values["wrong labels"] == pytest.approx([0.5])
