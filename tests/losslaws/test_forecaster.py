"""Predictions, their intervals, differences, held-out folds and the choice of a law."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from tests.losslaws.planted import CONSTANT, LONG, SHORT, curve, fitted, rates_of, truth

from lrdecay.errors import InputError
from lrdecay.losslaws.choosing import LAWS, choose
from lrdecay.losslaws.forecaster import forecaster
from lrdecay.losslaws.heldout import folds_of
from lrdecay.losslaws.noise import MISSES, PIECES, noise_of


def test_a_planted_final_loss_is_inside_its_interval_and_the_interval_has_a_width():
    said = fitted().predict(rates_of('wsd(0.1, warmup=50, cooldown="50%")', 2000), 50)
    assert said.low < truth('wsd(0.1, warmup=50, cooldown="50%")', 2000) < said.high
    assert said.high - said.low > MISSES * said.loss


def test_curves_that_no_law_fits_widen_the_interval_in_proportion():
    quiet = fitted()
    rng = np.random.default_rng(0)
    noisy = [
        evolve(c, losses=c.losses * np.exp(0.05 * rng.standard_normal(len(c.losses))))
        for c in (curve(CONSTANT, 2000), curve(LONG, 1500))
    ]
    off = forecaster(noisy, "multi_power")
    rates = rates_of(SHORT, 2000)
    assert quiet.miss == MISSES
    assert off.miss > 10 * MISSES
    one, other = quiet.predict(rates, 50), off.predict(rates, 50)
    assert other.high - other.low > 3 * (one.high - one.low)


def test_a_difference_turns_with_its_sides_and_is_nothing_of_a_schedule_to_itself():
    made = fitted()
    one, other = (made.predict(rates_of(text, 2000), 50) for text in (SHORT, LONG))
    there, back = made.difference(one, other), made.difference(other, one)
    assert there.value == -back.value
    assert there.low < there.value < there.high
    same = made.difference(one, one)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_what_is_longer_or_falls_deeper_than_every_log_is_extrapolated():
    made = fitted()
    assert not made.predict(rates_of(SHORT, 2000), 50).extrapolated
    assert made.predict(rates_of(SHORT, 2100), 50).extrapolated
    shallow = forecaster([curve("warmup(50) + linear(0.1, floor=0.05)", 2000)], "momentum")
    assert shallow.predict(rates_of(SHORT, 2000), 50).extrapolated


def test_near_equal_fits_are_those_of_their_seed():
    logs = [curve(CONSTANT, 2000), curve(SHORT, 1500)]
    once, again, other = (forecaster(logs, "momentum", seed) for seed in (1, 1, 2))
    assert np.array_equal(once.thetas, again.thetas)
    assert not np.array_equal(once.thetas, other.thetas)


def test_ends_are_held_out_of_every_curve_and_whole_curves_only_where_two_stay():
    logs = [curve(CONSTANT, 2000), curve(SHORT, 1500), curve(LONG, 1500)]
    for count, whole in ((1, 0), (2, 0), (3, 3)):
        folds = folds_of(logs[:count])
        assert sum(w for _, _, w in folds) == whole
        assert len(folds) == count + whole
        for kept, out, is_whole in folds:
            inside = [c for c in kept if c.name == out.name]
            assert len(kept) == (count - 1 if is_whole else count)
            assert all(c.last < out.steps[0] for c in inside)
            assert not (is_whole and inside)


def test_two_curves_choose_no_law_and_a_named_law_is_taken():
    logs = [curve(CONSTANT, 2000), curve(LONG, 1500)]
    assert choose(logs).chosen.fit.law is LAWS[0]
    assert choose(logs, "functional").chosen.fit.law.name == "functional"
    with pytest.raises(InputError, match="law"):
        choose(logs, "linear")


def test_residuals_are_worth_their_noise_what_they_share_and_what_laws_miss():
    log = evolve(curve(CONSTANT, 2000, every=4))
    rng = np.random.default_rng(0)
    white = 0.01 * rng.standard_normal(len(log.steps))
    shared = white.copy()
    for i in range(1, len(shared)):
        shared[i] += 0.9 * shared[i - 1]
    alone, together = noise_of([log], white), noise_of([log], shared)
    assert alone.sd[0] == pytest.approx(0.01, rel=0.1)
    assert alone.shared[0] < 2
    assert together.shared[0] > 8
    silent = noise_of([log], 0 * white)
    assert silent.scale == pytest.approx(MISSES * np.sqrt(len(white) / PIECES), rel=1e-2)
