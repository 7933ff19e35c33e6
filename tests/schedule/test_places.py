"""Places: where a shape stands. Each node by its equation, and what has no room."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lrdecay.schedule import Horizon, duration
from lrdecay.schedule.places import (
    Clamp,
    Edge,
    Hold,
    Join,
    NoRoomError,
    Place,
    Progression,
    Ramp,
    Scale,
    Span,
    Warm,
)
from lrdecay.schedule.shapes import CLOSED_SHAPES, Shape, geometric_shape, inverse_shape

H = Horizon(epochs=10, samples_per_epoch=50, batch_size=16)  # 31 updates (31.25 exactly), 3.125 to an epoch
LINEAR = CLOSED_SHAPES["linear"]
HALVING = Shape(geometric_shape, (0.5,))


def rates(place: Place, start: Any = 0, end: Any = 10, until: int = 14) -> list[float]:
    """The first rates of a node on a span; updates before its start are not its to speak for."""
    first = round(float(start))
    return [float(r) for r in place.place(Fraction(start), Fraction(end), H)(np.arange(first, until))]


def edge(*texts: Any, before_end: bool = False) -> Edge:
    return Edge(tuple(duration(t) for t in texts), before_end)


def test_a_hold_is_one_value_everywhere() -> None:
    assert rates(Hold(0.3)) == [0.3] * 14


def test_a_ramp_reaches_its_end_at_its_last_boundary_and_stays() -> None:
    assert rates(Ramp(5.0, 1.0, LINEAR), 0, 4, 7) == [5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0]
    assert rates(Ramp(1.0, 5.0, LINEAR), 2, 6, 8) == [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]


def test_a_ramp_between_fractions_of_updates_rounds_each_boundary_once() -> None:
    ramp = Ramp(4.0, 0.0, LINEAR)
    assert rates(ramp, Fraction(3, 2), Fraction(11, 2), 8) == [4.0, 3.0, 2.0, 1.0, 0.0, 0.0]


def test_a_smooth_progression_divides_by_the_exact_tick() -> None:
    smooth = Progression(1.0, Shape(inverse_shape, (1.0,)), duration("1ep"))
    assert rates(smooth, 0, 10, 4) == pytest.approx([1 / (1 + t / 3.125) for t in range(4)], rel=1e-15)


def test_a_staircase_rounds_the_exact_position_of_each_tick_and_does_not_drift() -> None:
    stairs = Progression(1.0, HALVING, duration("1ep"), staircase=True)
    drops = [
        t for t, (a, b) in enumerate(zip(rates(stairs, 0, 40, 40), rates(stairs, 0, 40, 41)[1:], strict=False)) if b < a
    ]
    assert [t + 1 for t in drops] == [3, 6, 9, 13, 16, 19, 22, 25, 28, 31, 34, 38]  # 3.125 k, rounded half up


def test_a_progression_holds_from_its_end_on_and_a_tick_at_the_end_never_speaks() -> None:
    assert rates(Progression(8.0, HALVING, duration(5), staircase=True), 0, 10) == [8.0] * 5 + [4.0] * 9
    smooth = rates(Progression(8.0, HALVING, duration(1)), 0, 3, 6)
    assert smooth == [8.0, 4.0, 2.0, 1.0, 1.0, 1.0]


def test_a_warmup_starts_above_zero_and_hands_over_at_its_end() -> None:
    assert rates(Warm(duration(4), Hold(5.0)), 0, 10, 6) == [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
    warm = rates(Warm(duration(2), Ramp(6.0, 0.0, LINEAR)), 1, 6, 8)
    assert warm == [2.0, 4.0, 6.0, 4.0, 2.0, 0.0, 0.0]


def test_at_an_edge_of_a_join_the_new_part_speaks_on_its_own_clock() -> None:
    joined = Join((Ramp(4.0, 0.0, LINEAR), Ramp(8.0, 2.0, LINEAR), Hold(1.0)), (edge(4), edge(7)))
    assert rates(joined, 0, 10, 10) == [4.0, 3.0, 2.0, 1.0, 8.0, 6.0, 4.0, 1.0, 1.0, 1.0]


def test_parts_of_a_join_that_begin_at_or_after_its_end_never_speak() -> None:
    joined = Join((Ramp(4.0, 0.0, LINEAR), Hold(9.0), Hold(7.0)), (edge(4), edge(6)))
    assert rates(joined, 0, 4, 8) == [4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert rates(joined, 0, 2, 4) == [4.0, 2.0, 0.0, 0.0]


def test_an_edge_counts_from_the_start_or_back_from_the_end_and_sums_its_durations() -> None:
    start, end = Fraction(5), Fraction(31)
    assert edge(3).position(start, end, H) == 8
    assert edge("1ep", 2).position(start, end, H) == Fraction(25, 8) + 7
    assert edge("1ep", before_end=True).position(start, end, H) == 31 - Fraction(25, 8)
    assert edge("20%").position(start, end, H) == 5 + Fraction(25, 4)


def test_a_span_replaces_the_end_also_by_a_later_one() -> None:
    assert rates(Span(Ramp(4.0, 0.0, LINEAR), (duration(2), duration(2))), 0, 10, 6) == [4.0, 3.0, 2.0, 1.0, 0.0, 0.0]
    assert rates(Span(Ramp(8.0, 0.0, LINEAR), (duration(8),)), 0, 2, 4) == [8.0, 7.0, 6.0, 5.0]


def test_scale_and_clamp_act_on_the_numbers() -> None:
    ramp = Ramp(4.0, 0.0, LINEAR)
    assert rates(Scale(ramp, 0.5), 0, 4, 5) == [2.0, 1.5, 1.0, 0.5, 0.0]
    assert rates(Clamp(ramp, 1.5, 3.5), 0, 4, 5) == [3.5, 3.0, 2.0, 1.5, 1.5]


@pytest.mark.parametrize(
    ("place", "start", "end", "what"),
    [
        (Ramp(1.0, 0.0, LINEAR), 5, 5, "a ramp"),
        (Ramp(1.0, 0.0, LINEAR), 5, Fraction(27, 5), "a ramp"),
        (Ramp(1.0, 0.0, LINEAR), 6, 5, "a ramp"),
        (Progression(1.0, HALVING, duration(1)), 5, 5, "a decay"),
        (Warm(duration("0.1ep"), Hold(1.0)), 0, 10, "a warmup"),
        (Warm(duration(10), Hold(1.0)), 0, 10, "what follows the warmup"),
        (Warm(duration(11), Ramp(1.0, 0.0, LINEAR)), 0, 10, "what follows the warmup"),
        (Join((Hold(1.0), Hold(2.0), Hold(3.0)), (edge(5), edge("1ep"))), 0, 10, "a part"),
        (Join((Hold(1.0), Hold(2.0)), (edge(11, before_end=True),)), 0, 10, "a part"),
    ],
)
def test_a_part_without_an_update_to_speak_for_is_refused(place: Place, start: Any, end: Any, what: str) -> None:
    with pytest.raises(NoRoomError) as caught:
        place.place(Fraction(start), Fraction(end), H)
    assert caught.value.what == what
    assert caught.value.end <= caught.value.start
    assert caught.value.args == (what, caught.value.start, caught.value.end)


def test_nodes_are_equal_by_content_and_hashable() -> None:
    made = [Join((Hold(1.0), Ramp(1.0, 0.0, LINEAR)), (edge(5),)) for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made)) == 1
    assert made[0] != Join((Hold(1.0), Ramp(1.0, 0.0, LINEAR)), (edge(6),))
