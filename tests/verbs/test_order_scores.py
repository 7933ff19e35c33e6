"""What schedules scored on other seeds: paired as far as it goes, smaller first."""

from __future__ import annotations

import math

import pytest

from lrdecay.verbs.order_scores import Scores

PILOTS = {"a": {10: 1.0, 11: 5.0}, "b": {10: 2.0, 11: 6.0}, "c": {10: 0.5}}


def test_a_schedule_is_placed_by_the_seeds_it_has_and_not_by_how_easy_they_were() -> None:
    behind = Scores(PILOTS, "min").elsewhere({"a", "b", "c"}, 0)

    assert behind == {"a": -0.5, "b": 0.5, "c": -1.0}


def test_where_large_scores_are_good_the_order_is_turned() -> None:
    behind = Scores(PILOTS, "max").elsewhere({"a", "b", "c"}, 0)

    assert sorted(behind, key=behind.get) == ["b", "a", "c"]


def test_a_seed_counts_once_half_of_the_schedules_are_finished_on_it_and_never_for_itself() -> None:
    few = {"a": {1: 1.0}}

    assert Scores(few, "min").elsewhere({"a", "b", "c"}, 0) is None
    assert Scores(few, "min").elsewhere({"a", "b"}, 1) is None
    assert Scores(few, "min").elsewhere({"a", "b"}, 0) == {"a": 0.0}


def test_a_schedule_that_diverged_elsewhere_is_behind_all() -> None:
    scores = Scores({"a": {1: math.nan}, "b": {1: 3.0}, "c": {1: 4.0}}, "min")

    assert scores.elsewhere({"a", "b", "c"}, 0) == {"a": math.inf, "b": -0.5, "c": 0.5}
    assert math.isnan(scores.mean("a", 0))
    assert scores.mean("b", 0) == pytest.approx(3.0)
