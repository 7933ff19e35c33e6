"""SASA+ drops where the mean of Δ cannot be told from 0, and its interval is right for correlated values."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from tests.feedback.shown import goes_on_from_json, is_its_notation, shown

from lrdecay.errors import InputError
from lrdecay.feedback.leaky import empty, estimate, poured
from lrdecay.feedback.sasa import sasa
from lrdecay.feedback.student import two_sided


def observed(values):
    return [{"stationarity": float(v)} for v in values]


def autocorrelated(rng, phi, shape):
    """AR(1) from its stationary distribution; shape (..., n)."""
    found = rng.normal(size=shape)
    found[..., 0] /= math.sqrt(1 - phi**2)
    for i in range(1, shape[-1]):
        found[..., i] += phi * found[..., i - 1]
    return found


def test_it_drops_where_the_run_is_stationary_and_starts_over_after():
    _, events = shown(sasa(least=100), observed(np.random.default_rng(0).normal(size=6000)))

    assert [e.kind for e in events[:2]] == ["drop", "drop"]
    assert events[0].after == pytest.approx(0.1)
    assert events[0].step >= 8 * 100
    assert all(b.step - a.step >= 800 for a, b in pairwise(events))
    assert all(e.step % 100 == 0 for e in events)
    assert "stationary: the mean of the last" in events[0].why


def test_it_does_not_drop_while_the_mean_is_away_from_zero():
    for mean in (0.5, -0.5):
        _, events = shown(sasa(least=100), observed(np.random.default_rng(1).normal(mean, 1.0, size=6000)))
        assert events == []


def test_there_is_no_test_unless_more_than_the_least_are_kept():
    noise = observed(np.random.default_rng(2).normal(size=8000))
    _, early = shown(sasa(), noise[:8000])
    _, small = shown(sasa(least=100), noise)

    assert early == []  # the last eighth of 8,000 is 1,000, which is not more than 1,000
    assert small


def test_a_mean_that_crosses_zero_within_the_window_is_no_stationarity():
    crossing = np.random.default_rng(3).normal(np.r_[np.full(500, 0.3), np.full(500, -0.3)], 0.1)
    rule = sasa(leak=1, least=100, test_every=1000)

    assert shown(rule, observed(crossing))[1] == []
    assert shown(sasa(leak=1, least=100, test_every=1000, halves=False), observed(crossing))[1] != []


def test_nothing_moving_is_not_called_stationary():
    assert shown(sasa(least=100), observed(np.zeros(3000)))[1] == []


def test_values_that_are_not_finite_are_passed_over():
    noise = np.random.default_rng(4).normal(size=3000)
    holes = [v for value in noise for v in (value, math.nan, math.inf)]
    without, _ = shown(sasa(least=100), observed(noise))
    with_holes, _ = shown(sasa(least=100), observed(holes))

    assert with_holes[::3] == without
    assert without[-1] < 1


@pytest.mark.parametrize("variance", ["bm", "olbm", "iid"])
def test_it_goes_on_from_its_json_at_each_observation_and_the_state_stays_small(variance):
    noise = np.random.default_rng(5).normal(-0.02, 1.0, size=2500)
    noise[[7, 400]] = math.nan, -math.inf
    rule = sasa(least=100, variance=variance)

    assert goes_on_from_json(rule, observed(noise)) < 25_000
    assert shown(rule, observed(noise))[1] != []


@pytest.mark.parametrize(("variance", "phi"), [("bm", 0.0), ("bm", 0.9), ("olbm", 0.0), ("olbm", 0.9)])
def test_the_interval_covers_at_its_level_also_where_values_are_correlated(variance, phi):
    replications, n = 400, 1008
    series = autocorrelated(np.random.default_rng(6), phi, (replications, n))
    hits = 0
    for x in series:
        cells = x.reshape(-1, 2).mean(axis=1)
        found = estimate({"poured": n, "size": 2, "cells": cells.tolist(), "open": [0.0, 0]}, variance)
        hits += abs(found.mean) < two_sided(0.05, found.dof) * found.error

    assert 0.90 - 0.015 <= hits / replications <= 0.98  # bench/sasa_coverage.py has the sharp numbers


def test_taking_correlated_values_for_independent_ones_covers_in_a_third():
    series = autocorrelated(np.random.default_rng(7), 0.9, (200, 504))
    hits = 0
    for x in series:
        bucket = {"poured": 504, "size": 1, "cells": x.tolist(), "open": [0.0, 0]}
        found = estimate(bucket, "iid")
        hits += abs(found.mean) < two_sided(0.05, found.dof) * found.error

    assert hits / 200 < 0.45


def test_the_cells_of_a_bucket_give_the_same_estimate_as_one_filled_value_by_value():
    x = np.random.default_rng(8).normal(size=600)
    bucket = empty()
    for value in x:
        bucket = poured(bucket, float(value), 1)

    assert bucket["size"] == 2
    assert bucket["cells"] == pytest.approx(x.reshape(-1, 2).mean(axis=1).tolist())


@pytest.mark.parametrize(
    "wrong",
    [
        {"significance": 0.0},
        {"significance": 1},
        {"variance": "mb"},
        {"least": 10},
        {"leak": 0},
        {"test_every": 1.5},
        {"factor": 2},
        {"exponent": 1.0},
        {"halves": 1},
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused_at_once(wrong):
    with pytest.raises(InputError, match=f"sasa\\({next(iter(wrong))}=...\\)"):
        sasa(**wrong)


def test_it_is_its_notation():
    is_its_notation(sasa())
    is_its_notation(sasa(factor=0.5, significance=0.01, variance="olbm", halves=False, exponent=0.5, every=3))
