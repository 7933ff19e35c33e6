"""The laws that every schedule obeys: over the whole bank, and over random nested schedules on random horizons."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank import BANK, HORIZON, OPEN, bindable, horizons, spelled
from tests.twin import twin

from lrdecay.schedule import Duration, Schedule, common_prefix, constant, from_json, join, parse, same_values, warmup
from lrdecay.schedule.base import FAMILIES, Prefix
from lrdecay.schedule.duration import UNITS

bank = pytest.mark.parametrize("s", [s for _, s in BANK], ids=[i for i, _ in BANK])
FIXED = ("steps", "ep", "tok", "samples")  # units that do not depend on the length of the run
positions = st.one_of(st.integers(0, 3000), st.integers(0, 10**9), st.just(10**9))


def parts_of(node: Any) -> Iterator[Any]:
    """A schedule and everything it is made of, durations included."""
    yield node
    for a in fields(type(node)) if isinstance(node, Schedule | Prefix) else ():
        value = getattr(node, a.name)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Schedule | Prefix | Duration):
                yield from parts_of(inner)


def test_the_bank_holds_every_family_in_every_unit() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for _, s in BANK:
        nodes = list(parts_of(s))
        units = {n.unit for n in nodes if isinstance(n, Duration)}
        seen.update((type(n).__name__, u) for n in nodes if not isinstance(n, Duration) for u in units)
    assert {(family, unit) for family in FAMILIES for unit in UNITS} - set(seen) == set()
    assert len({i for i, _ in BANK}) == len(BANK)


def test_random_schedules_reach_every_family() -> None:
    seen: set[str] = set()

    @settings(max_examples=800)
    @given(spelled())
    def collect(s: Schedule) -> None:
        seen.update(type(n).__name__ for n in parts_of(s) if not isinstance(n, Duration))

    collect()
    assert set(FAMILIES) - seen == set()


@bank
def test_every_rate_is_finite_and_not_negative_also_past_the_end(s: Schedule) -> None:
    f = s.bind(HORIZON)
    for rates in (f.values(), f(np.array([HORIZON.steps, HORIZON.steps + 1, 10**9, 2**62]))):
        assert rates.dtype == np.float64
        assert np.isfinite(rates).all()
        assert (rates >= 0).all()
    assert f.values().shape == (HORIZON.steps,)


@bank
def test_the_fast_path_agrees_with_the_slow_twin_at_every_update(s: Schedule) -> None:
    fast = s.bind(HORIZON).values()
    slow = np.array([twin(s, HORIZON, t) for t in range(HORIZON.steps)])
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-15 * slow.max())


@bank
def test_a_scalar_evaluation_returns_the_bits_of_the_array(s: Schedule) -> None:
    f = s.bind(HORIZON)
    table = f.values()
    some = [*range(0, HORIZON.steps, 7), HORIZON.steps - 1]
    assert [f(t).hex() for t in some] == [float(table[t]).hex() for t in some]


@bank
def test_text_and_json_read_back_as_an_equal_value_with_the_same_hash_and_table(s: Schedule) -> None:
    by_text, by_json = parse(repr(s)), from_json(json.loads(json.dumps(s.to_json())))
    for again in (by_text, by_json):
        assert again == s
        assert hash(again) == hash(s)
        assert repr(again) == repr(s)
        assert again.to_json() == s.to_json()
        assert again.bind(HORIZON).values().tobytes() == s.bind(HORIZON).values().tobytes()


def test_different_spellings_in_the_bank_are_different_values() -> None:
    by_text: dict[str, Schedule] = {repr(s): s for _, s in BANK}
    assert len(set(by_text.values())) == len(by_text)
    assert len(by_text) == len(BANK)


@pytest.mark.parametrize("s", [s for _, s in OPEN], ids=[i for i, _ in OPEN])
def test_an_open_peak_reads_back_as_an_open_peak(s: Schedule) -> None:
    assert "peak" in repr(s)
    assert parse(repr(s)) == s
    assert from_json(json.loads(json.dumps(s.to_json()))) == s


@settings(max_examples=220)
@given(spelled())
def test_random_specs_round_trip_from_text_to_value_to_json_to_value_to_text(s: Schedule) -> None:
    text = repr(s)
    value = parse(text)
    encoded = json.dumps(value.to_json())
    again = from_json(json.loads(encoded))
    assert repr(again) == text
    assert s == value == again
    assert hash(s) == hash(value) == hash(again)


@settings(max_examples=250)
@given(st.data())
def test_random_schedules_agree_with_the_slow_twin(data: st.DataObject) -> None:
    h = data.draw(horizons())
    s = data.draw(bindable(h))
    f = s.bind(h)
    scale = max(f.values())
    assert np.isfinite(scale)
    some = data.draw(st.lists(positions, min_size=1, max_size=8))
    for t in [*some, 0, h.steps // 2, h.steps - 1, h.steps]:
        assert math.isclose(f(t), twin(s, h, t), rel_tol=1e-11, abs_tol=1e-15 * scale), (t, s, h)


@settings(max_examples=100)
@given(st.data())
def test_random_schedules_are_total_functions_and_scalars_are_the_bits_of_the_array(data: st.DataObject) -> None:
    h = data.draw(horizons())
    s = data.draw(bindable(h))
    for after in ("hold", "repeat"):
        f = s.bind(h, after=after)
        some = np.array(data.draw(st.lists(positions, min_size=1, max_size=20)), dtype=np.int64)
        rates = f(some)
        assert rates.dtype == np.float64
        assert np.isfinite(rates).all()
        assert (rates >= 0).all()
        assert [f(int(t)).hex() for t in some] == [float(r).hex() for r in rates]
        assert f(some.reshape(1, -1, 1)).tobytes() == rates.tobytes()
        assert f(some[::-1]).tobytes() == rates[::-1].tobytes()
        n = min(len(some), h.steps)
        assert f.values()[:n].tobytes() == f(np.arange(n)).tobytes()


@settings(max_examples=40)
@given(st.data())
def test_equal_schedules_have_equal_hashes_and_equal_tables(data: st.DataObject) -> None:
    h = data.draw(horizons())
    s = data.draw(bindable(h))
    again = parse(repr(s))
    assert again == s
    assert len({again, s}) == 1
    assert same_values(s, again, h)
    assert common_prefix(s, again, h) == h.steps
    assert s.bind(h) == again.bind(h)


@settings(max_examples=80)
@given(st.data())
def test_a_join_takes_the_new_part_at_its_boundary_on_its_own_clock(data: st.DataObject) -> None:
    h = data.draw(horizons()).lasting(steps=data.draw(st.integers(60, 1000)))
    k = data.draw(st.integers(20, h.steps - 20))
    new = data.draw(bindable(h.lasting(steps=h.steps - k), units=FIXED))
    alone = new.bind(h.lasting(steps=h.steps - k))
    for both in (join(constant(0.5), new, at=[k]), constant(0.5, over=k) + new):
        f = both.bind(h)
        assert f(k - 1) == 0.5
        assert f(k) == alone(0)
        assert f.values()[k:].tobytes() == alone.values().tobytes()


@settings(max_examples=80)
@given(st.data())
def test_a_warmup_wastes_no_update_and_reaches_the_first_rate_exactly_at_its_end(data: st.DataObject) -> None:
    h = data.draw(horizons()).lasting(steps=data.draw(st.integers(60, 1000)))
    n = data.draw(st.integers(1, h.steps - 20))
    s = data.draw(bindable(h.lasting(steps=h.steps - n), units=FIXED))
    alone = s.bind(h.lasting(steps=h.steps - n))
    f = (warmup(n) + s).bind(h)
    assert f(n) == alone(0)
    assert f(0) == pytest.approx(alone(0) / (n + 1), rel=1e-15)
    assert f.values()[n:].tobytes() == alone.values().tobytes()
    np.testing.assert_allclose(f.values()[:n], alone(0) * np.arange(1, n + 1) / (n + 1), rtol=1e-14)
