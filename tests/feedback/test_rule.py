"""The laws of every rule: state that is JSON, resuming anywhere, purity; and what ``every`` means."""

from __future__ import annotations

import copy
import json
import math

import pytest
from tests.feedback.bank import HORIZON, every_rule, losses, observations, shown

from lrdecay.errors import InputError
from lrdecay.feedback.notation import parse_rule
from lrdecay.feedback.rule import Observation, Rule, better
from lrdecay.schedule.horizon import Horizon

LAW = pytest.mark.parametrize("rule", every_rule(), ids=repr)


@LAW
def test_the_state_is_strict_json_from_the_first_to_the_last_observation(rule: Rule) -> None:
    state = rule.init()
    assert state["multiplier"] == 1.0
    for seen in observations(rule, 120):
        assert json.loads(json.dumps(state, allow_nan=False)) == state
        state = rule.update(seen, state).state


@LAW
def test_resuming_from_json_at_any_observation_changes_nothing(rule: Rule) -> None:
    run = observations(rule, 90)
    multipliers, events, end = shown(rule, run)
    for cut in range(0, 90, 7):
        state = json.loads(json.dumps(shown(rule, run[:cut])[2]))
        went_on, later, last = shown(rule, run[cut:], state)
        assert went_on == multipliers[cut:]
        assert later == [event for event in events if event.step > cut]
        assert last == end


@LAW
def test_an_update_does_not_touch_the_state_it_is_given(rule: Rule) -> None:
    state = rule.init()
    for seen in observations(rule, 60):
        before = copy.deepcopy(state)
        after = rule.update(seen, state).state
        assert state == before
        again = rule.update(seen, state).state
        assert again == after
        state = after


@LAW
def test_the_multiplier_is_a_positive_number_and_is_what_the_state_says(rule: Rule) -> None:
    state = rule.init()
    for seen in observations(rule, 120, seed=1):
        response = rule.update(seen, state)
        state = response.state
        assert response.multiplier == state["multiplier"]
        assert math.isfinite(response.multiplier)
        assert response.multiplier > 0


@LAW
def test_an_event_says_what_changed_and_why(rule: Rule) -> None:
    state = rule.init()
    for seen in observations(rule, 120, seed=2):
        response = rule.update(seen, state)
        if response.event is not None:
            assert response.event.before == state["multiplier"] != response.event.after == response.multiplier
            assert response.event.kind == ("drop" if response.event.after < response.event.before else "rise")
            assert response.event.step == seen.step
            assert response.event.why
            assert json.loads(json.dumps(response.event.to_json(), allow_nan=False))["why"] == response.event.why
        state = response.state


@LAW
def test_what_it_needs_must_be_observed(rule: Rule) -> None:
    with pytest.raises(InputError, match="must be given for") as refused:
        rule.update(Observation(1, {"weather": 1.0}, 0.1, HORIZON), rule.init())
    assert "\n" not in str(refused.value)


def test_a_rule_with_a_period_is_shown_the_mean_of_each_at_its_end() -> None:
    rule = parse_rule('classic_plateau(patience=0, threshold=0, every="1ep")')  # 10 updates
    run = losses([float(t) for t in range(1, 41)])
    state, bests, dropped = rule.init(), [], []
    for seen in run:
        response = rule.update(seen, state)
        state = response.state
        bests.append(state["own"]["best"])
        dropped += [seen.step] if response.event else []
    assert bests[8] is None
    assert bests[9] == 5.5  # the mean of 1 to 10
    assert dropped == [20, 30, 40]


def test_a_late_observation_ends_the_period_it_falls_behind_and_the_next_one_keeps_its_place() -> None:
    rule = parse_rule("classic_plateau(patience=0, every=10)")
    state = rule.init()
    ends = []
    for t in (4, 13, 17, 19, 20, 44, 49, 50):
        before = state["own"]
        state = rule.update(Observation(t, {"loss": 1.0}, 0.1, HORIZON), state).state
        ends += [t] if state["own"] != before or state["window"]["counts"] == {} else []
    assert ends == [13, 20, 44, 50]


def test_a_mean_is_of_the_finite_values_and_nan_where_there_is_none() -> None:
    rule = parse_rule("classic_plateau(patience=0, every=2)")
    _, _, state = shown(rule, losses([math.nan, 3.0]))
    assert (state["own"]["best"], state["own"]["skipped"]) == (3.0, 0)
    _, _, state = shown(rule, losses([math.nan, math.inf]))
    assert (state["own"]["best"], state["own"]["skipped"]) == (None, 1)


def test_a_duration_is_counted_on_the_runs_horizon_and_is_at_least_one_update() -> None:
    seen = Observation(1, {}, 0.1, Horizon(steps=100, steps_per_epoch=10))
    from lrdecay.schedule.duration import duration

    assert [seen.length(duration(d)) for d in ("1ep", "5%", 7, "0.1%")] == [10, 5, 7, 1]


def test_better_is_by_more_than_a_margin_and_never_nan() -> None:
    assert better(1.0, None, "min")
    assert not better(math.nan, None, "min")
    assert not better(0.9, 1.0, "min", by=0.1 + 1e-12)
    assert better(-2.0, -1.0, "min", by=0.5)
    assert better(1.2, 1.0, "max", by=0.1)
    assert not better(math.inf, 1.0, "max")
