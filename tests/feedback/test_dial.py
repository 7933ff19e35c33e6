"""Schedule, rule and journal in one place: the rate is their product, and the state is all there is."""

from __future__ import annotations

import json
from typing import Any, final

import pytest
from attrs import field

from lrdecay.errors import InputError
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.rule import Decision, Observation, Rule, State, every_field, metric_field, rule
from lrdecay.schedule import Horizon, cosine

HORIZON = Horizon(steps=20)
RATES = cosine(0.1).bind(HORIZON).values()


@final
@rule
class dial_halves(Rule):  # noqa: N801
    """Halves at each observation above a bound."""

    bound: float = field(default=1.0)
    metric: str = metric_field("loss")
    every: Any = every_field()

    @property
    def needs(self) -> frozenset[str]:
        """The loss."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """How often it did."""
        return {"count": 0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Halve, or not."""
        if seen.values[self.metric] <= self.bound:
            return Decision(multiplier, own)
        return Decision(multiplier / 2, {"count": own["count"] + 1}, "above the bound")


def drive(dial: Dial, start: int = 0, stop: int = 20) -> list[float]:
    driven = []
    for t in range(start, stop):
        if t == 4:
            dial.add(dial.command({"do": "scale", "factor": 0.5}, 1, t))
        if t == 9:
            dial.add(dial.command({"do": "undo", "ramp": 2}, 2, t))
        driven.append(dial.rate(t))
        dial.observe(t + 1, {"loss": 3.0 if t % 7 == 3 else 0.0})
    return driven


def test_the_rate_is_the_edited_schedule_times_the_rules_multiplier() -> None:
    dial = Dial(RATES, HORIZON, dial_halves())
    driven = drive(dial)
    assert driven[:4] == RATES[:4].tolist()
    assert driven[4] == pytest.approx(RATES[4] * 0.5 * 0.5)  # the rule halved after update 3, the hand at 4
    assert driven[12] == RATES[12] * 0.25  # undone; the rule halved again after update 10
    assert dial.multiplier == 0.125


@pytest.mark.parametrize("at", range(1, 20))
def test_a_run_that_goes_on_from_its_state_is_the_run_that_was_not_interrupted(at: int) -> None:
    whole = drive(Dial(RATES, HORIZON, dial_halves()))
    first = Dial(RATES, HORIZON, dial_halves())
    head = drive(first, 0, at)
    state = json.loads(json.dumps(first.state(), allow_nan=False))
    second = Dial(RATES, HORIZON, dial_halves())
    second.load(state)
    assert head + drive(second, at) == whole


def test_an_edit_may_stand_at_a_step_that_is_still_to_come() -> None:
    dial = Dial(RATES, HORIZON)
    edit = dial.command({"do": "hold"}, 1, 10)
    dial.add(edit)
    assert [dial.rate(t) for t in range(10)] == RATES[:10].tolist()
    assert dial.remaining(10).tolist() == [RATES[10]] * 10


def test_a_state_is_not_shared_and_one_of_another_rule_is_refused() -> None:
    dial = Dial(RATES, HORIZON, dial_halves())
    state = dial.state()
    dial.observe(1, {"loss": 2.0})
    assert state["rule"]["state"]["multiplier"] == 1.0
    with pytest.raises(InputError, match="must be of the rule dial_halves"):
        Dial(RATES, HORIZON, dial_halves(bound=2.0)).load(state)
    with pytest.raises(InputError, match="must be of the rule None"):
        Dial(RATES, HORIZON).load(state)
    with pytest.raises(InputError, match="must hold a journal and a rule"):
        dial.load({"journal": []})


def test_without_a_rule_there_is_nothing_to_observe_and_a_rule_is_told_what_it_needs() -> None:
    with pytest.raises(InputError, match="must have a rule to be shown to"):
        Dial(RATES, HORIZON).observe(1, {"loss": 1.0})
    with pytest.raises(InputError, match=r"`observe\(loss=...\)` must be given"):
        Dial(RATES, HORIZON, dial_halves()).observe(1, {"accuracy": 1.0})
