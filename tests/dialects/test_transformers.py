"""transformers' names, said in families; what cannot be said is listed, and what looks at a metric is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lrdecay.dialects.transformers  # noqa: F401
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.dialects.transformers import SCHEDULER_TYPES
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, tabulated


def said(
    name: str, /, *, lr: float | None = 0.1, steps: int | None = None, as_is: bool = False, **named: Any
) -> Schedule:
    return translate(Call("transformers", name, (), named), Run(lr, steps, as_is))


@pytest.mark.parametrize(
    ("name", "named", "text"),
    [
        ("get_constant_schedule", {}, "constant(0.1)"),
        ("get_constant_schedule_with_warmup", {"num_warmup_steps": 5}, "ramp(0.0, end=0.1, over=5) + constant(0.1)"),
        (
            "get_linear_schedule_with_warmup",
            {"num_warmup_steps": 10, "num_training_steps": 100},
            "ramp(0.0, end=0.1, over=10) + linear(0.1, over=90)",
        ),
        ("get_cosine_schedule_with_warmup", {"num_warmup_steps": 0, "num_training_steps": 9}, "cosine(0.1, over=9)"),
        (
            "get_cosine_schedule_with_warmup",
            {"num_warmup_steps": 0, "num_training_steps": 8, "num_cycles": 1},
            'join(ramp(0.1, end=0.0, shape="cosine", over=4), ramp(0.0, end=0.1, shape="cosine", over=4), at=[4])',
        ),
        (
            "get_cosine_with_hard_restarts_schedule_with_warmup",
            {"num_warmup_steps": 2, "num_training_steps": 12, "num_cycles": 2},
            "ramp(0.0, end=0.1, over=2) + warm_restarts(0.1, first=5, over=10)",
        ),
        (
            "get_polynomial_decay_schedule_with_warmup",
            {"num_warmup_steps": 0, "num_training_steps": 12, "power": 2, "lr_end": 0.01},
            "polynomial(0.1, floor=0.01, power=2.0, over=12)",
        ),
        (
            "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
            {"num_warmup_steps": 5, "num_training_steps": 25, "min_lr": 0.01},
            "warmup(4) + cosine(0.1, floor=0.01, over=20)",
        ),
        (
            "get_wsd_schedule",
            {"num_warmup_steps": 2, "num_stable_steps": 3, "num_decay_steps": 4, "decay_type": "1-sqrt"},
            'ramp(0.0, end=0.1, over=2) + constant(0.1, over=3) + ramp(0.1, end=0.0, shape="1-sqrt", over=4)',
        ),
    ],
)
def test_what_has_a_name_here_is_said_by_it(name: str, named: dict[str, Any], text: str) -> None:
    assert repr(said(name, **named)) == text


def test_the_first_update_is_made_at_nothing_as_there() -> None:
    rates = said("get_linear_schedule_with_warmup", num_warmup_steps=4, num_training_steps=8).bind(Horizon(steps=9))
    assert rates.values() == pytest.approx([0, 0.025, 0.05, 0.075, 0.1, 0.075, 0.05, 0.025, 0])


def test_a_half_wave_between_updates_is_listed() -> None:
    listed = said("get_cosine_schedule_with_warmup", num_warmup_steps=0, num_training_steps=10, num_cycles=2, steps=30)
    assert isinstance(listed, tabulated)
    assert len(listed.values) == 30


def test_a_cosine_bounces_where_the_run_is_longer() -> None:
    wave = said("get_cosine_schedule_with_warmup", num_warmup_steps=0, num_training_steps=10, steps=30)
    rates = wave.bind(Horizon(steps=30)).values()
    assert rates[[0, 10, 20]] == pytest.approx([0.1, 0, 0.1])


@pytest.mark.parametrize("name", ["get_reduce_on_plateau_schedule", "get_greedy_schedule"])
def test_what_looks_at_a_metric_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="must be a function of t: it waits for a metric"):
        said(name, factor=0.5)


@pytest.mark.parametrize("kind", SCHEDULER_TYPES)
def test_get_scheduler_means_the_function_it_names(kind: str) -> None:
    more: dict[str, Any] = {
        "cosine_with_min_lr": {"min_lr_rate": 0.1},
        "cosine_warmup_with_min_lr": {"min_lr_rate": 0.1},
        "warmup_stable_decay": {"num_decay_steps": 10},
    }.get(kind, {})
    call = {"name": kind, "num_warmup_steps": 3, "num_training_steps": 30, "scheduler_specific_kwargs": more}
    if kind in ("reduce_lr_on_plateau", "greedy"):
        with pytest.raises(InputError, match="metric"):
            translate(Call("transformers", "get_scheduler", (), call), Run(0.1, 30))
        return
    counts = {"num_warmup_steps": 3} if kind != "constant" else {}
    if kind not in ("constant", "constant_with_warmup", "inverse_sqrt"):
        counts["num_training_steps"] = 30
    by_name = translate(Call("transformers", "get_scheduler", (), call), Run(0.1, 30))
    assert by_name == said(SCHEDULER_TYPES[kind], steps=30, **counts, **more)


def test_an_inverse_root_over_its_own_warmup_is_noams_curve_and_needs_no_run() -> None:
    schedule = translate(Call("transformers", "get_inverse_sqrt_schedule", (9,)), Run(0.1))
    assert repr(schedule) == "scale(constant(0.1, over=1), factor=0.0) + noam(1, warmup=9, scale=0.30000000000000004)"
    rates = schedule.bind(Horizon(steps=40)).values()
    assert rates == pytest.approx([0.1 * (t / 9 if t < 9 else (9 / t) ** 0.5) for t in range(40)], rel=1e-15)


@pytest.mark.parametrize(
    ("name", "named", "rule"),
    [
        ("get_constant_schedule", {"last_epoch": 3}, "must be -1"),
        ("get_constant_schedule_with_warmup", {"num_warmup_steps": 2.5}, "whole number of updates"),
        ("get_constant_schedule_with_warmup", {"num_warmup_steps": -1}, "whole number of updates"),
        ("get_constant_schedule_with_warmup", {"warmup": 1}, "must be called with its arguments"),
        ("get_inverse_sqrt_schedule", {"num_warmup_steps": 3, "timescale": 7}, "convert\\(steps=...\\)` must be given"),
        ("get_wsd_schedule", {"num_warmup_steps": 3, "num_decay_steps": 3}, "num_training_steps or num_stable_steps"),
        (
            "get_cosine_with_min_lr_schedule_with_warmup",
            {"num_warmup_steps": 3, "num_training_steps": 9},
            "min_lr or min_lr_rate, one of them",
        ),
        (
            "get_polynomial_decay_schedule_with_warmup",
            {"num_warmup_steps": 3, "num_training_steps": 9, "lr_end": 0.2},
            "must be below the optimizer's rate, 0.1",
        ),
        ("get_scheduler", {"name": "cosin"}, "Did you mean `cosine`"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(name: str, named: dict[str, Any], rule: str) -> None:
    with pytest.raises(InputError, match=rule) as refused:
        said(name, **named)
    assert "\n" not in str(refused.value)


def test_the_rate_must_be_known() -> None:
    with pytest.raises(InputError, match="--lr"):
        said("get_constant_schedule", lr=None)


def test_more_decay_than_fits_starts_in_its_middle_as_there() -> None:
    rates = said("get_wsd_schedule", num_warmup_steps=4, num_decay_steps=8, num_training_steps=8, decay_type="linear")
    assert rates.bind(Horizon(steps=9)).values()[4:] == pytest.approx(0.1 * np.array([0.5, 0.375, 0.25, 0.125, 0]))
