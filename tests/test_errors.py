"""Messages in one voice, and the constraints that word them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import (
    Constraint,
    InputError,
    LrdecayError,
    MissingExtraError,
    RunError,
    argument,
    at_least_one,
    did_you_mean,
    factor_in_unit_interval,
    non_negative,
    non_negative_int,
    one_of,
    positive,
    positive_int,
    refusal,
    true_or_false,
)

NEVER_NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, "1", None, True, False, [1], 1j, Decimal(1), 10**400, b"1"]


def test_a_message_is_the_call_the_rule_the_value_and_the_cure() -> None:
    said = refusal("step(every=...)", "must be a positive duration", 0, 'Write "10ep".')
    assert said == '`step(every=...)` must be a positive duration, got 0. Write "10ep".'
    assert refusal("f(x=...)", "must be given", "a b") == "`f(x=...)` must be given, got 'a b'."


@pytest.mark.parametrize(
    "value",
    [
        "a\nb\r\nc",
        np.arange(5000),
        10**5000,
        "x" * 10**6,
        "\ud800\x00\x1b",
        {"a": ["\u2028"] * 9},
        Fraction(1, 10**500),
    ],
    ids=["lines", "array", "digits", "long", "control", "separator", "fraction"],
)
def test_a_message_is_one_short_printable_line_whatever_the_value(value: object) -> None:
    said = refusal("f(x=...)", "must be given", value, "Give it.")
    assert said.isprintable()
    assert said.startswith("`f(x=...)` must be given, got ")
    assert said.endswith(". Give it.")
    assert len(said) < 400


def test_a_value_nested_too_deep_to_print_is_named_by_its_type() -> None:
    nest: list[Any] = []
    for _ in range(100_000):
        nest = [nest]
    assert "got a value of type list that is too large to show." in refusal("f(x=...)", "must be flat", nest)


@given(st.text(), st.text())
def test_a_call_with_any_name_in_it_stays_on_one_line(name: str, value: str) -> None:
    said = refusal(f"{name}(...)", "must be known", value)
    assert said.isprintable()


def test_bad_input_and_failed_work_are_told_apart_and_have_one_root() -> None:
    assert issubclass(InputError, LrdecayError)
    assert issubclass(InputError, ValueError)
    assert issubclass(RunError, LrdecayError)
    assert issubclass(RunError, RuntimeError)
    assert not issubclass(RunError, InputError)
    assert issubclass(MissingExtraError, InputError)
    assert issubclass(MissingExtraError, ImportError)
    with pytest.raises(InputError, match="pip install"):
        raise MissingExtraError("pip install 'lrdecay[study]'")  # noqa: EM101


def test_a_misspelt_word_is_cured_by_the_nearest_known_one_and_a_strange_one_by_all() -> None:
    assert did_you_mean("cosin", ["step", "cosine", "linear"]) == "Did you mean `cosine`?"
    assert did_you_mean("zzz", ["step", "cosine"]) == "Known: cosine, step."


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (positive, [1, 1e-300, 0.5, np.float64(2), np.float32(2), np.int64(1), Fraction(1, 3)], [0, -1, 0.0, -1e-300]),
        (non_negative, [0, 0.0, -0.0, 3, np.float64(0)], [-1, -1e-300]),
        (factor_in_unit_interval, [1, 1.0, 0.5, 1e-300], [0, 1.0000001, -0.5, 2]),
    ],
    ids=["positive", "non_negative", "factor"],
)
def test_a_number_is_finite_real_and_no_boolean(constraint: Constraint, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        constraint.check("f(x=...)", value)
    for value in [*bad, *NEVER_NUMBERS]:
        with pytest.raises(InputError) as caught:
            constraint.check("f(x=...)", value)
        assert str(caught.value).startswith(f"`f(x=...)` {constraint.rule}, got ")


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (positive_int, [1, 10**30], [0, -1, 1.0, True, "1", None, np.int64(1)]),
        (non_negative_int, [0, 1], [-1, 0.0, False, None]),
        (true_or_false, [True, False], [0, 1, "True", None, np.True_]),
        (at_least_one, [[0], (1, 2), "a"], [[], (), ""]),
        (one_of(["hold", "raise"]), ["hold", "raise"], ["Hold", "", None, 1, ["hold"], {}]),
    ],
    ids=["positive_int", "non_negative_int", "true_or_false", "at_least_one", "one_of"],
)
def test_other_constraints_hold_for_what_they_say(constraint: Constraint, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        constraint.check("f(x=...)", value)
    for value in bad:
        with pytest.raises(InputError, match="must "):
            constraint.check("f(x=...)", value)


def test_a_constraint_on_a_field_names_the_class_and_the_argument_as_they_are_typed() -> None:
    @frozen
    class plateau:  # noqa: N801
        patience: int = field(validator=argument(positive_int))

    assert plateau(3).patience == 3
    with pytest.raises(InputError) as caught:
        plateau(-3)
    assert str(caught.value) == "`plateau(patience=...)` must be a positive integer, got -3."


def test_a_constraint_with_a_cure_ends_in_it() -> None:
    with pytest.raises(InputError) as caught:
        factor_in_unit_interval.check("step(factor=...)", 2)
    assert str(caught.value) == "`step(factor=...)` must be in (0, 1], got 2. A decay multiplies the rate by it."
    with pytest.raises(InputError, match="must be one of a, b, got 'c'"):
        one_of(["a", "b"]).check("f(x=...)", "c")
