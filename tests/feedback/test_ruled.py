"""A schedule under a rule, and rules side by side."""

from __future__ import annotations

import pytest
from tests.feedback.bank import losses, shown

from lrdecay.errors import InputError
from lrdecay.feedback.notation import parse_rule
from lrdecay.feedback.plateau_classic import classic_plateau
from lrdecay.feedback.ruled import Ruled, together
from lrdecay.schedule import constant, cosine

A, B = classic_plateau(patience=1), classic_plateau(patience=2, metric="accuracy", goal="max")


def test_times_joins_a_schedule_and_rules_from_either_side() -> None:
    assert cosine(0.1) * A == A * cosine(0.1) == Ruled(cosine(0.1), A)
    assert cosine(0.1) * A * B == cosine(0.1) * (A * B)
    assert (A * B) * A == A * (B * A)
    assert repr(constant(0.1) * A * B) == f"constant(0.1) * {A!r} * {B!r}"
    assert (A * B).needs == {"loss", "accuracy"}


def test_only_rules_and_schedules_are_multiplied() -> None:
    with pytest.raises(TypeError):
        A * 3
    with pytest.raises(InputError, match="two or more rules"):
        together((A,))


def test_the_multiplier_of_rules_together_is_the_product_of_theirs() -> None:
    run = losses([1.0] * 30)
    fast, slow = classic_plateau(patience=1, factor=0.5), classic_plateau(patience=4, factor=0.1)
    one, two, both = (shown(rule, run)[0] for rule in (fast, slow, fast * slow))
    assert both == pytest.approx([a * b for a, b in zip(one, two, strict=True)])


def test_drops_at_one_observation_are_told_as_one_event() -> None:
    rule = parse_rule("classic_plateau(patience=1) * classic_plateau(patience=1, factor=0.5)")
    _, events, _ = shown(rule, losses([1.0] * 3))
    assert [event.step for event in events] == [3]
    assert events[0].why.count("was not better") == 2
    assert events[0].after == pytest.approx(0.05)
