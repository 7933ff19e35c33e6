"""Overfitting at full length: seen in the looks, answered by lower peaks that were measured, or not at all."""

from __future__ import annotations

import json
import math

import pytest

from lrdecay.rangetest.whole import LOWER, Whole, WholeRun, lower_peaks


def run(peak: float, score: float, lowest: float | None = None) -> WholeRun:
    return WholeRun(peak, score, score if lowest is None else lowest, 50, 100)


def whole(*ends: float, lowest: float = 0.9) -> Whole:
    peaks = [0.8, *lower_peaks(0.8)]
    return Whole("loss", tuple(run(p, e, min(e, lowest)) for p, e in zip(peaks, ends, strict=False)))


@pytest.mark.parametrize(
    ("score", "lowest", "rises"), [(1.0, 1.0, False), (1.04, 1.0, False), (1.06, 1.0, True), (math.nan, 1.0, True)]
)
def test_a_loss_rises_if_it_ends_a_twentieth_above_its_lowest_or_nowhere(score, lowest, rises) -> None:
    assert run(0.1, score, lowest).rises is rises


def test_without_overfitting_the_laws_peak_stands_on_one_run() -> None:
    found = whole(0.9)
    assert not found.overfits
    assert found.peak == 0.8
    assert found.why_not is None
    assert "does not overfit" in found.text()


def test_lower_peaks_are_in_factors_of_two() -> None:
    assert lower_peaks(0.8) == pytest.approx((0.4, 0.2, 0.1))
    assert len(LOWER) == 3


def test_with_overfitting_the_peak_is_the_lowest_point_of_a_parabola_through_full_runs() -> None:
    x = {p: (math.log2(p) - math.log2(0.25)) ** 2 / 10 + 1.0 for p in (0.8, 0.4, 0.2, 0.1)}
    found = whole(*x.values())
    assert found.overfits
    assert found.peak == pytest.approx(0.25)
    assert found.why_not is None


def test_where_the_laws_peak_is_the_best_of_all_it_stays() -> None:
    assert whole(1.0, 1.1, 1.2, 1.3).peak == 0.8


def test_where_the_lowest_peak_is_the_best_there_is_no_answer_and_it_is_said() -> None:
    found = whole(1.4, 1.3, 1.2, 1.1)
    assert found.peak is None
    assert "still falls at the lowest peak tried, 0.1" in found.why_not


def test_a_peak_that_diverges_at_full_length_is_answered_by_a_lower_one() -> None:
    found = whole(math.nan, 1.2, 1.0, 1.1)
    assert found.overfits
    assert 0.1 < found.peak < 0.4
    assert "diverged" in found.text()
    nowhere = whole(math.nan, math.nan, math.nan, math.nan)
    assert nowhere.peak is None
    assert "every full run diverged" in nowhere.why_not
    assert json.loads(json.dumps(nowhere.to_json(), allow_nan=False))["runs"][0]["score"] is None
