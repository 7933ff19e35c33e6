"""Moving a schedule to another peak: peaks scale, floors and clamps stay."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bank import BANK, HORIZON, OPEN

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Schedule,
    at_peak,
    clamp,
    constant,
    cosine,
    join,
    linear,
    peak,
    peak_of,
    piecewise,
    scale,
    step,
    tabulated,
    triangular,
    warmup,
    wsd,
)
from lrdecay.schedule.peaks import is_open

opened = pytest.mark.parametrize("s", [s for _, s in OPEN], ids=[i for i, _ in OPEN])


@opened
def test_an_open_peak_is_filled_and_then_stated(s: Schedule) -> None:
    assert is_open(s)
    assert peak_of(s) is None
    stated = at_peak(s, 0.3)
    assert not is_open(stated)
    assert peak_of(stated) == 0.3
    assert repr(stated) == repr(s).replace("peak", "0.3")
    assert stated.bind(HORIZON).values().max() > 0


def test_at_its_own_peak_a_schedule_is_itself() -> None:
    for name, s in BANK:
        top = peak_of(s, HORIZON)
        assert top is not None, name
        assert at_peak(s, top, HORIZON) == s, name
        assert not is_open(s), name


@given(st.floats(1e-6, 100.0))
def test_the_rates_scale_with_the_peak_where_there_is_no_floor(top: float) -> None:
    for s in (step(0.1, factor=0.5, every="10%"), cosine(0.1), warmup(9) + linear(0.1), wsd(0.1, "5%", "20%")):
        moved = at_peak(s, top)
        assert peak_of(moved) == top
        np.testing.assert_allclose(moved.bind(HORIZON).values(), s.bind(HORIZON).values() * (top / 0.1), rtol=1e-12)


def test_floors_and_clamps_stay_where_they_are() -> None:
    assert at_peak(cosine(0.1, floor=0.01), 0.4) == cosine(0.4, floor=0.01)
    assert at_peak(clamp(linear(0.1), low=0.01, high=0.2), 0.4) == clamp(linear(0.4), low=0.01, high=0.2)
    assert at_peak(wsd(0.1, 5, 9, floor=0.01, shape="cosine"), 0.4) == wsd(0.4, 5, 9, floor=0.01, shape="cosine")
    assert at_peak(scale(cosine(0.1), 0.5), 0.4) == scale(cosine(0.4), 0.5)


def test_all_peaks_of_a_composition_move_by_the_same_ratio() -> None:
    s = warmup(5) + constant(0.1, over=10) + join(linear(0.05), cosine(0.2, floor=0.01), at=["40%"])
    moved = at_peak(s, 0.4)
    assert peak_of(s) == 0.2
    assert moved == warmup(5) + constant(0.2, over=10) + join(linear(0.1), cosine(0.4, floor=0.01), at=["40%"])


def test_where_rates_are_listed_the_highest_is_the_peak_and_all_of_them_move() -> None:
    assert peak_of(piecewise([0.1, 0.4, 0.0], at=[3, 5])) == 0.4
    assert at_peak(piecewise([0.1, 0.4, 0.0], at=[3, 5]), 0.8) == piecewise([0.2, 0.8, 0.0], at=[3, 5])
    assert at_peak(tabulated([0.5, 0.25]), 1) == tabulated([1, 0.5])
    assert at_peak(triangular(0.01, 0.1, half_cycle=5), 0.3) == triangular(0.01, 0.3, half_cycle=5)


def test_the_largest_peak_lands_exactly_where_it_was_sent() -> None:
    top = 0.1 + 0.2
    assert peak_of(at_peak(join(cosine(0.7), linear(0.9), at=[5]), top)) == top


def test_a_peak_below_a_floor_of_the_schedule_is_refused() -> None:
    with pytest.raises(InputError, match=r"`cosine\(floor=...\)` must be at most the peak, 0.005, got 0.01"):
        at_peak(cosine(0.1, floor=0.01), 0.005)


def test_some_peaks_open_and_some_stated_is_refused() -> None:
    s = join(cosine(peak), linear(0.1), at=[5])
    for ask in (lambda: peak_of(s), lambda: at_peak(s, 0.1)):
        with pytest.raises(InputError, match="must leave all of its peaks open or none"):
            ask()


@pytest.mark.parametrize("top", [0, -1, math.nan, math.inf, True, None, "0.1", peak, 10**400], ids=repr)
def test_a_peak_that_is_no_positive_number_is_refused(top: Any) -> None:
    with pytest.raises(InputError, match=r"^`at_peak\(peak=...\)` must be a positive number, got "):
        at_peak(cosine(0.1), top)


def test_there_is_one_open_peak_also_after_a_copy() -> None:
    assert copy.copy(peak) is copy.deepcopy(peak) is peak
    assert copy.deepcopy(cosine(peak)) == cosine(peak)
    assert copy.deepcopy(cosine(peak)).peak is peak  # type: ignore[attr-defined]
    assert repr(peak) == "peak"
