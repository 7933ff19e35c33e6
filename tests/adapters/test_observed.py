"""What an adapter is told: the rule is parted from its schedule, and a value is a single number or is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.adapters.rules import falling

import lrdecay
from lrdecay.adapters.observed import observed, ruled_of
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, constant, cosine, plan


@pytest.mark.parametrize(
    "said", [cosine(0.1), "cosine(0.1)", cosine(0.1).bind(Horizon(steps=3)), plan(lr=cosine(0.1)), 3]
)
def test_what_is_under_no_rule_is_passed_on_as_it_is(said: Any) -> None:
    schedule, rule = ruled_of(said)
    assert schedule is said
    assert rule is None


@pytest.mark.parametrize("said", [constant(0.1) * falling(), "constant(0.1) * falling()"])
def test_a_rule_is_parted_from_its_schedule(said: Any) -> None:
    assert ruled_of(said) == (constant(0.1), falling())


def test_the_door_reads_a_schedule_under_a_rule_and_one_without() -> None:
    ruled = cosine(0.1) * falling(factor=0.25)
    assert lrdecay.parse(repr(ruled)) == lrdecay.from_json(ruled.to_json()) == ruled
    assert lrdecay.parse("cosine(0.1)") == lrdecay.from_json(cosine(0.1).to_json()) == cosine(0.1)


@pytest.mark.parametrize(
    "said", ["plan(lr=cosine(0.1)) * falling()", "falling()", "cosine(0.1) * linear(0.1) + falling()", falling()]
)
def test_what_is_no_schedule_under_a_rule_is_refused_in_one_line(said: Any) -> None:
    with pytest.raises(InputError) as refused:
        ruled_of(said)
    assert "\n" not in str(refused.value)


def test_numbers_of_any_kind_become_floats_and_nan_stays() -> None:
    given = {"a": 1, "b": np.float32(0.5), "c": np.array(2), "d": float("nan"), "e": np.float16("inf")}
    assert repr(observed(given)) == "{'a': 1.0, 'b': 0.5, 'c': 2.0, 'd': nan, 'e': inf}"
    for other in (True, "1", None, [1.0], np.ones(1), Decimal(1), 1j):
        with pytest.raises(InputError, match=r"`observe\(loss=\.\.\.\)` must be a single number"):
            observed({"loss": other})
