"""Durations: exact amounts with a unit, read from text, written back, never guessed."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bank import durations
from tests.twin import nearest

from lrdecay.errors import InputError
from lrdecay.schedule import Duration, duration
from lrdecay.schedule.duration import round_half_up


@pytest.mark.parametrize(
    ("given", "amount", "unit", "text"),
    [
        (500, "500", "steps", "500"),
        ("30ep", "30", "ep", '"30ep"'),
        ("30.0ep", "30", "ep", '"30ep"'),
        ("0.5ep", "0.5", "ep", '"0.5ep"'),
        (".5EP", "0.5", "ep", '"0.5ep"'),
        ("  20 % ", "20", "%", '"20%"'),
        ("1200ep", "1200", "ep", '"1200ep"'),
        ("2e9tok", "2e9", "tok", '"2e9tok"'),
        ("2000000000tok", "2e9", "tok", '"2e9tok"'),
        ("1.5E7Samples", "15000000", "samples", '"1.5e7samples"'),
        ("1e6samples", "1000000", "samples", '"1e6samples"'),
        ("123456789tok", "123456789", "tok", '"123456789tok"'),
        ("1e-7%", "0.0000001", "%", '"1e-7%"'),
        ("1.234567890123456789012345678%", "1.234567890123456789012345678", "%", '"1.234567890123456789012345678%"'),
        ("33.333333333333333333333333%", "33.333333333333333333333333", "%", '"33.333333333333333333333333%"'),
    ],
)
def test_a_duration_is_read_exactly_and_spelled_shortly(given: Any, amount: str, unit: str, text: str) -> None:
    d = duration(given)
    assert (d.amount, d.unit) == (Decimal(amount), unit)
    assert d.fraction == Fraction(amount)
    assert repr(d) == text
    assert duration(d.to_json()) == d


def test_a_bare_integer_counts_updates_even_where_it_is_one() -> None:
    assert duration(1) == Duration(Decimal(1), "steps")
    assert duration(1).to_json() == 1
    assert repr(duration(10**18)) == "1" + "0" * 18


@given(durations())
def test_what_is_read_is_written_so_that_it_reads_the_same(text: int | str) -> None:
    d = duration(text)
    again = duration(d.to_json())
    assert again == d
    assert hash(again) == hash(d)
    assert repr(again) == repr(d)
    assert d.fraction == (text if isinstance(text, int) else Fraction(text.rstrip("abcdefghijklmnopqrstuvwxyz%")))
    assert duration(d) is d


def test_the_users_decimal_context_changes_nothing() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        assert duration("123456.789ep").fraction == Fraction(123456789, 1000)
        assert repr(duration("1234567890000000tok")) == '"1.23456789e15tok"'


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 0.5, 1.0, True, None, [], {}, b"30ep", 10**18 + 1, 10**400, np.int64(5), np.float64(5), object()),
        *("", "30", "ep", "-3ep", "0ep", "0.0%", "0e5tok", "30 epochs", "1e999ep", "1e-999ep", "1e19tok", "1e-19tok"),
        *(
            "1_0ep",
            "0x10ep",
            "nanep",
            "infep",
            "1e1000ep",
            "٣٠ep",
            "5ſamples",
            "30ep 30ep",
            "30ep\x00",
            "1..5ep",
            "1e5",
        ),
        "1.00000000000000000000000000000ep",
    ],
)
def test_what_is_no_duration_is_refused_in_one_line_that_names_the_argument(value: Any) -> None:
    with pytest.raises(InputError) as caught:
        duration(value, "step(every=...)")
    assert str(caught.value).startswith("`step(every=...)` must be a positive duration, got ")
    assert str(caught.value).isprintable()


def test_nothing_is_a_duration_only_where_that_is_said() -> None:
    assert duration(0, zero=True).amount == 0
    assert duration("0%", zero=True).fraction == 0
    with pytest.raises(InputError, match="must be a duration >= 0, got -1"):
        duration(-1, zero=True)


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        *(("-1", "ep"), ("-0", "ep"), ("NaN", "ep"), ("Infinity", "ep"), ("1e19", "ep"), ("2.5", "steps")),
        *(("1", "epochs"), ("1", ""), ("1." + "0" * 28, "ep")),
    ],
)
def test_a_duration_made_by_hand_is_checked_too(amount: str, unit: str) -> None:
    with pytest.raises(InputError, match=r"`Duration\((amount|unit)=...\)` must be "):
        Duration(Decimal(amount), unit)


def test_an_amount_that_is_no_decimal_is_refused() -> None:
    with pytest.raises(InputError, match="must be a Decimal"):
        Duration(5, "ep")  # type: ignore[arg-type]


@given(st.fractions(0, 10**6))
def test_rounding_is_to_the_nearest_update_halves_up(position: Fraction) -> None:
    assert round_half_up(position) == nearest(position)
    assert abs(round_half_up(position) - position) <= Fraction(1, 2)


def test_halves_go_up_on_both_sides_of_even() -> None:
    assert [round_half_up(Fraction(n, 2)) for n in (1, 3, 5, 7)] == [1, 2, 3, 4]
    assert round_half_up(Fraction(1, 2) - Fraction(1, 10**30)) == 0
