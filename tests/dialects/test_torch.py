"""How torch's schedulers are said: the plainest schedule that has their numbers, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.dialects.peers_torch import rates_of
from tests.dialects.peers_torch import torch_call as c

import lrdecay.dialects.torch  # noqa: F401
from lrdecay.dialects.base import SAYINGS, Call, Run, translate
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, parse

LINE, FALL = c("LinearLR", 0.5, total_iters=5), c("CosineAnnealingLR", 95)

PLAIN: list[tuple[Call, int | None, str]] = [
    (c("StepLR", 30), None, "step(0.1, factor=0.1, every=30)"),
    (c("StepLR", step_size=30.0, gamma=0.5), 100, "step(0.1, factor=0.5, every=30)"),
    (c("StepLR", 40, gamma=2.0), 100, "piecewise([0.1, 0.2, 0.4], at=[40, 80])"),
    (c("StepLR", 40, gamma=0.0), 100, "piecewise([0.1, 0.0], at=[40])"),
    (c("MultiStepLR", [60, 30]), None, "multi_step(0.1, factor=0.1, at=[30, 60])"),
    (c("MultiStepLR", [5, 5, 9], 0.5), None, "piecewise([0.1, 0.025, 0.0125], at=[5, 9])"),
    (c("MultiStepLR", [0, 5], 0.5), None, "multi_step(0.05, factor=0.5, at=[5])"),
    (c("MultiStepLR", [-3]), None, "constant(0.1)"),
    (c("ConstantLR", 0.5, 5), None, "piecewise([0.05, 0.1], at=[5])"),
    (c("ConstantLR", 0.5, 0), None, "constant(0.05)"),
    (c("LinearLR", 0.5), None, "ramp(0.05, end=0.1, over=5)"),
    (c("LinearLR", 1.0, 0.0, 50), None, "linear(0.1, over=50)"),
    (c("LinearLR", 0.5, total_iters=0), None, "constant(0.05)"),
    (c("ExponentialLR", 0.9), None, "exponential(0.1, factor=0.9)"),
    (c("ExponentialLR", 2.0), 4, "tabulated([0.1, 0.2, 0.4, 0.8])"),
    (c("PolynomialLR", 50, 2.0), None, "polynomial(0.1, power=2.0, over=50)"),
    (c("PolynomialLR", 0), None, "constant(0.1)"),
    (c("CosineAnnealingLR", 30), None, "cosine(0.1, over=30)"),
    (c("CosineAnnealingLR", 30, eta_min=0.1), 20, "constant(0.1, over=30)"),
    (
        c("CosineAnnealingLR", 30, 0.01),
        70,
        'cosine(0.1, floor=0.01, over=30) + ramp(0.01, end=0.1, shape="cosine", over=30)'
        " + cosine(0.1, floor=0.01, over=30)",
    ),
    (c("CosineAnnealingWarmRestarts", 10, 2), None, "warm_restarts(0.1, first=10, growth=2.0)"),
    (
        c("CosineAnnealingWarmRestarts", 3, 2, 0.2),
        9,
        'ramp(0.1, end=0.2, shape="cosine", over=3) + ramp(0.1, end=0.2, shape="cosine", over=6)',
    ),
    (c("CyclicLR", 0.01, 0.3, 10), None, "triangular(0.01, high=0.3, half_cycle=10)"),
    (
        c("CyclicLR", 0.01, 0.3, 10, mode="exp_range", gamma=0.99),
        None,
        'triangular(0.01, high=0.3, half_cycle=10, scale="exp", gamma=0.99)',
    ),
    (c("CyclicLR", 0.01, 0.3, 2, 4), 6, "ramp(0.01, end=0.3, over=2) + linear(0.3, floor=0.01, over=4)"),
    (c("OneCycleLR", 0.3, 100), None, "one_cycle(0.3, warmup=29, over=99)"),
    (c("OneCycleLR", 0.3, epochs=10, steps_per_epoch=10), None, "one_cycle(0.3, warmup=29, over=99)"),
    (
        c("OneCycleLR", 0.3, 100, div_factor=0.5, anneal_strategy="linear"),
        None,
        f"linear(0.6, floor=0.3, over=29) + linear(0.3, floor={0.6 / 1e4!r}, over=70)",
    ),
    (c("SWALR", 0.05), None, "cosine(0.1, floor=0.05, over=10)"),
    (c("SWALR", 0.2, 4, "linear"), None, "ramp(0.1, end=0.2, over=4)"),
    (c("SWALR", 0.05, 0), None, "constant(0.05)"),
    (c("SequentialLR", [LINE, FALL], [5]), None, "ramp(0.05, end=0.1, over=5) + cosine(0.1, over=95)"),
    (c("SequentialLR", [LINE, FALL], [9]), 90, "join(ramp(0.05, end=0.1, over=5), cosine(0.1, over=95), at=[9])"),
    (c("SequentialLR", [LINE, FALL], [0]), 90, "cosine(0.1, over=95)"),
    (c("SequentialLR", [c("StepLR", 30)], []), 90, "step(0.1, factor=0.1, every=30)"),
    (
        c("SequentialLR", [c("ExponentialLR", 0.5), c("SWALR", 0.05, 4, "linear")], [2]),
        20,
        "exponential(0.1, factor=0.5, over=2) + constant(0.05, over=4)",
    ),
    (
        c("ChainedScheduler", [c("ConstantLR", 0.5, 20), c("ExponentialLR", 1.0)]),
        40,
        "piecewise([0.05, 0.1], at=[20]) * exponential(1, factor=1)",
    ),
    (c("ChainedScheduler", [c("StepLR", 30)]), None, "step(0.1, factor=0.1, every=30)"),
    (
        c("ChainedScheduler", [c("MultiStepLR", [20], 0.5), c("LinearLR", 1.0, 0.5, 10)]),
        40,
        "multi_step(0.1, factor=0.5, at=[20]) * linear(1, floor=0.5, over=10)",
    ),
    (
        c("ChainedScheduler", [c("LinearLR", 0.5, 1.0, 4), c("ExponentialLR", 0.9), c("StepLR", 7, 0.5)]),
        None,
        "ramp(0.05, end=0.1, over=4) * exponential(1, factor=0.9) * step(1, factor=0.5, every=7)",
    ),
    (
        c("ChainedScheduler", [c("CosineAnnealingLR", 20), c("ExponentialLR", 0.9)]),
        20,
        "cosine(0.1, over=20) * exponential(1, factor=0.9)",
    ),
    (
        c("ChainedScheduler", [c("MultiStepLR", [20], 0.5), c("ConstantLR", 0.5, 10)]),
        40,
        "piecewise([0.05, 0.1, 0.05], at=[10, 20])",
    ),
]


@pytest.mark.parametrize(("call", "steps", "text"), PLAIN, ids=[f"{p[0].name}-{i}" for i, p in enumerate(PLAIN)])
def test_the_plainest_words_are_found(call: Call, steps: int | None, text: str) -> None:
    assert translate(call, Run(lr=0.1, length=steps)) == parse(text)


@pytest.mark.parametrize(("call", "steps", "text"), PLAIN, ids=[f"{p[0].name}-{i}" for i, p in enumerate(PLAIN)])
def test_those_words_have_torchs_numbers(call: Call, steps: int | None, text: str) -> None:
    steps = 90 if steps is None and call.name == "OneCycleLR" else steps or 30
    theirs = rates_of(call, 0.1, steps)
    ours = parse(text).bind(Horizon(steps=steps)).values()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15 * float(theirs.max()))


REFUSED: list[tuple[Call, dict[str, Any], str]] = [
    (c("StepLR", 0), {}, r"`torch.StepLR\(step_size=...\)` must be an integer >= 1, got 0. torch divides by it"),
    (c("StepLR", 2.5), {}, "must be a whole number, got 2.5"),
    (c("StepLR", 3, gamma=-0.5), {"length": 9}, "must give rates >= 0, also at update 3, got -0.05"),
    (c("StepLR", 3, gamma=10.0), {"length": 5000}, "must give rates >= 0, also at update 927, got inf"),
    (c("StepLR", 3, gamma=2.0), {}, r"`convert\(steps=...\)` must be given"),
    (c("StepLR"), {}, "missing a required argument: 'step_size'"),
    (c("StepLR", 3), {"lr": None}, r"`convert\(lr=...\)` must be given"),
    (c("StepLR", "ten"), {}, "must be a whole number, got 'ten'"),
    (c("ConstantLR", 1.5), {}, "torch refuses it as well"),
    (c("LinearLR", 0.0), {}, "torch refuses it as well"),
    (c("LinearLR", 1.0, 2.0), {}, "torch refuses it as well"),
    (c("CosineAnnealingLR", 0), {}, r"torch.CosineAnnealingLR\(T_max=...\)` must be an integer >= 1"),
    (c("CosineAnnealingLR", 10, -0.1), {}, "must be a number >= 0, got -0.1"),
    (c("LambdaLR", 0.5), {}, "A text cannot hold one. Read the live scheduler"),
    (c("MultiplicativeLR", None), {}, "must be a Python function, got None"),
    (c("CyclicLR", 0.1, 0.2, scale_fn=3), {}, "must be a Python function, got 3"),
    (c("CyclicLR", 0.1, 0.2, mode="square"), {}, "must have mode= one of triangular, triangular2, exp_range"),
    (c("OneCycleLR", 0.1), {}, "Give it, or epochs= and steps_per_epoch="),
    (c("OneCycleLR", 0.1, 10, pct_start=2.0), {}, "pct_start= from 0 to 1"),
    (c("SWALR", 0.1, 10, "cubic"), {}, "torch refuses it as well"),
    (c("ReduceLROnPlateau", factor=0.5), {}, "must be a schedule of the update alone, got 'a rule'"),
    (c("SequentialLR", [LINE, FALL], [5, 6]), {}, "must rise, one fewer than there are schedulers"),
    (c("SequentialLR", [LINE, FALL, LINE], [6, 5]), {}, "must rise"),
    (c("SequentialLR", [3], []), {}, "must be a list of schedulers"),
    (c("SequentialLR", [c("ReduceLROnPlateau"), LINE], [5]), {}, "It is a rule"),
    (
        c("SequentialLR", [Call("timm", "StepLRScheduler", (), {"decay_t": 3, "t_in_epochs": False})], []),
        {},
        "of torch",
    ),
    (c("ChainedScheduler", []), {"length": 9}, "must be a list of schedulers"),
    (c("ChainedScheduler", [c("CosineAnnealingLR", 9), c("StepLR", 3)]), {}, "must be given for this scheduler"),
    (
        c("OneCycleLR", 1.0, 10, anneal_strategy="linear"),
        {"length": 11, "as_is": True},
        "must give rates >= 0, also at update 10, got -0.14.* not even with --as-is",
    ),
]


@pytest.mark.parametrize(("call", "run", "message"), REFUSED, ids=[f"{r[0].name}-{i}" for i, r in enumerate(REFUSED)])
def test_what_has_no_meaning_is_refused_in_one_line(call: Call, run: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        translate(call, Run(**{"lr": 0.1} | run))
    assert "\n" not in str(refused.value)


def test_a_python_function_is_tabulated_for_the_length_of_the_run() -> None:
    def slower(t: int) -> float:
        return 1 / (1 + t)

    assert translate(c("LambdaLR", slower), Run(0.5, 4)) == parse(f"tabulated([0.5, 0.25, {0.5 / 3!r}, 0.125])")
    product = [0.5, 0.25, 0.25 * slower(2), 0.25 * slower(2) * slower(3)]
    assert translate(c("MultiplicativeLR", slower), Run(0.5, 4)) == parse(f"tabulated({product!r})")
    assert translate(c("LambdaLR", lambda t: 1.0), Run(0.5, 9)) == parse("constant(0.5)")


def test_a_cycle_scaled_by_a_function_is_tabulated() -> None:
    call = c("CyclicLR", 0.01, 0.3, 4, scale_fn=lambda cycle: 1 / cycle)
    ours = translate(call, Run(0.1, 40)).bind(Horizon(steps=40)).values()
    np.testing.assert_allclose(ours, rates_of(call, 0.1, 40), rtol=1e-13)


def test_a_thousand_bounces_are_a_table_and_a_few_are_words() -> None:
    long = translate(c("CosineAnnealingLR", 1), Run(0.1, 1000))
    assert type(long).__name__ == "tabulated"
    np.testing.assert_allclose(long.bind(Horizon(steps=1000)).values()[::2], 0.1)


def test_what_torch_says_about_every_scheduler_is_told() -> None:
    for (library, name), saying in SAYINGS.items():
        if library == "torch":
            assert saying.translator.__doc__, name
            assert saying.ends or saying.differs, name
