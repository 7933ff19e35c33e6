"""What is put around a rule: when it looks, how often it drops, how low it goes."""

from __future__ import annotations

import pytest
from tests.feedback.bank import losses, shown

from lrdecay.errors import InputError
from lrdecay.feedback.notation import parse_rule

FLAT = losses([1.0] * 60)  # after the first, every observation is bad
BARE = "classic_plateau(factor=0.5, patience=1)"  # drops at 3, 5, 7, ...


def drops(text: str) -> list[int]:
    return [event.step for event in shown(parse_rule(text), FLAT)[1]]


def test_bare_it_drops_at_every_second_bad_observation() -> None:
    assert drops(BARE)[:4] == [3, 5, 7, 9]


def test_delayed_it_sees_nothing_before_its_time() -> None:
    assert drops(f'delayed({BARE}, over="2ep")')[:3] == [22, 24, 26]  # its first observation is that of update 20


def test_rested_it_sees_nothing_after_a_drop() -> None:
    assert drops(f"rested({BARE}, over=10)")[:3] == [3, 14, 25]  # 13 and 14 are bad again


def test_limited_it_drops_so_often_and_then_stands() -> None:
    multipliers, events, _ = shown(parse_rule(f"limited({BARE}, drops=2)"), FLAT)
    assert [event.step for event in events] == [3, 5]
    assert multipliers[-1] == 0.25


def test_floored_it_goes_to_the_floor_and_tells_nothing_more() -> None:
    multipliers, events, _ = shown(parse_rule(f"floored({BARE}, low=0.3)"), FLAT)
    assert [event.after for event in events] == [0.5, 0.3]
    assert min(multipliers) == multipliers[-1] == 0.3


def test_wrappers_nest() -> None:
    assert drops(f"limited(rested(delayed({BARE}, over=20), over=10), drops=2)") == [22, 33]


def test_a_product_in_a_wrapper_is_wrapped_whole() -> None:
    multipliers, events, _ = shown(parse_rule(f"limited({BARE} * {BARE}, drops=1)"), FLAT)
    assert [event.step for event in events] == [3]
    assert multipliers[-1] == 0.25


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("limited(plateau(), drops=0)", "`limited(drops=...)` must be a positive integer"),
        ("floored(plateau(), low=0)", "`floored(low=...)` must be in (0, 1]"),
        ("delayed(3, over=10)", "`delayed(inner)` must be given a rule"),
        ('rested(plateau(), over="10 moons")', "`rested(over=...)`"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_rule(text)
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)
