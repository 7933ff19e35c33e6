"""`convert`: a peer's numbers here, and ours there; the same in Python, on the command line and in JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, cosine, linear, multi_step, ramp, step, warmup

COSINE = "torch.CosineAnnealingLR(T_max=100, eta_min=0.001)"


def test_torch_s_cosine_has_torch_s_numbers_in_the_json_of_show(capsys):
    assert run(["convert", COSINE, "--lr", "0.1", "--steps", "100", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["steps"] == 100
    assert lrdecay.parse(data["schedules"][0]["spec"]) == cosine(0.1, floor=0.001, over=100)
    expected = [0.001 + 0.099 * (1 + math.cos(math.pi * t / 100)) / 2 for t in range(100)]
    np.testing.assert_allclose(data["schedules"][0]["values"], expected, rtol=1e-12)


def test_the_table_says_the_notation_the_values_what_differs_and_the_end(capsys):
    assert run(["convert", "composer.LinearWithWarmupScheduler('10ba')", "--lr", "0.1", "--steps", "100"]) == 0

    first, steps, rates, *rest = capsys.readouterr().out.splitlines()
    assert lrdecay.parse(first) == ramp(0, 0.1, over=10) + ramp(0.1, 0)
    assert steps.split() == ["step", "0", "25", "50", "75", "99"]
    assert rates.split() == ["rate", "0", "0.0833333", "0.0555556", "0.0277778", "0.00111111"]
    assert any("differs: the warmup starts from 0" in line for line in rest)
    assert any("past its end: raises past t_max" in line for line in rest)


def test_without_a_length_only_the_notation_is_said(capsys):
    assert run(["convert", "composer.StepScheduler('10ep')", "--lr", "0.1"]) == 0

    assert capsys.readouterr().out.splitlines()[0] == 'step(0.1, factor=0.1, every="10ep")'


def test_units_are_placed_by_the_horizon(capsys):
    line = [
        "convert",
        "composer.StepScheduler('1ep')",
        "--lr",
        "1",
        "--epochs",
        "3",
        "--steps-per-epoch",
        "2",
        "--json",
    ]
    assert run(line) == 0

    assert json.loads(capsys.readouterr().out)["schedules"][0]["values"] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_python_says_the_same():
    done = lrdecay.convert("torch.MultiStepLR(optimizer, milestones=[30, 60], gamma=0.2)", lr=0.1, steps=90)

    assert done.schedule == multi_step(0.1, factor=0.2, at=[30, 60])
    assert done.bound == done.schedule.bind(Horizon(steps=90))
    assert [s.name for s in done.sayings] == ["MultiStepLR"]
    assert done.code == ""
    assert lrdecay.convert("StepLR(30)", lr=0.1, horizon=Horizon(steps=90)).schedule == step(0.1, factor=0.1, every=30)


def test_what_stands_inside_is_said_too(capsys):
    text = "torch.SequentialLR([LinearLR(0.1, total_iters=5), CosineAnnealingLR(95)], milestones=[5])"
    assert run(["convert", text, "--lr", "0.1", "--steps", "100"]) == 0

    out = capsys.readouterr().out
    assert "torch.SequentialLR, differs:" in out
    assert "torch.CosineAnnealingLR, past its end: bounces back up" in out


def test_a_plain_bug_is_refused_and_kept_as_a_table_on_request(capsys):
    text = "composer.ConstantWithWarmupScheduler('4ba', scale_warmup=True, ssr=2.0)"
    line = ["convert", text, "--lr", "1", "--steps", "8", "--json"]
    assert run(line) == 2
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1
    assert "a plain bug of composer" in refused
    assert "--as-is" in refused

    assert run([*line, "--as-is"]) == 0
    shown = json.loads(capsys.readouterr().out)["schedules"][0]
    assert shown["values"] == [0, 0.125, 0.25, 0.375, 1, 1, 1, 1]
    assert shown["spec"].startswith("tabulated(")


@pytest.mark.parametrize("library", ["torch", "keras", "optax", "transformers"])
def test_a_schedule_of_ours_is_printed_as_code(library, capsys):
    assert run(["convert", "warmup(10) + cosine(0.1)", "--to", library, "--steps", "100"]) == 0
    code = capsys.readouterr().out
    compile(code, library, "exec")
    assert code == lrdecay.convert(warmup(10) + cosine(0.1), library, steps=100).code

    assert run(["convert", "warmup(10) + cosine(0.1) @ 100", "--to", library, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["code"] == code
    assert data["steps"] == 100
    assert len(data["schedules"][0]["values"]) == 100


def test_a_peer_s_scheduler_is_printed_for_another_peer(capsys):
    assert run(["convert", "torch.StepLR(30)", "--lr", "0.1", "--steps", "90", "--to", "optax"]) == 0

    assert "optax.exponential_decay(init_value=0.1, transition_steps=30, decay_rate=0.1, staircase=True)" in (
        capsys.readouterr().out
    )


def test_a_schedule_that_carries_its_horizon_keeps_it_in_the_units_at_hand():
    done = lrdecay.convert("linear(0.1) @ 2ep", "torch", steps_per_epoch=50)

    assert done.bound is not None
    assert done.bound.steps == 100
    assert done.schedule == linear(0.1)
    assert "total_iters=100" in done.code


@pytest.mark.parametrize(
    ("scheduler", "given", "words"),
    [
        ("cosine(0.1)", {"steps": 9}, ["convert(to=...)", "schedule of ours", "--to"]),
        ("0.5 * cosine(0.1)", {"steps": 9}, ["schedule of ours"]),
        ("cosine(0.1)", {"to": "torch"}, ["--steps"]),
        ("cosine(0.1)", {"to": "jax", "steps": 9}, ["torch, keras, optax, transformers", "jax"]),
        ("cosine(peak)", {"to": "torch", "steps": 9}, ["stated peak"]),
        ("torch.StepLR(30)", {"lr": 0.0}, ["convert(lr=...)", "positive"]),
        ("torch.StepLR(30)", {}, ["convert(lr=...)", "--lr"]),
        ("torch.StepLR(30)", {"lr": 0.1, "to": "optax"}, ["--steps"]),
        ("torch.StepRL(30)", {"lr": 0.1}, ["Did you mean `torch.StepLR`?"]),
        ("torch.StepLR(30, gama=0.1)", {"lr": 0.1}, ["gama", "step_size, gamma"]),
        ("nothing at all", {"lr": 0.1}, ["the call of a scheduler"]),
        (3, {"lr": 0.1}, ["a text"]),
    ],
)
def test_what_cannot_be_converted_is_refused(scheduler, given, words):
    with pytest.raises(InputError) as refused:
        lrdecay.convert(scheduler, **given)

    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_json_wants_a_length():
    with pytest.raises(InputError, match="--steps"):
        lrdecay.convert("torch.StepLR(30)", lr=0.1).to_json()
