"""The shortest run that ends at a loss is found to one update, or said to be out of reach."""

from __future__ import annotations

import pytest
from tests.losslaws.planted import LONG, fitted, rates_of, truth

from lrdecay.errors import InputError
from lrdecay.losslaws.reaching import FARTHEST, updates_to


def test_the_horizon_is_the_shortest_that_ends_there_and_near_the_true_one():
    found = updates_to(fitted(), truth(LONG, 1800), LONG, warmup=50)

    assert found.updates == pytest.approx(1800, rel=0.05)
    assert found.low < found.updates < found.high
    ends = [fitted().predict(rates_of(LONG, n), 50).loss for n in (found.updates - 1, found.updates)]
    assert ends[1] <= truth(LONG, 1800) < ends[0]
    assert not found.extrapolated
    assert f"after {found.updates} updates." in found.why


def test_beyond_the_logs_it_is_said_to_be_extrapolated():
    found = updates_to(fitted(), truth(LONG, 4000), LONG, warmup=50)

    assert found.extrapolated
    assert found.updates == pytest.approx(4000, rel=0.1)
    assert "the longest log is 2000 updates" in found.why


def test_a_loss_below_the_laws_least_is_never_reached():
    found = updates_to(fitted(), 0.5, LONG, warmup=50)

    assert (found.updates, found.low, found.high) == (None, None, None)
    assert f"after {FARTHEST * 2000} updates" in found.why
    assert found.prediction.loss > 0.5


def test_a_loss_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"updates_to\(loss"):
        updates_to(fitted(), 0.0, LONG)
