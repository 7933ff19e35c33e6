"""Plans in text and JSON: what is written is read back the same, and nothing is ever executed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    bound_from_json,
    cosine,
    discriminative,
    group,
    grow_batch,
    layerwise,
    multi_step,
    one_cycle_plan,
    parse_plan,
    piecewise,
    plan,
    plan_from_json,
    ramp,
    warmup,
)
from lrdecay.schedule.plan_notation import is_plan, parse_plan_spec

PLANS = [
    plan(lr=0.1),
    plan(lr=cosine(0.1, floor=0.001), momentum=0.9, weight_decay=5e-4),
    plan(lr="warmup(5) + cosine(3e-4)", beta1=0.9, beta2=0.95, weight_decay=0.1, weight_decay_times="lr/peak"),
    plan(lr=cosine(0.1), momentum=ramp(0.95, 0.85, over="30%") + ramp(0.85, 0.95)),
    plan(lr=cosine(0.1), weight_decay=cosine(0.1), weight_decay_times="1", groups={"*": group()}),
    plan(lr=0.5 * cosine(0.1), batch_size=8),
    plan(lr=cosine(0.1), batch_size=piecewise([8, 16, 12], at=["50%", "80%"])),
    plan(
        lr=cosine(0.1),
        momentum=0.9,
        weight_decay=0.1,
        groups={
            'odd "label"\\': group(match=["*.bias", "n?rm.*"], weight_decay=0),
            "head.*": group(scale=10, lr=warmup(3) + cosine(0.2), momentum=0.5, frozen_until="1ep"),
        },
        layers=layerwise(0.75, layers=3, unfreeze="1ep", stack="encoder"),
    ),
    plan(lr=0.1, layers=discriminative(0.01, 2, layers=2)),
    plan(lr=0.1, layers=discriminative(0.01, layers=2)),
    grow_batch(plan(lr=multi_step(0.1, factor=0.2, at=["1ep"]), momentum=0.9), 64),
    grow_batch(plan(lr=cosine(0.1)), 64, every="1ep"),
    one_cycle_plan(0.1, three_phase=True, weight_decay=0.1),
]
H = Horizon(epochs=4, samples_per_epoch=100, batch_size=8)


@pytest.mark.parametrize("p", PLANS, ids=repr)
def test_a_plan_survives_its_text_and_its_json(p):
    assert parse_plan(repr(p)) == p
    assert plan_from_json(json.loads(json.dumps(p.to_json()))) == p
    assert hash(parse_plan(repr(p))) == hash(p)


@pytest.mark.parametrize("p", PLANS, ids=repr)
def test_a_bound_plan_survives_its_json(p):
    bound = p.bind(H)
    again = bound_from_json(json.loads(json.dumps(bound.to_json())))

    assert again == bound
    assert (again.horizon, again.groups, again.names) == (bound.horizon, bound.groups, bound.names)
    for label in bound.groups:
        for name in bound.names:
            np.testing.assert_array_equal(again.values(name, label), bound.values(name, label))


def test_the_text_equals_the_python_call():
    text = 'plan(lr=warmup(5) + cosine(0.1), weight_decay=0.1, groups={"*.bias": group(weight_decay=0)})'
    assert parse_plan(text) == plan(
        lr=warmup(5) + cosine(0.1), weight_decay=0.1, groups={"*.bias": group(weight_decay=0)}
    )
    assert parse_plan(f"\n  {text}  ") == parse_plan(text)
    assert parse_plan('plan(lr="cosine(0.1)")') == plan(lr=cosine(0.1))
    assert parse_plan("one_cycle_plan(0.1, weight_decay=0.01)") == one_cycle_plan(0.1, weight_decay=0.01)


def test_a_plan_may_carry_its_horizon():
    made, length = parse_plan_spec("plan(lr=cosine(0.1)) @ 60ep")
    assert (made, str(length)) == (plan(lr=cosine(0.1)), "60ep")
    assert parse_plan_spec('plan(lr=0.1, groups={"a@b": group()})')[1] is None
    with pytest.raises(InputError, match="not a share"):
        parse_plan_spec("plan(lr=0.1) @ 5%")


def test_a_plan_is_told_from_a_schedule_by_its_first_word():
    assert is_plan(" plan(lr=0.1)")
    assert is_plan("grow_batch (plan(lr=0.1), 5)")
    assert not is_plan("cosine(0.1)")
    assert not is_plan(3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan(lr=)", "must be given a plan"),
        ("plan(", "must be given a plan"),
        ("cosine(0.1)", "must be a plan"),
        ("plam(lr=0.1)", "Did you mean `plan`"),
        ("0.1", "must be given a plan"),
        ("plan(0.1)", "must be called as plan"),
        ("plan()", "must be called as plan"),
        ("plan(lr=cosin(0.1))", "Did you mean `cosine`"),
        ("plan(lr=0.1, momentun=0.9)", "Did you mean `momentum`"),
        ("plan(lr=0.1, lr=0.2)", "given once|must be given a plan"),
        ("plan(**{})", "by name"),
        ("plan(lr=__import__('os').system('true'))", "notation of a schedule|known schedule"),
        ('plan(lr=0.1, groups={"a": group(where=1)})', "known argument"),
        ("plan(lr=0.1, groups={1: group()})", "labels in quotes"),
        ('plan(lr=0.1, groups={"a": 3})', "must be group"),
        ("plan(lr=0.1, groups=group())", "must be a dictionary"),
        ("grow_batch(group(), 64)", "part of a plan"),
        ("plan(lr=0.1, layers=layerwise(0.5))", "must be called as layerwise"),
        ("plan(lr=0.1, layers=3)", "must be layerwise"),
        ("plan(lr=" + "0.1 + " * 300 + "0.1)", "notation|fewer parts"),
        ("plan(lr=[[[[[[[[[[[[0.1]]]]]]]]]]]])", "nested less deeply"),
        ("x" * 30_000, "at most 20000 characters"),
        ("plan(lr=1e999)", "a number >= 0"),
        (b"plan(lr=0.1)", "must be given a text"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=message) as refused:
        parse_plan(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"type": "cosine", "peak": 0.1},
        {"type": "plan"},
        {"type": "plan", "lr": 0.1, "groups": []},
        {"type": "plan", "lr": 0.1, "groups": {"a": {"where": "x"}}},
        {"type": "plan", "lr": 0.1, "layers": {"type": "plan"}},
        {"type": "plan", "lr": 0.1, "layers": 0.5},
        {"type": "plan", "lr": [0.1]},
        {"type": "plan", "lr": 0.1, "every": "1ep"},
    ],
)
def test_json_that_is_no_plan_is_refused(data):
    with pytest.raises(InputError):
        plan_from_json(data)
    with pytest.raises(InputError):
        bound_from_json(data)


def test_a_group_chosen_by_a_function_cannot_be_saved():
    made = plan(lr=0.1, groups={"vectors": group(where=lambda _name, p: p.ndim < 2, scale=2)})
    with pytest.raises(InputError, match="must be left out of what is saved"):
        made.to_json()
