"""Families whose rates are listed: the rates, the boundaries, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, parse, peak, piecewise, same_values, step, tabulated

H = Horizon(steps=100, steps_per_epoch=10)


def test_a_piecewise_schedule_gives_its_absolute_values_and_the_new_one_speaks_at_its_milestone() -> None:
    values = piecewise([0.1, 0.5, 0.0], at=[30, "7.5ep"]).bind(H).values()
    assert values.tolist() == [0.1] * 30 + [0.5] * 45 + [0.0] * 25


def test_milestones_in_several_units_stand_where_each_of_them_says() -> None:
    s = piecewise([0.4, 0.3, 0.2, 0.1], at=[10, "3ep", "80%"])
    assert s.bind(H).values().tolist() == [0.4] * 10 + [0.3] * 20 + [0.2] * 50 + [0.1] * 20
    with pytest.raises(InputError, match="must leave at least one update to each of its parts"):
        s.bind(Horizon(steps=100, steps_per_epoch=30))  # three epochs lie behind 80% of it


def test_a_step_written_out_as_a_piecewise_schedule_has_the_same_values() -> None:
    assert same_values(piecewise([1, 0.5, 0.25, 0.125], at=[30, 60, 90]), step(1, factor=0.5, every=30), H)


def test_a_table_gives_each_update_its_rate_and_holds_the_last() -> None:
    f = tabulated([0.3, 0.0, 0.2]).bind(H)
    assert [f(t) for t in (0, 1, 2, 3, 99, 10**9)] == [0.3, 0.0, 0.2, 0.2, 0.2, 0.2]
    many = np.linspace(1, 0, 100_000)
    assert tabulated(many).bind(Horizon(steps=100_000)).values().tobytes() == many.tobytes()


def test_rows_of_a_table_at_or_after_its_end_never_speak() -> None:
    assert tabulated([3, 2, 1, 0.5], over=2).bind(H)(np.arange(4)).tolist() == [3.0, 2.0, 2.0, 2.0]
    assert tabulated([3, 2, 1]).bind(Horizon(steps=2))(np.arange(4)).tolist() == [3.0, 2.0, 2.0, 2.0]


def test_a_list_reads_as_it_is_written() -> None:
    assert repr(piecewise((1, 0.5), at=(3,))) == "piecewise([1.0, 0.5], at=[3])"
    assert parse("tabulated([0.1, 0.2], over=9)") == tabulated(np.array([0.1, 0.2]), over=9)


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: piecewise([0.1, 0.2], at=[3, 5]), "`piecewise(values=...)` must have one value more than there are mile"),
    (lambda: piecewise([0.1, -0.2], at=[3]), "`piecewise(values=...)` must be a number >= 0, got -0.2."),
    (lambda: piecewise([0.1, peak], at=[3]), "`piecewise(values=...)` must be a number >= 0, got peak."),
    (lambda: piecewise([0.0, 0.0], at=[3]), "`max(piecewise(values=...))` must be a positive number, got 0.0."),
    (lambda: piecewise([0.1, 0.2], at=[0]), "`piecewise(at=...)` must be a positive duration, got 0."),
    (lambda: tabulated([]), "`tabulated(values=...)` must hold at least one item, got ()."),
    (lambda: tabulated(0.1), "`tabulated(values=...)` must be a list of rates, got 0.1. Write values="),
    (lambda: tabulated("0.1"), "`tabulated(values=...)` must be a list of rates, got '0.1'. Write values="),
    (lambda: tabulated([0.1, math.nan]), "`tabulated(values=...)` must be a number >= 0, got nan."),
    (lambda: tabulated([0.1, True]), "`tabulated(values=...)` must be a number >= 0, got True."),
    (lambda: tabulated([[0.1]]), "`tabulated(values=...)` must be a number >= 0, got [0.1]."),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_list_that_is_no_list_of_rates_is_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
