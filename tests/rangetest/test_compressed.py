"""The short runs that are made: within the budget, near enough to the full run, around where the peak must be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.rangetest.compressed import COUNTS, FARTHEST, SHORTEST, Design, around, design, first_candidates


@given(full=st.integers(80, 300_000), budget=st.floats(1.3, 8.0))
def test_a_design_keeps_to_its_budget_and_comes_within_ten_times_of_the_full_run(full: int, budget: float) -> None:
    least = (5 * 20 + 4 * 29 + 3 * 40) * 2 / full  # the shortest runs there may be
    if budget < max(1.35, 1.1 * least):
        budget = max(1.35, 1.1 * least)
    plan = design(full, budget)
    assert plan.cost <= budget * full
    assert plan.ratio <= FARTHEST
    assert plan.lengths[0] >= SHORTEST
    assert plan.lengths[0] < plan.lengths[1] < plan.lengths[2] <= full / 2
    assert plan.lengths[2] >= 2 * plan.lengths[0]
    assert plan.repeats in (2, 3)


def test_a_larger_budget_buys_longer_runs_and_a_third_repeat() -> None:
    assert [design(10_000, b).repeats for b in (1.3, 1.5, 2.0)] == [2, 2, 3]
    assert design(10_000, 2.0).lengths[-1] < design(10_000, 3.0).lengths[-1]
    assert design(10_000, 1e6).lengths[-1] == 5000


def test_too_small_a_budget_is_refused_with_the_one_that_is_needed() -> None:
    with pytest.raises(
        InputError, match=r"`find\(budget=...\)` must be at least (1\.\d+) full runs here, got 0.5"
    ) as e:
        design(10_000, 0.5)
    needed = float(str(e.value).split("at least ")[1].split(" ")[0])
    assert design(10_000, needed).repeats == 2
    with pytest.raises(InputError, match="must be at least"):
        design(10_000, needed - 0.02)


@pytest.mark.parametrize("full", [1, 50, 79])
def test_a_run_too_short_to_be_compressed_is_refused(full: int) -> None:
    with pytest.raises(InputError, match=f"must be for a run of at least 80 updates, got {full}. Runs this short"):
        design(full)


@pytest.mark.parametrize("budget", [0, -1, math.nan, math.inf])
def test_a_budget_is_a_positive_number(budget: float) -> None:
    with pytest.raises(InputError, match=r"find\(budget=...\)"):
        design(1000, budget)


def test_the_first_candidates_surround_the_interval_evenly_in_log_rate() -> None:
    found = first_candidates(0.1, 0.1)
    assert found == pytest.approx((0.05, 0.1, 0.2, 0.4, 0.8))
    wide = first_candidates(0.01, 0.1)
    assert (wide[0], wide[-1], len(wide)) == (pytest.approx(0.005), pytest.approx(0.8), COUNTS[0])


@given(best=st.floats(0.02, 2.0), count=st.sampled_from([3, 4]))
def test_the_next_candidates_are_on_the_grid_of_the_last_ones_and_surround_the_best(best: float, count: int) -> None:
    grid = (0.05, 0.1, 0.2, 0.4, 0.8)
    found = around(grid, best, count)
    assert len(found) == count
    assert all(math.log2(p / 0.05) == pytest.approx(round(math.log2(p / 0.05)), abs=1e-9) for p in found)
    middle = math.sqrt(found[0] * found[-1])
    assert abs(math.log2(middle / best)) <= (0.5 if count == 3 else 1) + 1e-9
    assert count == 3 or middle <= best * (1 + 1e-9)  # an even number leans to the low side


def test_a_design_is_a_value() -> None:
    assert Design(1250, (33, 66, 133), 3).cost == 3 * (5 * 33 + 4 * 66 + 3 * 133)
