"""How timm's schedulers are said, on both of its clocks, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.dialects.peers_timm import rates_of, timm_call

import lrdecay.dialects.timm  # noqa: F401
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, parse


def c(name: str, **named: Any) -> Call:
    """By updates, unless an epoch is given."""
    return timm_call(name, **({} if "steps_per_epoch" in named else {"t_in_epochs": False}) | named)


PREFIX = {"warmup_t": 4, "warmup_prefix": True}
HALF = {"decay_t": 6, "decay_rate": 0.5}

PLAIN: list[tuple[Call, int | None, str]] = [
    (c("CosineLRScheduler", t_initial=30), None, "cosine(0.1, over=30)"),
    (c("CosineLRScheduler", t_initial=30, lr_min=0.2), None, 'ramp(0.1, end=0.2, shape="cosine", over=30)'),
    (c("CosineLRScheduler", t_initial=30, **PREFIX), 60, "ramp(0, end=0.1, over=4) + cosine(0.1, over=30)"),
    (c("CosineLRScheduler", t_initial=30, k_decay=2.0), None, "k_decay(0.1, k=2.0, over=30)"),
    (
        c("CosineLRScheduler", t_initial=5, cycle_limit=3, cycle_mul=2.0, cycle_decay=0.5),
        None,
        "warm_restarts(0.1, first=5, growth=2.0, shrink=0.5, over=35)",
    ),
    (
        c("CosineLRScheduler", t_initial=5, cycle_limit=2, cycle_decay=0.5, lr_min=0.01),
        None,
        "cosine(0.1, floor=0.01, over=5) + cosine(0.05, floor=0.01, over=5)",
    ),
    (c("CosineLRScheduler", t_initial=2, steps_per_epoch=5), 20, "piecewise([0.1, 0.05, 0.0], at=[5, 10])"),
    (c("PolyLRScheduler", t_initial=30, power=2.0), None, "polynomial(0.1, power=2.0, over=30)"),
    (c("PolyLRScheduler", t_initial=30, power=1, k_decay=2.0), None, 'k_decay(0.1, k=2.0, shape="linear", over=30)'),
    (
        c("TanhLRScheduler", t_initial=30, **PREFIX),
        50,
        "ramp(0, end=0.1, over=4) + tanh(0.1, lower=-7, over=30) + scale(constant(0.1), factor=0)",
    ),
    (c("StepLRScheduler", **HALF), None, "step(0.1, factor=0.5, every=6)"),
    (c("StepLRScheduler", **HALF, steps_per_epoch=5), None, "step(0.1, factor=0.5, every=30)"),
    (c("StepLRScheduler", **HALF, **PREFIX), None, "ramp(0, end=0.1, over=4) + step(0.1, factor=0.5, every=6)"),
    (
        c("StepLRScheduler", **HALF, warmup_t=8, warmup_prefix=False),
        None,
        "ramp(0, end=0.1, over=8) + constant(0.05, over=4) + step(0.025, factor=0.5, every=6)",
    ),
    (
        c("StepLRScheduler", **HALF, warmup_t=2, steps_per_epoch=5),
        None,
        "piecewise([0, 0.05], at=[5], over=10) + step(0.1, factor=0.5, every=30)",
    ),
    (c("StepLRScheduler", decay_t=2.5, decay_rate=0.5), 6, "piecewise([0.1, 0.05, 0.025], at=[3, 5])"),
    (c("MultiStepLRScheduler", decay_t=[5, 9], decay_rate=0.5), None, "multi_step(0.1, factor=0.5, at=[4, 8])"),
    (c("MultiStepLRScheduler", decay_t=[1, 9], decay_rate=0.5), None, "multi_step(0.1, factor=0.5, at=[1, 8])"),
    (c("MultiStepLRScheduler", decay_t=[5, 5], decay_rate=0.5), None, "piecewise([0.1, 0.025], at=[4])"),
    (
        c("MultiStepLRScheduler", decay_t=[5, 9], decay_rate=0.5, steps_per_epoch=10),
        None,
        "multi_step(0.1, factor=0.5, at=[40, 80])",
    ),
    (
        c("MultiStepLRScheduler", decay_t=[3, 9], decay_rate=0.5, warmup_t=4, warmup_prefix=False),
        None,
        "ramp(0, end=0.1, over=4) + multi_step(0.05, factor=0.5, at=[4])",
    ),
    (
        c("WSDLRScheduler", t_initial=20, decay_t=5, warmup_t=4),
        None,
        'ramp(0, end=0.1, over=4) + constant(0.1, over=15) + ramp(0.1, end=0.0, shape="1-sqrt", over=5)',
    ),
]


@pytest.mark.parametrize(("call", "steps", "text"), PLAIN, ids=[f"{p[0].name}-{i}" for i, p in enumerate(PLAIN)])
def test_the_plainest_words_are_found(call: Call, steps: int | None, text: str) -> None:
    assert translate(call, Run(lr=0.1, length=steps)) == parse(text)


@pytest.mark.parametrize(("call", "steps", "text"), PLAIN, ids=[f"{p[0].name}-{i}" for i, p in enumerate(PLAIN)])
def test_those_words_have_timms_numbers(call: Call, steps: int | None, text: str) -> None:
    steps = steps or 90
    theirs = rates_of(call, 0.1, steps)
    np.testing.assert_allclose(parse(text).bind(Horizon(steps=steps)).values(), theirs, rtol=1e-12, atol=1e-16)


def test_without_a_warmup_the_first_update_is_the_constructors() -> None:
    call = c("TanhLRScheduler", t_initial=30, lb=-2.0)
    ours = translate(call, Run(0.1)).bind(Horizon(steps=40)).values()
    assert ours[0] == 0.1
    assert ours[1] < 0.0985
    np.testing.assert_allclose(ours, rates_of(call, 0.1, 40), rtol=1e-13)


def test_a_masked_head_is_a_table_with_timms_numbers() -> None:
    call = c("CosineLRScheduler", t_initial=12, warmup_t=4)
    schedule = translate(call, Run(1.0))
    assert type(schedule).__name__ == "tabulated"
    values = schedule.bind(Horizon(steps=20)).values()
    assert values.max() == pytest.approx(0.75)
    np.testing.assert_allclose(values, rates_of(call, 1.0, 20), rtol=1e-13)


def test_an_epoch_may_be_told_by_the_horizon() -> None:
    run = Run(0.1, 900, horizon=Horizon(steps=900, steps_per_epoch=30))
    call = timm_call("StepLRScheduler", decay_t=10, decay_rate=0.5)
    assert translate(call, run) == parse("step(0.1, factor=0.5, every=300)")


REFUSED: list[tuple[Call, str]] = [
    (timm_call("CosineLRScheduler", t_initial=30), "add steps_per_epoch=N, or t_in_epochs=False"),
    (c("CosineLRScheduler", t_initial=0), r"timm.CosineLRScheduler\(t_initial=...\)` must be an integer >= 1"),
    (
        c("CosineLRScheduler", t_initial=30, noise_range_t=[3, 9]),
        "come from torch's generator. Read the live scheduler",
    ),
    (c("CosineLRScheduler", t_initial=30, colour="red"), r"its own arguments, got \['colour'\]"),
    (c("CosineLRScheduler", t_initial=30, cycle_mul=0.0), "must be a positive number"),
    (c("StepLRScheduler", decay_t=0), "must be a positive number"),
    (c("StepLRScheduler", decay_t=2.5), r"`convert\(steps=...\)` must be given"),
    (c("MultiStepLRScheduler", decay_t=[9, 5]), "must be in rising order"),
    (c("WSDLRScheduler", t_initial=5, decay_t=9), "timm refuses it too"),
    (c("PlateauLRScheduler", decay_rate=0.1), "It is a rule"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[f"{r[0].name}-{i}" for i, r in enumerate(REFUSED)])
def test_what_has_no_meaning_is_refused_in_one_line(call: Call, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        translate(call, Run(lr=0.1))
    assert "\n" not in str(refused.value)
