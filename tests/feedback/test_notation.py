"""The text and the JSON of rules: both come back as what they were, and nothing else is read."""

from __future__ import annotations

import json

import pytest
from tests.feedback.bank import every_rule

from lrdecay.errors import InputError
from lrdecay.feedback.notation import is_ruled, parse_rule, parse_ruled, rule_from_json, ruled_from_json
from lrdecay.feedback.rule import Rule
from lrdecay.feedback.ruled import Ruled
from lrdecay.schedule.notation import parse

RULES = every_rule()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_rule_comes_back_from_its_text_and_from_its_json(rule: Rule) -> None:
    assert parse_rule(repr(rule)) == rule
    assert hash(parse_rule(repr(rule))) == hash(rule)
    assert rule_from_json(json.loads(json.dumps(rule.to_json(), allow_nan=False))) == rule


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("schedule", ["constant(0.1)", "warmup(500) + cosine(0.1)", "0.5 * cosine(0.1)"])
def test_a_schedule_under_a_rule_comes_back_too(rule: Rule, schedule: str) -> None:
    ruled = parse(schedule) * rule
    assert isinstance(ruled, Ruled)
    assert parse_ruled(repr(ruled)) == ruled
    assert ruled_from_json(json.loads(json.dumps(ruled.to_json(), allow_nan=False))) == ruled


def test_a_schedule_alone_is_a_schedule() -> None:
    assert parse_ruled("cosine(0.1)") == parse("cosine(0.1)")
    assert ruled_from_json(parse("cosine(0.1)").to_json()) == parse("cosine(0.1)")
    assert not is_ruled("cosine(0.1)")
    assert not is_ruled(3)
    assert not is_ruled("(((")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plateu()", "must be given a rule"),
        ("plateau(patienc=3)", "Did you mean `patience`?"),
        ("plateau(patience=3, patience=4)", "must be given each argument once"),
        ("plateau(*[1])", "must name the arguments"),
        ("plateau(delta=open('x'))", "must be a known rule"),
        ("plateau(delta=2 + 2j)", "must be"),
        ("cosine(0.1)", "must be given a rule"),
        ("cosine(0.1) * plateau()", "must be given a rule"),
        ("plateau() + plateau()", "must be a schedule times rules"),
        ("limited(" * 30 + "plateau()" + ", drops=1)" * 30, "nested at most 20"),
        ("together(rules=[1])", "must be"),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_rule(text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["plateau() * plateau()", "plateau() * cosine(0.1) * cosine(0.2)"])
def test_a_ruled_schedule_is_one_schedule_times_rules(text: str) -> None:
    with pytest.raises(InputError, match="must be one schedule times rules"):
        parse_ruled(text)


@pytest.mark.parametrize(
    "data", [3, {}, {"type": "moon"}, {"type": "plateau", "patience": "many"}, {"type": "together"}]
)
def test_json_that_is_no_rule_is_refused(data: object) -> None:
    with pytest.raises(InputError):
        rule_from_json(data)
