"""Joins: by lengths or stated boundaries, and with the value carried over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    at_peak,
    constant,
    cosine,
    exponential,
    from_json,
    join,
    linear,
    parse,
    peak,
    peak_of,
    ramp,
    same_values,
    step,
    token_power,
    warmup,
)
from lrdecay.schedule.peaks import is_open

H = Horizon(steps=100, steps_per_epoch=10, tokens_per_step=1000)


def test_without_boundaries_a_join_is_the_chain_of_its_parts() -> None:
    a, b, c = constant(0.1, over=20), linear(0.4, over="3ep"), cosine(0.2)
    assert same_values(join(a, b, c), a + b + c, H)
    assert repr(join(a, c)) == "join(constant(0.1, over=20), cosine(0.2))"


def test_a_carried_part_begins_exactly_where_the_one_before_it_had_got_to() -> None:
    s = join(linear(0.4, floor=0.1), cosine(7, floor=1), step(3, factor=0.5, every=20), at=[30, 50], carry=True)
    f = s.bind(H)
    plain = cosine(7, floor=1).bind(Horizon(steps=20))
    assert f(30) == 0.1
    np.testing.assert_allclose(f.values()[30:50], plain.values() / 7 * 0.1, rtol=1e-14)
    assert f(29) > f(30) > f(31)


def test_the_last_part_of_a_run_goes_on_from_the_value_not_from_its_own() -> None:
    f = join(exponential(0.1, factor=0.95), step(1, factor=0.1, every="2ep"), at=["50%"], carry=True).bind(H)
    reached = 0.1 * 0.95**50
    assert f.values()[50:].tolist() == pytest.approx(
        [reached] * 20 + [reached / 10] * 20 + [reached / 100] * 10, rel=1e-13
    )


def test_carrying_goes_on_through_all_parts() -> None:
    halves = [ramp(5, 2.5) for _ in range(4)]
    f = join(ramp(1, 0.5), *halves, at=[20, 40, 60, 80], carry=True).bind(H)
    assert [f(t) for t in (0, 20, 40, 60, 80, 100)] == [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]


def test_the_cooldown_of_the_token_rule_carries_on_from_it() -> None:
    stable = token_power(0.02, a=4, b=0.5, batch=1, warmup="5%")
    s = join(stable, exponential(1, factor=0.1, every="10%"), at=["90%"], carry=True)
    law = 4 * 90_000**-0.5
    assert [s.bind(H)(t) for t in (89, 90, 100)] == pytest.approx([4 * 89_000**-0.5, law, law / 10], rel=1e-13)


def test_only_the_first_part_of_a_carried_join_is_moved() -> None:
    s = join(constant(peak), cosine(7), at=[30], carry=True)
    assert (is_open(s), peak_of(s)) == (True, None)
    assert at_peak(s, 0.2) == join(constant(0.2), cosine(7), at=[30], carry=True)
    assert peak_of(at_peak(s, 0.2)) == 0.2 == at_peak(s, 0.2).bind(H).values().max()


def test_it_reads_as_it_is_written() -> None:
    s = join(constant(0.1), cosine(1), at=[5], carry=True, over="9%")
    assert repr(s) == 'join(constant(0.1), cosine(1.0), at=[5], carry=True, over="9%")'
    assert parse(repr(s)) == from_json(s.to_json()) == s
    assert s != join(constant(0.1), cosine(1), at=[5], over="9%")


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (
        lambda: join(cosine(0.1), cosine(0.1)),
        "`join(at=...)` must be given where a part has no end of its own",
    ),
    (lambda: join(cosine(0.1)), "`join(a, b)` must be given two or more schedules, got [cosine(0.1)]."),
    (lambda: join(), "`join(a, b)` must be given two or more schedules, got []."),
    (
        lambda: join(constant(0.1), cosine(peak), at=[5], carry=True),
        "`join(carry=True)` must have stated peaks in all parts but the first, got cosine(peak). The",
    ),
    (
        lambda: join(constant(0.1), cosine(0.1), at=[5], carry=1),  # type: ignore[arg-type]
        "`join(carry=...)` must be True or False, got 1.",
    ),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_join_is_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("s", "said"),
    [
        (
            join(constant(0.1), ramp(0, 1), at=[30], carry=True),
            "must be followed by parts that begin above 0, got 0.0.",
        ),
        (join(linear(0.1), constant(1), at=[30], carry=True), "must have a value above 0 to carry over, got 0.0. All "),
    ],
    ids=repr,
)
def test_nothing_is_carried_from_or_to_a_rate_of_zero(s: Schedule, said: str) -> None:
    with pytest.raises(InputError) as caught:
        s.bind(H)
    assert str(caught.value).startswith(f"`join(carry=True)` {said}")
    assert "step 30" in str(caught.value)


def test_a_warmup_in_a_carried_part_begins_at_the_value_too() -> None:
    f = join(constant(0.1), warmup(4) + constant(1), at=[30], carry=True).bind(H)
    assert f.values()[30:36].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5])
