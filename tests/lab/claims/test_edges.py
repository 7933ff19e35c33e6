"""Edges by bisection: known ones are found, a quadratic is slow, and every statistic is declared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.claims.edges.bisection import PER_DOUBLING, edge, rate_at
from lrdecay.lab.claims.edges.experiment import CHANCE, Edges, quadratic_loss, quadratic_shift, statistics_of
from lrdecay.lab.register import declared
from lrdecay.tasks.quadratic import Quadratic, expected_loss


@pytest.mark.parametrize("at", [0, 1, 7, 31, 47])
@pytest.mark.parametrize("way", [1, -1])
def test_bisection_finds_the_last_rate_that_has_it_in_few_runs(at: int, way: int) -> None:
    asked: list[int] = []

    def has(index: int) -> bool:
        asked.append(index)
        return index * way <= at

    assert edge(has, 0, 48 * way) == at * way
    assert len(asked) <= 7
    assert edge(lambda _: True, 0, 48 * way) is None
    with pytest.raises(InputError, match="must not be inside"):
        edge(has, 3, 3)


def test_the_upper_edge_of_a_quadratic_is_two_over_its_curvature_within_a_grid_step() -> None:
    first = quadratic_loss(1.0, 0)
    found = edge(lambda index: quadratic_loss(rate_at(0.3, index), 400) < first, 0, 13)
    assert found is not None
    assert rate_at(0.3, found) <= 2.0 < rate_at(0.3, found + 1)
    assert rate_at(0.3, PER_DOUBLING) == pytest.approx(0.6)
    assert rate_at(0.3, 0) == 0.3


def test_the_quadratic_of_the_controls_is_the_one_whose_answers_are_known() -> None:
    expected = expected_loss(np.full(30, 0.7), Quadratic(sigma=0.0))
    assert [quadratic_loss(0.7, t) for t in (0, 1, 30)] == pytest.approx([expected[t] for t in (0, 1, 30)])


def test_a_quadratic_is_slow_and_not_stuck() -> None:
    statistics = declared("claims/edges").statistics
    assert quadratic_shift() == pytest.approx(2.0, abs=1 / PER_DOUBLING)
    assert quadratic_shift() - 2 > -statistics["quadratic, slow"].smallest
    assert quadratic_shift() > statistics["quadratic, stuck"].smallest


def test_statistics_are_the_declared_ones_and_an_edge_that_was_not_found_is_none() -> None:
    one = Edges(
        upper=3.0,
        upper_again=2.5,
        lower=-4.0,
        lower_again=-4.25,
        lower_longer=-6.0,
        beyond=math.inf,
        at_tuned=-1.0,
    )
    none = Edges(None, 2.5, -4.0, None, None, None, -1.0)
    values = statistics_of([one, none])
    assert set(values) == set(declared("claims/edges").statistics)
    assert values["shift, slow"] == [0.0, None]
    assert values["shift, stuck"] == [2.0, None]
    assert values["no longer, stuck"] == [0.25, None]
    assert values["edge over a rate that is too small"] == [7.0, None]
    assert values["loss beyond the edge"] == [CHANCE, None]
