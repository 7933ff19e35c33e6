"""The factories of optax, said in families; what optax only writes to the log is refused."""

from __future__ import annotations

from typing import Any

import pytest

import lrdecay.dialects.optax  # noqa: F401
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, tabulated


def said(name: str, /, *given: Any, steps: int | None = 40, as_is: bool = False, **named: Any) -> Schedule:
    return translate(Call("optax", name, given, named), Run(None, steps, as_is))


LINEAR = Call("optax", "linear_schedule", (0.0, 1.0, 4))
COSINE = Call("optax", "cosine_decay_schedule", (), {"init_value": 1.0, "decay_steps": 9})


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (said("constant_schedule", 0.1), "constant(0.1)"),
        (said("linear_schedule", 0.1, 0.01, 50), "linear(0.1, floor=0.01, over=50)"),
        (said("linear_schedule", 0.1, 0.0, 50, 10), "constant(0.1, over=10) + linear(0.1, over=50)"),
        (said("polynomial_schedule", 0.1, 0.0, 2, 50), "polynomial(0.1, power=2.0, over=50)"),
        (said("exponential_decay", 0.1, 10, 0.5), "exponential(0.1, factor=0.5, every=10)"),
        (
            said("exponential_decay", 0.1, 10, 0.5, 5, True, 0.01),
            "clamp(constant(0.1, over=5) + exponential(0.1, factor=0.5, every=10, staircase=True), low=0.01)",
        ),
        (said("cosine_decay_schedule", 0.1, 50, 0.5), "cosine(0.1, floor=0.05, over=50)"),
        (
            said("cosine_decay_schedule", 0.1, 50, exponent=2, steps=None),
            "product(cosine(0.1, over=50), cosine(1.0, over=50))",
        ),
        (said("piecewise_constant_schedule", 1.0, {20: 0.5, 10: 0.5}), "multi_step(1.0, factor=0.5, at=[10, 20])"),
        (said("piecewise_constant_schedule", 1.0, {10.5: 0.5, 20: 2}), "piecewise([1.0, 0.5, 1.0], at=[11, 20])"),
        (said("piecewise_constant_schedule", 1.0, {0: 0.5}), "constant(0.5)"),
        (
            said("piecewise_interpolate_schedule", "linear", 1.0, {10: 0.5, 30: 0.5}),
            "ramp(1.0, end=0.5, over=10) + ramp(0.5, end=0.25, over=20)",
        ),
        (
            said("cosine_onecycle_schedule", 100, 1.0, 0.3, 10.0, 1.0),
            'ramp(0.1, end=1.0, shape="cosine", over=30) + ramp(1.0, end=0.1, shape="cosine", over=70)',
        ),
        (said("warmup_constant_schedule", 0.0, 1.0, 10), "ramp(0.0, end=1.0, over=10)"),
        (
            said("warmup_cosine_decay_schedule", 0.0, 1.0, 10, 100, 0.1),
            "ramp(0.0, end=1.0, over=10) + cosine(1.0, floor=0.1, over=90)",
        ),
        (
            said("warmup_exponential_decay_schedule", 0.0, 1.0, 10, 100, 0.5),
            "ramp(0.0, end=1.0, over=10) + exponential(1.0, factor=0.5, every=100)",
        ),
        (
            said("join_schedules", [LINEAR, COSINE], [4]),
            "join(ramp(0.0, end=1.0, over=4), cosine(1.0, over=9), at=[4])",
        ),
    ],
)
def test_what_has_a_name_here_is_said_by_it(schedule: Schedule, text: str) -> None:
    assert repr(schedule) == text


def test_a_cosine_to_a_broken_power_is_listed_and_needs_no_run() -> None:
    assert isinstance(said("cosine_decay_schedule", 0.1, 50, exponent=1.5, steps=None), tabulated)


def test_rounds_of_sgdr_follow_each_other() -> None:
    one = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 2, "decay_steps": 10}
    rates = said("sgdr_schedule", [one, one | {"peak_value": 0.5}]).bind(Horizon(steps=25)).values()
    assert rates[[0, 2, 10, 12, 20, 24]].tolist() == [0, 1, 0, 0.5, 0, 0]


@pytest.mark.parametrize(
    ("name", "given", "rule"),
    [
        ("polynomial_schedule", (1.0, 0.0, 1, 0), "gives init_value for ever, got 0"),
        ("linear_schedule", (1.0, 0.0, 10, -5), "it is taken as 0, got -5"),
        ("exponential_decay", (1.0, 10, 0.0), "gives init_value for ever, got 0.0"),
        ("warmup_constant_schedule", (0.0, 1.0, 0), "gives init_value for ever, got 0"),
        ("linear_onecycle_schedule", (1, 1.0), "long enough for its knots, which stand at 0, 0, 1"),
        ("join_schedules", ([LINEAR, COSINE, LINEAR], [10]), "one fewer than there are schedules"),
        ("join_schedules", ([LINEAR, COSINE, LINEAR], [20, 10]), "in rising order"),
    ],
)
def test_what_optax_only_logs_or_loses_is_refused_and_kept_only_on_request(
    name: str, given: tuple[Any, ...], rule: str
) -> None:
    with pytest.raises(InputError, match=rule) as refused:
        said(name, *given)
    assert "--as-is" in str(refused.value)
    if (name, given[0]) != ("warmup_constant_schedule", 0.0):
        assert said(name, *given, as_is=True).bind(Horizon(steps=30)).values().max() > 0


@pytest.mark.parametrize(
    ("name", "given", "rule"),
    [
        ("cosine_decay_schedule", (1.0, 0), "decay_steps=...\\)` must be a positive number"),
        ("exponential_decay", (1.0, 10, -0.5), "must be a number >= 0"),
        ("warmup_cosine_decay_schedule", (0.0, 1.0, 10, 10), "must be above warmup_steps=10, which it counts too"),
        ("piecewise_interpolate_schedule", ("cubic", 1.0, {3: 0.5}), "must be one of linear, cosine"),
        ("piecewise_constant_schedule", (1.0, {3: -0.5}), "must be a number >= 0"),
        ("piecewise_constant_schedule", (0.0, {3: 0.5}), "must be a positive number"),
        ("join_schedules", ([LINEAR, COSINE], [2.5]), "whole number of updates"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(name: str, given: tuple[Any, ...], rule: str) -> None:
    with pytest.raises(InputError, match=rule) as refused:
        said(name, *given)
    assert "\n" not in str(refused.value)


def test_knots_between_updates_are_listed() -> None:
    assert isinstance(said("piecewise_interpolate_schedule", "cosine", 1.0, {10.5: 0.5}), tabulated)
