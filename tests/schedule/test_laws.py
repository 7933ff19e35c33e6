"""What holds of the bank itself, and of schedules beyond the published laws (``tests/testing``)."""

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

from lrdecay.schedule import Duration, Schedule, from_json, parse, warmup
from lrdecay.schedule.base import Prefix
from lrdecay.schedule.duration import UNITS
from lrdecay.schedule.register import HOMES

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
    assert {(family, unit) for family in HOMES for unit in UNITS} - set(seen) == set()
    assert len({i for i, _ in BANK}) == len(BANK)


def test_random_schedules_reach_every_family() -> None:
    seen: set[str] = set()

    @settings(max_examples=600)
    @given(spelled())
    def collect(s: Schedule) -> None:
        seen.update(type(n).__name__ for n in parts_of(s) if not isinstance(n, Duration))

    collect()
    assert set(HOMES) - seen == set()


@bank
def test_the_fast_path_agrees_with_the_slow_twin_at_every_update(s: Schedule) -> None:
    fast = s.bind(HORIZON).values()
    slow = np.array([twin(s, HORIZON, t) for t in range(HORIZON.steps)])
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-15 * slow.max())


def test_different_spellings_in_the_bank_are_different_values() -> None:
    by_text: dict[str, Schedule] = {repr(s): s for _, s in BANK}
    assert len(set(by_text.values())) == len(by_text)
    assert len(by_text) == len(BANK)


@pytest.mark.parametrize("s", [s for _, s in OPEN], ids=[i for i, _ in OPEN])
def test_an_open_peak_reads_back_as_an_open_peak(s: Schedule) -> None:
    assert "peak" in repr(s)
    assert parse(repr(s)) == s
    assert from_json(json.loads(json.dumps(s.to_json()))) == s


@settings(max_examples=120)
@given(spelled())
def test_random_specs_round_trip_from_text_to_value_to_json_to_value_to_text(s: Schedule) -> None:
    text = repr(s)
    value = parse(text)
    encoded = json.dumps(value.to_json())
    again = from_json(json.loads(encoded))
    assert repr(again) == text
    assert s == value == again
    assert hash(s) == hash(value) == hash(again)


@settings(max_examples=150)
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
