"""Which peaks are tried, and which is kept."""

from __future__ import annotations

import math

import pytest

from lrdecay.sweep.pilots import EXTENSIONS, best_peak, chosen, first_peaks, next_peak, shared_peak

NAN = math.nan


def test_the_grid_starts_at_half_one_and_twice_the_stated_peak():
    assert first_peaks(0.1) == (0.05, 0.1, 0.2)


@pytest.mark.parametrize(
    ("scores", "goal", "expected"),
    [
        ({0.5: [1], 1.0: [3], 2.0: [2]}, "max", None),  # inside
        ({0.5: [1], 1.0: [2], 2.0: [3]}, "max", 4.0),
        ({0.5: [3], 1.0: [2], 2.0: [1]}, "max", 0.25),
        ({0.5: [3], 1.0: [2], 2.0: [1]}, "min", 4.0),
        ({0.5: [NAN], 1.0: [NAN], 2.0: [NAN]}, "max", 0.25),  # all diverged: go down
        ({0.5: [1, 1], 1.0: [2, NAN], 2.0: [3, NAN]}, "max", 0.25),  # one diverged seed rules a peak out
    ],
)
def test_the_grid_grows_on_the_side_where_the_best_stands(scores, goal, expected):
    assert next_peak(scores, goal) == expected


def test_the_grid_grows_a_stated_number_of_times_and_the_edge_is_said():
    scores = {0.5: [1], 1.0: [2], 2.0: [3]}
    grown = 0
    while (peak := next_peak(scores, "max")) is not None:
        scores[peak] = [peak]
        grown += 1

    assert grown == EXTENSIONS
    assert chosen(scores, "max").at_edge == "highest"
    assert chosen(scores, "max").peak == 16.0


def test_equal_peaks_give_the_smaller_one():
    assert best_peak({1.0: [2], 0.5: [2], 2.0: [1]}, "max") == 0.5


def test_no_choice_where_every_peak_diverged():
    assert chosen({0.5: [NAN], 1.0: [NAN], 2.0: [NAN]}, "min") is None
    assert best_peak({0.5: [NAN]}, "min") is None


def test_the_shared_peak_is_among_those_every_schedule_tried_and_trained_at():
    a = {0.5: [1.0], 1.0: [2.0], 2.0: [9.0], 4.0: [9.0]}
    b = {0.5: [1.0], 1.0: [3.0], 2.0: [NAN]}

    assert shared_peak([a, b], "max") == 1.0
    assert shared_peak([a, {8.0: [1.0]}], "max") is None


def test_choices_are_json_with_null_for_a_diverged_score():
    choice = chosen({0.5: [1.0], 1.0: [2.0], 2.0: [NAN]}, "max")

    assert choice.to_json() == {"chosen": 1.0, "at_edge": None, "tried": {"0.5": [1.0], "1.0": [2.0], "2.0": [None]}}
