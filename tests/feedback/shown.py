"""A rule shown a list of observations, and that it goes on from its JSON at each of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lrdecay.feedback.notation import parse_rule, rule_from_json
from lrdecay.feedback.rule import Event, Observation, Rule
from lrdecay.schedule.horizon import Horizon


def shown(
    rule: Rule, seen: Sequence[Mapping[str, float]], horizon: Horizon | None = None, rate: float = 1.0
) -> tuple[list[float], list[Event]]:
    """The multiplier after each observation, made after updates 1, 2, ..., and the events."""
    horizon = horizon or Horizon(steps=max(1, len(seen)), steps_per_epoch=1)
    state, multipliers, events = rule.init(), [], []
    for t, values in enumerate(seen, 1):
        said = rule.update(Observation(t, values, rate * state["multiplier"], horizon), state)
        state = said.state
        multipliers.append(said.multiplier)
        events += [] if said.event is None else [said.event]
    return multipliers, events


def goes_on_from_json(rule: Rule, seen: Sequence[Mapping[str, float]], horizon: Horizon | None = None) -> int:
    """Check it at each observation, strictly, and that no state is changed in place; gives the largest JSON's size."""
    horizon = horizon or Horizon(steps=max(1, len(seen)), steps_per_epoch=1)
    whole: Any = rule.init()
    resumed, largest = rule.init(), 0
    for t, values in enumerate(seen, 1):
        text = json.dumps(resumed, allow_nan=False)
        largest = max(largest, len(text))
        kept = copy.deepcopy(whole) if t < 300 else None
        a = rule.update(Observation(t, values, whole["multiplier"], horizon), whole)
        b = rule.update(Observation(t, values, whole["multiplier"], horizon), json.loads(text))
        assert kept is None or whole == kept, "a state was changed in place"
        assert a == b, t
        whole, resumed = a.state, b.state
    json.dumps(resumed, allow_nan=False)
    return largest


def is_its_notation(rule: Rule) -> None:
    """It is read back from its text and from its JSON."""
    assert parse_rule(repr(rule)) == rule
    assert rule_from_json(json.loads(json.dumps(rule.to_json()))) == rule
