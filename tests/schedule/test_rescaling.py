"""The same schedule over another length: every duration times a ratio, exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank import BANK, HORIZON, spelled

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    constant,
    cosine,
    damped,
    exponential,
    join,
    multi_step,
    noisy,
    parse,
    peak,
    peak_of,
    rescale,
    step,
    warmup,
    wsd,
)


@pytest.mark.parametrize(
    ("s", "ratio", "scaled"),
    [
        (multi_step(0.1, 0.1, at=["30ep", "80%", "1e9tok"]), 0.1, multi_step(0.1, 0.1, at=["3ep", "80%", "1e8tok"])),
        (step(peak, 0.5, every="1.5ep", over="7samples"), 2, step(peak, 0.5, every="3ep", over="14samples")),
        (warmup(5) + cosine(0.1), 0.5, warmup(3) + cosine(0.1)),
        (warmup(5) + cosine(0.1), 0.3, warmup(2) + cosine(0.1)),
        (wsd(0.1, warmup=0, cooldown="3ep"), Fraction(1, 3), wsd(0.1, warmup=0, cooldown="1ep")),
        (exponential(0.1, 0.9), 0.01, exponential(0.1, 0.9)),
        (join(constant(1), cosine(1), at=[9], carry=True), 2, join(constant(1), cosine(1), at=[18], carry=True)),
        (constant(0.1) * cosine(1, over=8), 0.5, constant(0.1) * cosine(1, over=4)),
        (damped(cosine(1), "linear", period=10), 3, damped(cosine(1), "linear", period=30)),
        (noisy(cosine(1), between=[0, "2ep"]), Decimal("0.25"), noisy(cosine(1), between=[0, "0.5ep"])),
        (cosine(1, over="0.1ep"), 0.1, cosine(1, over="0.01ep")),
    ],
    ids=repr,
)
def test_lengths_are_multiplied_and_shares_and_rates_stay(s: Schedule, ratio: Any, scaled: Schedule) -> None:
    assert rescale(s, ratio) == scaled
    assert repr(rescale(s, ratio)) == repr(scaled)


def test_at_a_ratio_of_one_every_schedule_is_itself() -> None:
    for name, s in BANK:
        assert rescale(s, 1) == s, name


@settings(max_examples=60)
@given(spelled(), st.integers(1, 10**6))
def test_a_longer_run_scaled_back_is_the_first_one(s: Schedule, ratio: int) -> None:
    try:
        longer = rescale(s, ratio)
    except InputError as refused:
        assert "must keep" in str(refused) or "Amounts lie between" in str(refused)  # noqa: PT017
    else:
        assert rescale(longer, Fraction(1, ratio)) == s
        assert parse(repr(longer)) == longer


@settings(max_examples=40)
@given(st.data(), st.integers(2, 7))
def test_scaled_by_a_whole_number_it_has_the_same_edges_that_much_later(data: st.DataObject, ratio: int) -> None:
    h = Horizon(steps=data.draw(st.integers(60, 300)), steps_per_epoch=10)
    s = multi_step(0.1, factor=0.5, at=data.draw(st.lists(st.integers(1, 60), min_size=1, unique=True).map(sorted)))
    longer = rescale(s, ratio).bind(h.lasting(steps=h.steps * ratio)).values()
    np.testing.assert_array_equal(longer[::ratio], s.bind(h).values())


def test_the_peak_stays_where_it_is_stated() -> None:
    for name, s in BANK:
        if "noam" not in name:  # whose peak is a matter of its warmup
            assert peak_of(rescale(s, 4), HORIZON) == peak_of(s, HORIZON), name


@pytest.mark.parametrize("ratio", [0, -1, float("nan"), float("inf"), True, "2", None, Decimal("NaN"), Decimal(-1)])
def test_a_ratio_that_is_no_positive_number_is_refused(ratio: Any) -> None:
    with pytest.raises(InputError, match=r"^`rescale\(ratio=...\)` must be a positive number, got "):
        rescale(cosine(0.1), ratio)


def test_what_cannot_be_rescaled_is_refused() -> None:
    with pytest.raises(InputError, match=r"`rescale\(schedule=...\)` must be a schedule, got warmup\(5\)"):
        rescale(warmup(5), 2)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"must keep \"1ep\" a decimal of at most 28 digits, got Fraction\(1, 3\)"):
        rescale(cosine(0.1, over="1ep"), Fraction(1, 3))
    with pytest.raises(InputError, match=r"`multi_step\(at=...\)` must be in strictly rising order, got \[1, 1\]"):
        rescale(multi_step(0.1, 0.5, at=[3, 4]), 0.1)
    with pytest.raises(InputError, match="Amounts lie between"):
        rescale(cosine(0.1, over="1e18tok"), 2)
