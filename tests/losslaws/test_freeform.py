"""The free form stays in its trust region, gains where there is something to gain, and is left out otherwise."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
from tests.losslaws.planted import PEAK, fitted, rates_of, truth

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.freeform import KNOTS, LEAST, _places, freeform

TRUSTED, POOR = 'wsd(0.1, warmup=50, cooldown="35%")', "warmup(50) + linear(0.1)"


@cache
def found(trusted=TRUSTED, factor=2.0):
    return freeform(fitted(), trusted, 3000, warmup=50, factor=factor)


@pytest.mark.parametrize("trusted", [TRUSTED, POOR])
def test_rates_fall_and_stay_within_the_factor_of_the_trusted_ones_and_below_the_peak(trusted):
    new, old = found(trusted).rates, rates_of(trusted, 3000)
    at = _places(old[50:], KNOTS)[:-1].astype(int) + 50

    assert (np.diff(new[50:]) <= 1e-12).all()
    assert new.max() <= PEAK * (1 + 1e-9)
    assert (new[at] >= old[at] / 2 * (1 - 1e-5)).all()
    assert (new[at] <= np.maximum(old[at], LEAST * PEAK) * 2 * (1 + 1e-5)).all()
    assert (new <= np.maximum(old, LEAST * PEAK) * 2.05).all()  # between the knots, too
    assert new[:50].tolist() == old[:50].tolist()


def test_the_spec_is_what_was_predicted():
    rates = parse(found(POOR).found).bind(Horizon(steps=3000)).values()
    assert rates.tolist() == found(POOR).rates.tolist()
    assert found(POOR).prediction.loss == fitted().predict(rates, 50).loss


def test_around_a_poor_schedule_the_gain_is_real_and_kept():
    free = found(POOR)
    assert free.spec == free.found
    assert free.gain.value > free.error
    assert truth(POOR, 3000) - truth(free.found, 3000) == pytest.approx(free.gain.value, abs=0.003)


def test_around_the_best_of_the_family_the_gain_is_within_the_error_of_differences_and_refused():
    free = found()
    assert free.spec is None
    assert (
        -1e-4
        < free.gain.value
        < free.error
        == pytest.approx(fitted().miss * fitted().predict(rates_of(TRUSTED, 3000), 50).loss)
    )
    assert "the parametric family is enough" in free.why


def test_a_wider_region_is_no_worse_and_a_factor_of_one_changes_next_to_nothing():
    assert found(POOR, 1.0).gain.value == pytest.approx(0.0, abs=2e-3)
    assert found(POOR, 4.0).prediction.loss < found(POOR, 2.0).prediction.loss < found(POOR, 1.0).prediction.loss


def test_a_search_takes_less_than_two_seconds_of_the_processor():
    begun = time.process_time()
    freeform(fitted(), POOR, 50_000, warmup=50)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("trusted", "wrong", "says"),
    [
        (POOR, {"knots": 1}, "knots"),
        (POOR, {"factor": 0.9}, "factor"),
        (POOR, {"warmup": 990}, "warmup"),
        ("piecewise([0.05, 0.1], at=[100])", {}, "must not rise"),
        ("linear(0.2)", {}, "must not rise above the logs' peak"),
    ],
)
def test_what_cannot_be_searched_is_refused(trusted, wrong, says):
    with pytest.raises(InputError, match=says):
        freeform(fitted(), trusted, 1000, **wrong)
