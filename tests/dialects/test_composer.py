"""Composer's schedulers, against what its documentation and its source (0.32.1) compute, written out here again.

Composer itself is not installed; ``alpha`` below is its arithmetic on whole batches, samples and tokens.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from lrdecay.dialects.base import Run, translate
from lrdecay.dialects.reading import load_all, read_call
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, constant, cosine, linear, multi_step, piecewise, ramp, step, warm_restarts

load_all()

LR, EPOCH, STEPS, BATCH, TOKENS = 0.3, 12, 60, 8, 128
HORIZON = Horizon(steps=STEPS, steps_per_epoch=EPOCH, batch_size=BATCH, tokens_per_step=TOKENS)
PER_BATCH = {"ba": 1, "sp": BATCH, "tok": TOKENS}


def cut(time, ratio=1.0):
    """A time as composer keeps it: a whole number, and what it counts."""
    value, unit = next((float(time.removesuffix(u)), u) for u in ("ep", "ba", "sp", "tok", "dur") if time.endswith(u))
    if unit == "dur":
        return int(value * STEPS), "ba"
    if unit == "ep":
        return int(int(value) * EPOCH * ratio), "ba"
    return int(int(value) * ratio), unit


def share(t, time):
    return t * PER_BATCH[time[1]] / time[0]


def anneal(u, low):
    return low + (1 - low) * (1 + math.cos(min(max(u, 0.0), 1.0) * math.pi)) / 2


def past(t, time):
    return t * PER_BATCH[time[1]] >= time[0]


def after_warmup(t, warm, end):
    return min((t * PER_BATCH[warm[1]] - warm[0]) / (end[0] - warm[0]), 1.0) if end[0] > warm[0] else 0.0


def alpha(name, a, t, ratio):
    """Composer's multiplier of batch t."""
    end = cut(a.get("t_max", "1dur"), ratio)
    if "t_warmup" in a and not past(t, warm := cut(a["t_warmup"])):
        top = a.get("alpha_i", a.get("alpha", 1.0))
        slope = cut(a["t_warmup"], ratio) if a.get("scale_warmup") else warm
        return top * min(share(t, slope), 1.0)
    if name == "StepScheduler":
        return a.get("gamma", 0.1) ** int(share(t, cut(a["step_size"], ratio)))
    if name.startswith("MultiStep"):
        return math.prod(a.get("gamma", 0.1) for m in a["milestones"] if past(t, cut(m, ratio)))
    if name == "ConstantScheduler":
        return 1.0 if past(t, end) else a.get("alpha", 1.0)
    if name == "ConstantWithWarmupScheduler":
        return a.get("alpha", 1.0)
    if name == "ExponentialScheduler":
        return a["gamma"] ** share(t, cut(a.get("decay_period", "1ep"), ratio))
    if name == "CosineAnnealingWarmRestartsScheduler":
        length, unit = cut(a["t_0"], ratio)
        start = 0
        while past(t, (start + length, unit)):
            start, length = start + length, int(a.get("t_mult", 1.0) * length)
        return anneal((t * PER_BATCH[unit] - start) / length, a.get("alpha_f", 0.0))
    u = after_warmup(t, cut(a["t_warmup"]), end) if "t_warmup" in a else min(share(t, end), 1.0)
    if name.startswith("Cosine"):
        return anneal(u, a.get("alpha_f", 0.0))
    if name.startswith("Polynomial"):
        return a.get("alpha_f", 0.0) + (1 - u) ** a.get("power", 2.0) * (1 - a.get("alpha_f", 0.0))
    return a.get("alpha_i", 1.0) + u * (a.get("alpha_f", 0.0) - a.get("alpha_i", 1.0))


TIMES = ["7ba", "12ba", "61ba", "1ep", "3ep", "0.25dur", "0.29dur", "0.333dur", "0.5dur", "96sp", "1280tok"]
ENDS = ["1dur", "60ba", "5ep", "90ba", "1.5dur"]
DRAWS = {
    "StepScheduler": {"step_size": TIMES, "gamma": [0.1, 0.5]},
    "MultiStepScheduler": {"milestones": [["7ba", "0.29dur", "3ep"], ["40ba", "7ba", "7ba"], ["96sp", "1dur"]]},
    "ConstantScheduler": {"alpha": [1.0, 0.5, 2.0], "t_max": [*TIMES, "1dur"]},
    "LinearScheduler": {"alpha_i": [1.0, 0.0, 2.0], "alpha_f": [0.1, 1.0], "t_max": [*TIMES, "1dur"]},
    "ExponentialScheduler": {"gamma": [0.5, 0.9], "decay_period": TIMES},
    "CosineAnnealingScheduler": {"alpha_f": [0.0, 0.1, 1.5], "t_max": [*TIMES, "1dur"]},
    "CosineAnnealingWarmRestartsScheduler": {"t_0": TIMES[:2] + TIMES[3:9], "t_mult": [1.0, 2.0, 1.5, 0.95]},
    "PolynomialScheduler": {"power": [0.5, 2.0, 3], "alpha_f": [0.0, 0.2], "t_max": [*TIMES, "1dur"]},
    "MultiStepWithWarmupScheduler": {"t_warmup": TIMES[:9], "milestones": [["7ba", "0.5dur"], ["3ep", "3ep", "4ba"]]},
    "ConstantWithWarmupScheduler": {"t_warmup": TIMES[:9], "alpha": [1.0, 0.5], "t_max": ENDS},
    "LinearWithWarmupScheduler": {"t_warmup": TIMES[:9], "alpha_i": [1.0, 2.0], "alpha_f": [0.0, 0.3], "t_max": ENDS},
    "CosineAnnealingWithWarmupScheduler": {"t_warmup": TIMES[:9], "alpha_f": [0.0, 0.1], "t_max": ENDS},
    "PolynomialWithWarmupScheduler": {"t_warmup": TIMES[:9], "power": [1.0, 2.5], "t_max": ENDS},
}


def said(name, arguments, run):
    text = ", ".join(f"{k}={v!r}" for k, v in arguments.items())
    return translate(read_call(f"composer.{name}({text})"), run)


@pytest.mark.parametrize("name", DRAWS)
def test_fifty_draws_of_a_scheduler_have_composer_s_numbers(name):
    draw = random.Random(name)
    worst, compared = 0.0, 0
    refused: list[str] = []
    for _ in range(50):
        arguments = {k: draw.choice(v) for k, v in DRAWS[name].items()}
        ratio = draw.choice([1.0, 1.0, 0.5, 2.0])
        if "t_warmup" in arguments and ratio != 1.0:
            arguments["scale_warmup"] = draw.choice([True, False])
        run = Run(lr=LR, length=STEPS, horizon=HORIZON, as_is=True)
        try:
            schedule = said(name, {**arguments, "ssr": ratio}, run)
        except InputError as refusal:
            refused.append(str(refusal))
            continue
        theirs = np.array([LR * alpha(name, arguments, t, ratio) for t in range(STEPS)])
        ours = schedule.bind(HORIZON).values()
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
        compared += 1
    assert compared >= 25
    assert [r for r in refused if "Composer raises a ValueError" not in r] == []
    assert worst <= 1e-12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("StepScheduler('10ep', gamma=0.5)", step(0.3, factor=0.5, every="10ep")),
        ("StepScheduler('10ep', gamma=0.5, ssr=0.5)", step(0.3, factor=0.5, every="5ep")),
        ("StepScheduler('4e3sp', gamma=0.5)", step(0.3, factor=0.5, every="4000samples")),
        ("MultiStepScheduler(['0.3dur', '0.5dur'])", multi_step(0.3, factor=0.1, at=["30%", "50%"])),
        ("MultiStepScheduler(['0.5dur', '0.5dur'])", piecewise([0.3, 0.3 * 0.1**2], at=["50%"])),
        ("ConstantScheduler()", constant(0.3)),
        ("LinearScheduler()", ramp(0.3, 0)),
        ("CosineAnnealingScheduler('1000tok', 0.5)", cosine(0.3, floor=0.15, over="1000tok")),
        ("CosineAnnealingWarmRestartsScheduler('10ba', 2)", warm_restarts(0.3, first=10, growth=2)),
        ("LinearWithWarmupScheduler('10ba')", ramp(0, 0.3, over=10) + ramp(0.3, 0)),
        ("CosineAnnealingWithWarmupScheduler('10ba', '100ba')", ramp(0, 0.3, over=10) + cosine(0.3, over=90)),
        ("CosineAnnealingWithWarmupScheduler('0ba')", cosine(0.3)),
        ("PolynomialWithWarmupScheduler('0.1dur', 1.0)", ramp(0, 0.3, over="10%") + linear(0.3)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_scheduler_is_said_as_a_person_would(text, expected):
    schedule = translate(read_call(f"composer.{text}"), Run(lr=0.3, length=100))

    horizon = Horizon(steps=100, steps_per_epoch=7, batch_size=64, tokens_per_step=100)
    np.testing.assert_array_equal(schedule.bind(horizon).values(), expected.bind(horizon).values())
    assert len(repr(schedule)) <= len(repr(expected)) + 30


def test_a_share_that_composer_cuts_down_is_said_in_updates():
    """int(0.29 · 100) is 28 to composer, since 0.29 · 100 is 28.999999999999996."""
    schedule = said("StepScheduler", {"step_size": "0.29dur"}, Run(lr=1.0, length=100))

    assert schedule == step(1.0, factor=0.1, every=28)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("StepScheduler", {"step_size": "ten"}, ["a time of composer's", "10ep"]),
        ("StepScheduler", {"step_size": 10}, ["a time of composer's"]),
        ("StepScheduler", {"step_size": "1.2.3ba"}, ["a time of composer's"]),
        ("StepScheduler", {"step_size": "1.5ep"}, ["a whole number of its unit"]),
        ("StepScheduler", {"step_size": "0ba"}, ["positive duration"]),
        ("StepScheduler", {"step_size": "9sp"}, ["a whole number of batches"]),
        ("StepScheduler", {"step_size": "9ba", "ssr": -1}, ["ssr", "positive"]),
        ("MultiStepScheduler", {"milestones": "9ba"}, ["a list of times"]),
        ("LinearWithWarmupScheduler", {"t_warmup": "9ba", "t_max": "800sp"}, ["count what t_warmup counts"]),
        ("LinearWithWarmupScheduler", {"t_warmup": "9ba", "t_max": "50ba"}, ["60 updates", "50ba"]),
        ("CosineAnnealingWarmRestartsScheduler", {"t_0": "9ba", "t_mult": 0.5}, ["every cycle an update"]),
        ("CosineAnnealingWarmRestartsScheduler", {"t_0": "80sp", "t_mult": 1.5}, ["must be in batches"]),
        ("LinearWithWarmupScheduler", {"t_warmup": "9ba", "scale_warmup": True, "ssr": 2.0}, ["plain bug", "--as-is"]),
    ],
)
def test_what_is_not_composer_s_or_is_its_bug_is_refused(name, arguments, words):
    with pytest.raises(InputError) as refused:
        said(name, arguments, Run(lr=LR, length=STEPS, horizon=HORIZON))

    for word in words:
        assert word in str(refused.value)


def test_scaled_epochs_need_the_length_of_an_epoch_where_they_are_not_whole():
    with pytest.raises(InputError, match="--steps-per-epoch"):
        said("StepScheduler", {"step_size": "1ep", "ssr": 0.5}, Run(lr=LR))

    schedule = said("StepScheduler", {"step_size": "1ep", "ssr": 0.5}, Run(lr=LR, length=STEPS, horizon=HORIZON))
    assert schedule == step(LR, factor=0.1, every=6)


def test_milestones_of_several_units_need_the_length_of_each():
    arguments = {"t_warmup": "5ba", "milestones": ["2ep"]}
    with pytest.raises(InputError, match="the length of an epoch"):
        said("MultiStepWithWarmupScheduler", arguments, Run(lr=LR, length=STEPS))

    schedule = said("MultiStepWithWarmupScheduler", arguments, Run(lr=LR, length=STEPS, horizon=HORIZON))
    assert schedule == ramp(0, LR, over=5) + multi_step(LR, factor=0.1, at=[19])
