"""Every schedule of the bank obeys every published law; and each law is broken by a schedule that breaks it."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank import BANK, HORIZON, bindable, horizons

import lrdecay.schedule.base as base
from lrdecay.schedule import Horizon, Schedule, constant, cosine
from lrdecay.schedule.base import Family, durations_field, family, peak_field
from lrdecay.schedule.places import Hold, Place
from lrdecay.testing import LAWS, LawError, check_schedule, check_translation

TEN = Horizon(steps=10)


@pytest.mark.parametrize("s", [s for _, s in BANK], ids=[i for i, _ in BANK])
def test_every_schedule_of_the_bank_obeys_every_law(s: Schedule) -> None:
    check_schedule(s, HORIZON)


@settings(max_examples=60)
@given(st.data())
def test_random_schedules_obey_every_law(data: st.DataObject) -> None:
    h = data.draw(horizons())
    check_schedule(data.draw(bindable(h)), h)


class Spoilt(Place):
    """A place whose segment is whatever it was given."""

    def __init__(self, segment: Any) -> None:
        self.segment = segment

    def place(self, start: Any, end: Any, horizon: Horizon) -> Any:
        return lambda t: self.segment(t, start)


def spoilt(segment: Any) -> Schedule:
    """A schedule of somebody's own that gives what ``segment(t, start)`` gives."""

    @final
    @family
    class own(Family):  # noqa: N801
        peak: Any = peak_field()
        over: Any = durations_field(default=None)

        def body(self) -> Place:
            return Spoilt(segment)

    return own(0.1)


@pytest.fixture(autouse=True)
def _families_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    base.FAMILIES.items()  # all are loaded, so that only those of a test are forgotten after it
    monkeypatch.setattr(base.FAMILIES, "_made", dict(base.FAMILIES._made))


def drifting(t: Any, start: Any, *, calls: list[int] = []) -> Any:  # noqa: B006  (a state outside is the fault)
    calls.append(1)
    return np.full(t.shape, float(len(calls)))


BREAKS = {
    "total": lambda t, start: np.full(t.shape, 0.5) - 0.1 * np.minimum(t, 10),
    "scalar": lambda t, start: np.full(t.shape, 0.1 + (t.size == 1)),
    "access": lambda t, start: np.arange(t.size, dtype=float).reshape(t.shape),
    "spelling": drifting,
    "value": drifting,
    "end": drifting,
    "join": lambda t, start: 1.0 / (1 + np.minimum(t, 25).astype(float)),
    "scale": drifting,
}


@pytest.mark.parametrize("law", sorted(BREAKS))
def test_a_law_is_broken_by_what_breaks_it(law: str) -> None:
    with pytest.raises(LawError, match=f"^{law}: own"):
        LAWS[law](spoilt(BREAKS[law]), TEN)


def test_the_law_of_prefixes_is_broken_by_what_differs_from_itself() -> None:
    with pytest.raises(LawError, match=r"^prefix: own"):
        LAWS["prefix"](spoilt(drifting), TEN)


def test_every_law_has_been_broken_here() -> None:
    assert set(LAWS) == {*BREAKS, "prefix"}


def test_a_family_of_ones_own_passes_if_it_is_right() -> None:
    @final
    @family
    class half(Family):  # noqa: N801
        peak: Any = peak_field()
        over: Any = durations_field(default=None)

        def body(self) -> Place:
            return Hold(self.peak / 2)

    check_schedule(half(0.1, over=7), TEN)


def test_a_translation_must_have_our_bits_in_its_own_precision() -> None:
    bound = cosine(0.1).bind(TEN)
    check_translation(lambda t: np.float32(bound(t)), bound)
    with pytest.raises(LawError, match=r"translation: .* at update 3"):
        check_translation(lambda t: np.float32(bound(t) * (1 + 1e-6 * (t == 3))), bound)
    with pytest.raises(LawError, match="float64, not float32"):
        check_translation(bound, bound)


def test_shares_of_the_whole_run_are_known_to_change_in_a_join() -> None:
    LAWS["join"](constant(0.1, over="50%"), TEN)
