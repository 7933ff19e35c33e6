"""The critical rate is found between two close rates, in few looks, or its absence is said."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.rangetest.critical import MOST_PASSES, Critical, critical_rate, typical


@given(st.floats(-6, 3), st.floats(-4.5, 4.5))
def test_the_crossing_lies_between_two_close_rates(where: float, off: float) -> None:
    crossing, asked = 10**where, []

    def loss(rate: float) -> float:
        asked.append(rate)
        return (rate - crossing / 2) ** 2 if rate <= crossing else math.nan

    found = critical_rate(loss, crossing * 10**off)
    assert found.rate is not None
    assert found.raises_at is not None
    assert found.rate <= crossing * (1 + 1e-12)
    assert crossing <= found.raises_at * (1 + 1e-12)
    assert found.raises_at / found.rate <= 4.0 * (1 + 1e-9)
    assert found.passes == len(asked) <= MOST_PASSES
    if abs(off) < 2:
        assert found.raises_at / found.rate <= 2**0.25 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (lambda r: r, "every step tried, down to .*, raises the loss of its own batch"),
        (lambda r: -r, "no step tried, up to .*, raises the loss of its own batch"),
        (lambda _: math.nan, "the loss is not finite at the weights themselves"),
    ],
)
def test_where_there_is_no_crossing_the_reason_is_said(loss, said: str) -> None:
    found = critical_rate(loss, 0.1)
    assert found.rate is None
    assert re.search(said, found.why_not or "")
    assert found.passes <= MOST_PASSES


def test_a_loss_that_is_flat_is_not_raised() -> None:
    assert critical_rate(lambda r: float(r > 1), 0.5).rate == pytest.approx(1, rel=0.2)


def test_the_typical_rate_is_the_geometric_mean_and_none_where_one_is_missing() -> None:
    found = [Critical(0.1, 0.2, 8), Critical(10.0, 20.0, 8)]
    assert typical(found) == pytest.approx(1.0)
    assert typical([*found, Critical(None, None, 1, "why")]) is None
    assert typical([None]) is None
    assert typical([]) is None
