"""Keras' names, said in families; boundaries move by one, integers that truncate are refused."""

from __future__ import annotations

from typing import Any

import pytest

import lrdecay.dialects.keras  # noqa: F401
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, tabulated


def said(name: str, /, *given: Any, steps: int | None = 40, as_is: bool = False, **named: Any) -> Schedule:
    return translate(Call("keras", name, given, named), Run(None, steps, as_is))


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (said("ExponentialDecay", 0.1, 10, 0.9), "exponential(0.1, factor=0.9, every=10)"),
        (said("ExponentialDecay", 0.1, 10, 0.9, True), "exponential(0.1, factor=0.9, every=10, staircase=True)"),
        (said("ExponentialDecay", 0.1, 10, 0.0), "piecewise([0.1, 0.0], at=[1])"),
        (said("InverseTimeDecay", 0.1, 1.0, 0.5), "inverse_time(0.1, rate=0.5)"),
        (said("PiecewiseConstantDecay", [5, 9], [1.0, 0.5, 0.1]), "piecewise([1.0, 0.5, 0.1], at=[6, 10])"),
        (said("PiecewiseConstantDecay", [5.7], [1.0, 0.5]), "piecewise([1.0, 0.5], at=[6])"),
        (said("PiecewiseConstantDecay", [5.2, 5.7], [1.0, 0.5, 0.1]), "piecewise([1.0, 0.1], at=[6])"),
        (said("PiecewiseConstantDecay", [-1], [1.0, 0.5]), "constant(0.5)"),
        (said("PolynomialDecay", 0.1, 10), "linear(0.1, floor=0.0001, over=10)"),
        (said("PolynomialDecay", 0.1, 10, 0.2), "ramp(0.1, end=0.2, over=10)"),
        (said("PolynomialDecay", 0.1, 10, 0.0, 2.0), "polynomial(0.1, power=2.0, over=10)"),
        (
            said("PolynomialDecay", 1.0, 10, 0.0, cycle=True, steps=20),
            "join(linear(1.0, over=10), linear(0.45, over=9), at=[11])",
        ),
        (said("CosineDecay", 0.1, 30, 0.1), "cosine(0.1, floor=0.010000000000000002, over=30)"),
        (
            said("CosineDecay", 0.0, 30, warmup_target=0.1, warmup_steps=5),
            "ramp(0.0, end=0.1, over=5) + cosine(0.1, over=30)",
        ),
        (said("CosineDecayRestarts", 0.1, 10), "warm_restarts(0.1, first=10, growth=2.0)"),
        (said("CosineDecayRestarts", 0.1, 10, 1.0, 0.5), "warm_restarts(0.1, first=10, shrink=0.5)"),
    ],
)
def test_what_has_a_name_here_is_said_by_it(schedule: Schedule, text: str) -> None:
    assert repr(schedule) == text


def test_at_a_boundary_the_old_value_still_speaks() -> None:
    assert said("PiecewiseConstantDecay", [5], [1.0, 0.5]).bind(Horizon(steps=9)).values().tolist()[4:8] == [
        1,
        1,
        0.5,
        0.5,
    ]


def test_a_restart_between_two_updates_is_listed() -> None:
    assert isinstance(said("CosineDecayRestarts", 0.1, 10, 1.25), tabulated)


def test_many_cycles_are_listed() -> None:
    assert isinstance(said("PolynomialDecay", 0.1, 2, cycle=True), tabulated)


def test_an_integer_that_truncates_is_refused_and_kept_only_on_request() -> None:
    with pytest.raises(InputError, match="as an integer it makes decay_rate=0\\.9 0"):
        said("ExponentialDecay", 1, 10, 0.9)
    assert said("ExponentialDecay", 1, 10, 0.9, as_is=True).bind(Horizon(steps=3)).values().tolist() == [1, 0, 0]
    assert repr(said("CosineDecay", 1, 10, 0.5)) == "cosine(1.0, floor=0.5, over=10)"


@pytest.mark.parametrize(
    ("name", "given", "rule"),
    [
        ("ExponentialDecay", (0.1, 0, 0.9), "decay_steps=...\\)` must be a positive number"),
        ("ExponentialDecay", (0.1, 10, -0.9), "decay_rate=...\\)` must be a number >= 0"),
        ("PiecewiseConstantDecay", ([], [1.0]), "one fewer than there are values"),
        ("PiecewiseConstantDecay", ([5, 3], [1.0, 0.5, 0.1]), "rising order"),
        ("CosineDecayRestarts", (0.1, 10, 0.5), "at least 1: cycles that shrink pile up"),
        ("CosineDecay", (0.1, 10, -0.5), "alpha"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(name: str, given: tuple[Any, ...], rule: str) -> None:
    with pytest.raises(InputError, match=rule) as refused:
        said(name, *given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "given"), [("CosineDecayRestarts", (0.1, 10)), ("PolynomialDecay", (0.1, 10, 0, 1, True))]
)
def test_what_goes_on_must_be_told_how_long_the_run_is(name: str, given: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="--steps"):
        said(name, *given, steps=None)
