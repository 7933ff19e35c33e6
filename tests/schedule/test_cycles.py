"""Places that divide their span: what they count, what they list, and what has no room."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lrdecay.schedule import Horizon, duration
from lrdecay.schedule.cycles import Halvings, Restarts, Triangles
from lrdecay.schedule.places import NoRoomError, Place
from lrdecay.schedule.shapes import CLOSED_SHAPES

H = Horizon(epochs=10, samples_per_epoch=50, batch_size=16)  # 31 updates (31.25 exactly), 3.125 to an epoch
LINEAR = CLOSED_SHAPES["linear"]


def rates(place: Place, start: Any = 0, end: Any = 10, until: int = 12) -> list[float]:
    return [float(r) for r in place.place(Fraction(start), Fraction(end), H)(np.arange(round(float(start)), until))]


def test_halvings_divide_the_span_and_hold_the_last() -> None:
    assert rates(Halvings(8.0), 0, 8, 11) == [8.0] * 3 + [4.0] * 2 + [2.0] * 6


def test_restarts_stand_on_their_own_span() -> None:
    place = Restarts(4.0, 0.0, LINEAR, duration(4), growth=1.0)
    assert rates(place, 2, 8, 10) == [4.0, 3.0, 2.0, 1.0, 4.0, 3.0, 2.0, 2.0]
    grown = Restarts(4.0, 0.0, LINEAR, duration(2), growth=2.0, shrink=0.5)
    assert rates(grown, 1, 7, 9) == [4.0, 2.0, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0]


def test_growth_of_a_hair_and_growth_of_one_agree_as_long_as_they_can() -> None:
    even = Restarts(1.0, 0.0, LINEAR, duration(5), growth=1.0).place(Fraction(0), Fraction(40), H)
    hair = Restarts(1.0, 0.0, LINEAR, duration(5), growth=1.01).place(Fraction(0), Fraction(40), H)
    assert even(np.arange(12)).tobytes() == hair(np.arange(12)).tobytes()


def test_growing_cycles_are_listed_and_there_are_few_of_them() -> None:
    place = Restarts(1.0, 0.0, LINEAR, duration(1), growth=1.01)
    segment: Any = place.place(Fraction(0), Fraction(2**53), H)
    assert len(segment.clock.edges) < 4000
    assert (np.diff(segment.clock.edges) > 0).all()


def test_triangles_rise_first_and_shrink_by_cycle() -> None:
    assert rates(Triangles(0.0, 4.0, duration(2), shrink=0.5), 0, 9) == [0, 2, 4, 2, 0, 1, 2, 1, 0, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    "place",
    [
        Halvings(1.0),
        Restarts(1.0, 0.0, LINEAR, duration(1), growth=1.0),
        Triangles(0.0, 1.0, duration(1)),
    ],
    ids=lambda p: type(p).__name__,
)
def test_a_span_without_an_update_is_refused(place: Place) -> None:
    with pytest.raises(NoRoomError):
        place.place(Fraction(5), Fraction(21, 4), H)


@pytest.mark.parametrize("growth", [1.0, 1.5])
def test_a_cycle_of_less_than_an_update_is_refused(growth: float) -> None:
    with pytest.raises(NoRoomError):
        Restarts(1.0, 0.0, LINEAR, duration("0.3ep"), growth).place(Fraction(0), Fraction(10), H)
