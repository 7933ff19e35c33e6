"""AutoDrop drops where the angular velocity has settled, and widens its threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.feedback.shown import goes_on_from_json, is_its_notation, shown

from lrdecay.errors import InputError
from lrdecay.feedback.autodrop import autodrop, step_period
from lrdecay.feedback.distance import distance_slope
from lrdecay.feedback.ruled import together
from lrdecay.feedback.wrappers import limited, rested
from lrdecay.schedule.horizon import Horizon

SATURATING = [90 * (1 - math.exp(-i / 3)) for i in range(30)]  # changes fall from 25° by a quarter each epoch


def observed(values):
    return [{"step_angle": float(v)} for v in values]


def test_it_drops_at_saturation():
    _, events = shown(autodrop(highest=1.0), observed(SATURATING))
    first = next(i for i in range(1, 30) if SATURATING[i] - SATURATING[i - 1] < 1)

    assert events[0].step == first + 1
    assert events[0].after == 0.5
    assert "< 1°" in events[0].why


def test_it_does_not_drop_while_the_angle_turns_faster():
    assert shown(autodrop(), observed(np.arange(0, 180, 1.5)))[1] == []


def test_the_threshold_widens_at_each_drop_up_to_the_highest_and_the_rate_stops_at_the_low():
    constant = observed([45.0] * 12)
    multipliers, events = shown(autodrop(factor=0.5, highest=3.0, low=0.1), constant)

    assert multipliers[:5] == [1.0, 0.5, 0.25, 0.125, 0.1]
    assert len(events) == 4
    assert [e.why.rpartition("< ")[2] for e in events] == ["1°", "2°", "3°", "3°"]


def test_more_changes_are_averaged_where_that_is_said():
    zigzag = observed([40, 40.5, 45, 45.5, 50, 50.5, 55])
    assert shown(autodrop(highest=1.0), zigzag)[1] != []
    assert shown(autodrop(highest=1.0, average=2), zigzag)[1] == []


def test_values_that_are_not_finite_are_passed_over():
    holes = [v for value in SATURATING for v in (value, math.nan)]
    assert shown(autodrop(), observed(holes))[0][::2] == shown(autodrop(), observed(SATURATING))[0]


@pytest.mark.parametrize("angle", [-1.0, 181.0])
def test_what_is_no_angle_is_refused(angle):
    with pytest.raises(InputError, match="step_angle"):
        shown(autodrop(), observed([angle]))


def test_it_goes_on_from_its_json_at_each_observation():
    values = [*SATURATING, math.nan, math.inf, *SATURATING]
    assert goes_on_from_json(autodrop(average=3), observed(values)) < 300
    assert goes_on_from_json(autodrop(), observed(values), Horizon(steps=62, steps_per_epoch=4)) < 300


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0}, {"highest": 0.5}, {"average": 0}, {"low": 0}, {"factor": 1.5}], ids=str
)
def test_arguments_out_of_range_are_refused_at_once(wrong):
    with pytest.raises(InputError, match=f"autodrop\\({next(iter(wrong))}=...\\)"):
        autodrop(**wrong)


def test_the_steps_whose_angle_it_reads_are_found_inside_of_other_rules():
    horizon = Horizon(steps=100, steps_per_epoch=7)
    inside = together((distance_slope(), limited(rested(autodrop(), over=3), drops=2)))

    assert step_period(inside, horizon) == 7
    assert step_period(autodrop(every=3), horizon) == 3
    assert step_period(distance_slope(), horizon) == 1
    with pytest.raises(InputError, match="the same"):
        step_period(autodrop() * autodrop(every=3), horizon)


def test_it_is_its_notation():
    is_its_notation(autodrop(factor=0.1, threshold=2, highest=20, average=3, every=50))
