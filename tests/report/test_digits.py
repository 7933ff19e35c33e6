"""How many digits are written: enough to tell rows apart, never a wrong zero."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import pytest

from lrdecay.report.digits import UNKNOWN, Digits, digits_of, rate, spread
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]


def test_an_accuracy_has_four_decimals(study_of: StudyOf) -> None:
    assert digits_of(study_of({"cosine(peak)": [0.93, 0.94]}))(0.93125) == "0.9313"


@pytest.mark.parametrize(
    ("values", "value", "text"),
    [
        ([2.31, 2.45], 2.3456, "2.346"),
        ([123.4, 150.0], 130.25, "130.2"),
        ([0.0312, 0.0410], 0.03567, "0.03567"),
        ([3.2e-6, 4.1e-6], 3.456e-6, "3.456e-06"),
        ([2.3e7, 2.9e7], 2.5e7, "2.500e+07"),
        ([0.0, 0.0], 0.0, "0.0000"),
    ],
)
def test_a_loss_has_four_significant_digits(study_of: StudyOf, values: list[float], value: float, text: str) -> None:
    assert digits_of(study_of({"cosine(peak)": values}, goal="min"))(value) == text


def test_a_small_spread_is_not_written_as_nothing(study_of: StudyOf) -> None:
    digits = digits_of(study_of({"cosine(peak)": [0.93001, 0.93002, 0.93004]}))
    assert digits(spread([0.93001, 0.93002, 0.93004])) == "0.00002"


def test_a_small_mean_beside_a_large_one_keeps_its_digits(study_of: StudyOf) -> None:
    digits = digits_of(study_of({"cosine(peak)": [0.066, 0.068], "linear(peak)": [4.6, 4.7]}, goal="min"))
    assert digits(0.0664) == "0.0664"


def test_diverged_rows_do_not_count(study_of: StudyOf) -> None:
    digits = digits_of(study_of({"cosine(peak)": [0.9, math.nan], "linear(peak)": [math.nan, math.nan]}))
    assert digits(0.9) == "0.9000"
    assert digits(math.nan) == digits(None) == digits(math.inf) == UNKNOWN


def test_a_difference_has_a_sign_and_zero_has_none() -> None:
    digits = Digits(4)
    assert [digits.signed(v) for v in (0.01, -0.01, 0.0, None)] == ["+0.0100", "-0.0100", "0.0000", UNKNOWN]
    assert digits(-0.00001) == "0.0000"


def test_the_spread_is_the_sample_standard_deviation() -> None:
    values = [0.91, 0.93, 0.94, 0.915]
    assert spread(values) == pytest.approx(statistics.stdev(values), rel=1e-12)
    assert spread([0.9]) is None
    assert spread([0.9, math.nan]) is None


def test_a_rate_is_short_and_exact_where_it_can_be() -> None:
    assert [rate(v) for v in (0.1, 3e-4, 1e-5, 0.0215443)] == ["0.1", "0.0003", "1e-05", "0.02154"]
