"""Time to target: held means twice in a row, nobody is dropped, and the answer is a mark."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.reaching import held_from, saved, told

MARKS = (10, 20, 30, 40)


@pytest.mark.parametrize(
    ("curve", "hold", "expected"),
    [
        ((0.1, 0.9, 0.2, 0.9), 1, 20),  # once is enough
        ((0.1, 0.9, 0.2, 0.9), 2, None),  # a lucky measurement is not held, nor is the last one alone
        ((0.1, 0.5, 0.6, 0.1), 2, 20),  # at the target counts, and what comes after does not
        ((math.nan, 0.9, math.nan, math.nan), 2, None),
        ((0.9, 0.9, math.nan, math.nan), 2, 10),
    ],
)
def test_a_target_is_held_from_the_first_mark_of_enough_in_a_row(
    curve: tuple[float, ...], hold: int, expected: int | None
) -> None:
    assert held_from(MARKS, curve, 0.5, hold=hold) == expected
    assert held_from(MARKS, [-v for v in curve], -0.5, hold=hold, smaller=True) == expected


def test_a_curve_of_another_length_and_no_measurement_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="one value for each of 4 marks"):
        held_from(MARKS, (0.1, 0.2), 0.5)
    with pytest.raises(InputError, match="hold"):
        held_from(MARKS, (0.1, 0.2, 0.3, 0.4), 0.5, hold=0)


def test_what_is_saved_is_a_share_of_the_other_run_and_never_counts_as_all_of_it() -> None:
    curves = {
        "slow": np.array([[0.1, 0.3, 0.5, 0.5], [0.1, 0.3, 0.5, 0.5]]),
        "fast": np.array([[0.5, 0.5, 0.6, 0.7], [0.1, 0.1, 0.1, 0.1]]),
    }
    made = SimpleNamespace(
        marks=lambda *_: np.array(MARKS),
        curve=lambda arm, _: curves[arm],
        end=lambda arm, _: curves[arm][:, -1],
    )
    assert saved(made, "fast", "slow", "accuracy") == pytest.approx((0.5, -0.25))  # type: ignore[arg-type]
    assert saved(made, "slow", "slow", "accuracy") == (0.0, 0.0)  # type: ignore[arg-type]


def test_a_median_counts_those_that_never_got_there() -> None:
    assert told([10, 20, None]) == "after 20 updates (1 of 3 seeds never)"
    assert told([10, 30]) == "after 20 updates"
    assert told([10, None, None]) == "not by most (1 of 3 seeds)"
