"""ABEL drops after a bounce of the weight norm, at the maximum after a minimum, and once near the end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.feedback.shown import goes_on_from_json, is_its_notation, shown

from lrdecay.errors import InputError
from lrdecay.feedback.bounce import weight_norm_bounce
from lrdecay.schedule.horizon import Horizon


def observed(values):
    return [{"weight_norm": float(v)} for v in values]


def drops(values, **arguments):
    return [e.step for e in shown(weight_norm_bounce(**arguments), observed(values))[1]]


def test_it_drops_when_the_norm_falls_again_after_a_minimum():
    assert drops([5, 4, 3, 4, 5, 4.9, 4.8], last=None) == [6]


def test_a_norm_that_only_falls_rises_or_rises_first_has_not_bounced():
    assert drops([5, 4, 3, 2, 1], last=None) == []
    assert drops([1, 2, 3, 4, 5], last=None) == []
    assert drops([1, 2, 3, 2, 1, 0.5], last=None) == []


def test_each_bounce_is_one_drop():
    wave = np.cos(np.linspace(0, 6 * math.pi, 100)) + 2  # maxima at the ends of three periods, two of them inside
    assert len(drops(wave, last=None)) == 2


def test_equal_values_do_not_hide_an_extremum():
    assert drops([5, 4, 4, 5, 5, 5, 4], last=None) == [7]


def test_near_the_end_it_drops_once_and_not_at_every_look():
    multipliers, events = shown(weight_norm_bounce(factor=0.1), observed(np.linspace(5, 4, 100)))

    assert [e.step for e in events] == [90]
    assert multipliers[-1] == 0.1
    assert "last 10%" in events[0].why


def test_a_bounce_may_come_after_the_last_drop_began_and_both_at_once_count_twice():
    events = shown(weight_norm_bounce(last=5), observed([5, 4, 4.5, 5, 4, 3, 3, 3, 3, 3]))[1]

    assert [(e.step, e.after) for e in events] == [(5, 0.25)]
    assert "bounced" in events[0].why
    assert "; the last 5 of the run" in events[0].why


def test_it_looks_at_the_mean_of_an_epoch():
    horizon = Horizon(steps=40, steps_per_epoch=4)
    means = np.repeat([9, 7, 5, 7, 9, 8, 8, 8, 8, 8], 4)
    noisy = means + np.tile([1.0, -1.0, 1.0, -1.0], 10)
    _, events = shown(weight_norm_bounce(last=None), observed(noisy), horizon)

    assert [e.step for e in events] == [24]


def test_values_that_are_not_finite_are_passed_over():
    assert drops([5, math.nan, 4, 3, math.inf, 4, 5, math.nan, 4.9], last=None) == [9]


def test_a_negative_norm_is_refused():
    with pytest.raises(InputError, match="weight_norm"):
        drops([1.0, -1.0])


def test_it_goes_on_from_its_json_at_each_observation():
    wave = np.cos(np.linspace(0, 12, 200)) + 2
    wave[50] = math.nan

    assert goes_on_from_json(weight_norm_bounce(), observed(wave)) < 200
    assert goes_on_from_json(weight_norm_bounce(), observed(wave), Horizon(steps=200, steps_per_epoch=7)) < 300


def test_without_epochs_in_the_horizon_it_says_what_is_missing():
    with pytest.raises(InputError, match="what one epoch is"):
        shown(weight_norm_bounce(), observed([1.0]), Horizon(steps=10))


def test_it_is_its_notation():
    is_its_notation(weight_norm_bounce(factor=0.3, last=None, every=100))
    is_its_notation(weight_norm_bounce(last="2ep"))
