"""On logs of a known law the recommended schedule is nearly its best; where nothing is gained, none is recommended."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from tests.losslaws.planted import CONSTANT, LONG, PEAK, SHORT, curve, fitted, rates_of, truth

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.candidates import Family, families, nearest, unlikeness
from lrdecay.losslaws.cooldown_lengths import best_cooldown
from lrdecay.losslaws.forecaster import Difference, Prediction
from lrdecay.losslaws.recommending import chosen, difference_error, judged, recommend

REGRET = 0.002  # of 3; the law's miss is 0.006


@cache
def asked(short=SHORT, baseline=None):
    return recommend(fitted(short), 3000, warmup=50, baseline=baseline)


@cache
def true_losses():
    return {row.spec: truth(row.spec, 3000) for row in asked().rows}


def test_the_recommended_schedule_is_the_true_best_but_for_a_regret_below_the_laws_miss():
    found = asked(LONG, "warmup(50) + piecewise([0.1, 0.01], at=[500])")
    true = true_losses() | {found.baseline: truth(found.baseline, 3000)}

    assert found.spec == found.choice
    assert true[found.spec] - min(true.values()) < REGRET
    assert max(true.values()) - min(true.values()) > 20 * REGRET  # there was something to lose
    assert found.gain.value == pytest.approx(true[found.baseline] - true[found.spec], abs=REGRET)
    assert found.gain.value > found.error
    assert 0 < found.gain.low < found.gain.value < found.gain.high
    assert found.prediction.extrapolated  # 3000 updates, from logs of 2000
    assert [r.loss for r in found.rows] == sorted(r.loss for r in found.rows)


def test_specs_are_in_the_notation_and_bind_to_what_was_predicted():
    found = asked()
    rates = parse(found.choice).bind(Horizon(steps=3000)).values()

    assert fitted(SHORT).predict(rates, 50).loss == found.prediction.loss
    assert rates.max() == pytest.approx(PEAK)


def test_nothing_is_recommended_where_the_log_is_nearly_the_true_best():
    found, true = asked(LONG), true_losses()

    assert true[LONG] - min(true.values()) < found.error  # the right answer
    assert found.spec is None
    assert found.baseline == LONG
    assert "less than" in found.why


def test_nothing_is_recommended_against_a_baseline_that_is_the_choice():
    good, why = judged("a", "a", Difference(0.0, 0.0, 0.0), 0.01)
    assert not good
    assert "keep it" in why


def test_nothing_is_recommended_where_a_short_cooldown_leaves_the_gain_in_doubt():
    found, true = asked(SHORT), true_losses()

    assert found.baseline == SHORT
    assert found.spec is None
    assert found.gain.low <= 0
    assert "interval includes 0" in found.why
    assert found.gain.low < true[SHORT] - true[found.choice] < found.gain.high


def test_a_gain_whose_interval_includes_zero_is_not_recommended_and_the_sentence_says_so():
    assert judged("a", "b", Difference(0.02, -0.001, 0.041), 0.01) == (
        False,
        "a is predicted to end 0.0200 below b (90%: -0.0010 to 0.0410), and the interval includes 0.",
    )
    assert judged("a", "b", Difference(0.02, 0.001, 0.039), 0.03)[0] is False
    assert judged("a", "b", Difference(0.02, 0.001, 0.039), 0.01)[0] is True


@pytest.mark.parametrize(("off", "length"), [(1e-9, 35), (1e-4, 35), (1e-3, 40)])
def test_among_schedules_as_good_as_the_best_the_one_likest_the_log_ischosen(off, length):
    """The log cooled down for 30%; 40% is best; 35%, whose rates are .025 apart, may be worse by .025 of the miss."""
    among = [Family.of(f'wsd(0.1, warmup=50, cooldown="{n}%")', 1000, 50) for n in (30, 35, 40, 45)]
    said = [Prediction(3.0 + d, 2.9, 3.1, False, np.zeros(2)) for d in (0.01, off, 0.0, 0.0)]

    assert f'"{length}%"' in among[chosen(fitted(LONG), among, said)].spec


def test_the_error_of_differences_is_at_least_the_laws_miss():
    assert difference_error(fitted()) >= fitted().miss


# ---- lengths ----


def test_how_long_a_cooldown_is_told_by_every_length_and_the_least_is_the_true_one():
    rows = best_cooldown(fitted(), 2000, warmup=50)
    true = [truth(r.spec, 2000) for r in rows]

    assert [r.spec.split('"')[1] for r in rows] == [f"{n}%" for n in range(5, 95, 5)]
    assert true[int(np.argmin([r.loss for r in rows]))] - min(true) < REGRET
    assert all(r.low < r.loss < r.high for r in rows)


def test_lengths_that_do_not_fit_beside_the_warmup_are_left_out():
    assert [r.spec.split('"')[1] for r in best_cooldown(fitted(), 100, warmup=50)][-1] == "50%"
    assert all('"55%"' not in f.spec for f in families(PEAK, 50, 100))


def test_a_cooldown_that_multiplies_needs_a_floor():
    with pytest.raises(InputError, match="floor"):
        best_cooldown(fitted(), 1000, shape="exponential")
    assert "exponential" in best_cooldown(fitted(), 1000, shape="exponential", floor=0.1)[0].spec


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": 60, "warmup": 50}, {"steps": 1000, "warmup": -1}])
def test_horizons_that_hold_no_schedule_are_refused(wrong):
    with pytest.raises(InputError, match="recommend"):
        recommend(fitted(), **wrong)


# ---- candidates ----

AMONG = families(PEAK, 50, 1000)


@pytest.mark.parametrize(
    "text",
    [
        'wsd(0.1, warmup=50, cooldown="20%")',
        'wsd(0.1, warmup=50, cooldown="60%", shape="1-sqrt")',
        'wsd(0.1, warmup=50, cooldown="40%", floor=0.01)',
        "warmup(50) + cosine(0.1)",
        "warmup(50) + linear(0.1, floor=0.01)",
    ],
)
def test_the_nearest_family_of_a_log_is_its_own_at_another_horizon_too_and_where_its_end_was_not_logged(text):
    whole = curve(text, 2000)

    assert nearest([curve(CONSTANT, 3000), whole], AMONG).spec == text
    assert nearest([whole.until(1980)], AMONG).spec == text
    assert unlikeness([whole], rates_of(text, 900), 50) < 0.02


def test_a_log_like_no_family_has_no_nearest_and_the_cosine_is_the_baseline():
    steps = curve("warmup(50) + piecewise([0.1, 0.03], at=[300])", 2000)
    assert nearest([steps], AMONG) is None
    assert nearest([curve(CONSTANT, 2000)], AMONG) is None
    assert AMONG[0].spec == "warmup(50) + cosine(0.1)"


def test_a_constant_rate_and_a_line_to_zero_are_half_unlike():
    line = curve("linear(0.1)", 2000)
    assert unlikeness([line], Family.of("constant(0.1)", 500, 0).rates, 0) == pytest.approx(0.5, abs=0.03)
