"""A schedule on a horizon: a total function with a stated end."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    constant,
    cosine,
    inverse_time,
    linear,
    parse,
    peak,
    scale,
    step,
    warmup,
    wsd,
)

H = Horizon(steps=10)


def test_values_are_the_whole_run_in_float64() -> None:
    f = linear(1).bind(H)
    assert f.values().dtype == np.float64
    assert f.values().shape == (f.steps,) == (10,)
    assert f.values().tolist() == [f(t) for t in range(10)]


def test_a_float_for_an_integer_an_array_for_an_array() -> None:
    f = linear(1).bind(H)
    for t in (3, np.int64(3), np.uint8(3), np.array(3)):
        assert type(f(t)) is float  # type: ignore[arg-type]
        assert f(t) == 0.7  # type: ignore[arg-type]
    for t in ([3, 4], (3, 4), np.array([3, 4], dtype=np.uint16), np.array([3, 4], dtype=np.uint64)):
        assert f(t).tolist() == [0.7, 0.6]  # type: ignore[call-overload]
    assert f(np.zeros((2, 0, 3), dtype=np.int64)).shape == (2, 0, 3)
    assert f(np.arange(6).reshape(2, 3).T).shape == (3, 2)


@pytest.mark.parametrize(
    "spec",
    [
        'wsd(0.1, warmup=20, cooldown=200, shape="1-sqrt")',
        "warmup(5) + join(step(0.1, factor=0.5, every=7), linear(0.3), at=[100])",
        'warm_restarts(0.1, first="0.333ep", floor=0.01, shrink=0.9)',
        "warm_restarts(0.1, first=10, growth=1.5)",
        'triangular(0.01, high=0.1, half_cycle="1.1ep", scale="halve")',
    ],
)
def test_values_have_the_same_bits_in_order_out_of_order_and_one_by_one(spec: str) -> None:
    f = parse(spec).bind(Horizon(steps=1000, steps_per_epoch=39))
    order = np.random.default_rng(0).permutation(1000)
    assert f.values()[order].tobytes() == f(order).tobytes()
    assert f.values().reshape(50, 20).tobytes() == f(np.arange(1000).reshape(50, 20)).tobytes()
    assert f.values().tolist() == [f(t) for t in range(1000)]


def test_by_default_the_rate_holds_what_it_was_heading_for() -> None:
    f = cosine(0.1, floor=0.02).bind(H)
    assert f.after == "hold"
    assert f(10) == f(11) == f(10**9) == f(2**63 - 1) == 0.02
    assert wsd(0.1, warmup=2, cooldown=3).bind(H)(10**9) == 0.0
    assert step(0.1, factor=0.5, every=5).bind(H)(10) == 0.05


@given(st.integers(0, 10**9))
def test_repeat_starts_over_from_the_beginning(t: int) -> None:
    f = (warmup(2) + cosine(0.1)).bind(H, after="repeat")
    assert f(t) == f(t % 10) == f.values()[t % 10]


def test_raise_refuses_every_update_past_the_end_and_none_before() -> None:
    f = linear(1).bind(H, after="raise")
    assert len(f.values()) == 10
    for t in (10, 10**9, [0, 5, 10]):
        with pytest.raises(InputError, match=r"must be before the end of the horizon, step 10, got 10"):
            f(t)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "t",
    [
        *(
            -1,
            -(2**70),
            2**63,
            10**30,
            1.0,
            1.5,
            float("nan"),
            "3",
            None,
            True,
            1j,
            object(),
            np.float64(3),
            np.uint64(2**63),
        ),
        *([1, -1], [1.0], [[1], [1, 2]], np.array([True]), np.arange(-50, 5000), np.array(["a"]), [None], []),
    ],
    ids=lambda t: repr(t)[:20],
)
def test_what_is_no_update_index_is_refused_in_one_line(t: Any) -> None:
    with pytest.raises(InputError, match=r"^`schedule\(t\)` must be given update indices, integers >= 0") as caught:
        linear(1).bind(H)(t)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("s", [cosine(peak), warmup(2) + linear(peak), 0.5 * step(peak, factor=0.5, every=2)], ids=repr)
def test_an_open_peak_has_no_numbers(s: Schedule) -> None:
    with pytest.raises(InputError) as caught:
        s.bind(H)
    assert str(caught.value).startswith(f"`{s!r}` must have a stated peak before it can be evaluated, got 'peak'.")


@pytest.mark.parametrize(
    ("horizon", "after", "said"),
    [
        (10, "hold", "`bind(horizon=...)` must be a Horizon, got 10. Write Horizon(steps=10_000)."),
        (None, "hold", "`bind(horizon=...)` must be a Horizon, got None."),
        (H, "hodl", "`bind(after=...)` must be one of hold, repeat, raise, got 'hodl'. Did you mean `hold`?"),
        (H, None, "`bind(after=...)` must be one of hold, repeat, raise, got None."),
        (H, ["hold"], "`bind(after=...)` must be one of hold, repeat, raise, got ['hold']."),
    ],
)
def test_binding_to_what_is_no_horizon_or_end_policy_is_refused(horizon: Any, after: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        constant(0.1).bind(horizon, after)
    assert str(caught.value).startswith(said)


def test_a_rate_that_overflows_is_refused_when_it_is_asked_for() -> None:
    f = scale(constant(1e200), 1e200).bind(H)
    for ask in (lambda: f(0), f.values):
        with pytest.raises(InputError, match="must give finite rates, got inf"):
            ask()


def test_an_infinity_on_the_way_to_a_rate_is_none() -> None:
    assert inverse_time(0.1, rate=1e308).bind(H).values().tolist() == [0.1, 0.1 / (1 + 1e308), *[0.0] * 8]


def test_a_bound_schedule_is_frozen_and_equal_by_what_it_was_bound_from() -> None:
    f = linear(1).bind(H)
    assert f == linear(1).bind(Horizon(steps=10))
    assert hash(f) == hash(linear(1).bind(H))
    assert repr(f) == "Bound(schedule=linear(1.0), horizon=Horizon(steps=10), after='hold')"
    assert len({f, linear(1).bind(H, "repeat"), linear(1).bind(Horizon(steps=11)), linear(2).bind(H)}) == 4
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        f.after = "repeat"  # type: ignore[misc]


def test_a_run_of_a_billion_updates_costs_nothing_until_it_is_asked() -> None:
    f = (warmup("1%") + cosine(0.1)).bind(Horizon(steps=10**9))
    assert f(10**7) == 0.1
    assert f(10**9) == 0.0
    assert f(np.array([0, 10**7, 10**9 - 1])).shape == (3,)
