"""To go on from a checkpoint: the past is the log's, the rest begins at its rate, and the choice is nearly the best."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from tests.losslaws.planted import CONSTANT, LONG, PEAK, fitted, rates_of, truth

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.extending import extend, logged_rates


@cache
def on(steps=4000, run=None, at=None):
    return extend(fitted(), steps, run=run, at=at)


@pytest.mark.parametrize(("run", "at"), [(None, None), (CONSTANT, 1000), (LONG, 1200)])
def test_the_past_is_the_logs_and_the_rest_begins_at_the_rate_logged_there(run, at):
    found, step = on(run=run, at=at), at or 2000
    past = rates_of(run or CONSTANT, 1500 if run == LONG else 2000)[:step]
    written = parse(found.choice).bind(Horizon(steps=4000)).values()

    assert (found.run, found.at) == (run or CONSTANT, step)
    assert found.rates[:step].tolist() == past.tolist()
    assert found.rates[step] == pytest.approx(past[-1], rel=1e-5)
    assert (np.diff(found.rates[step:]) <= 1e-12).all()
    assert np.abs(written[:step] - past).max() <= 0.005 * PEAK
    assert written[step:] == pytest.approx(found.rates[step:], abs=1e-12)
    alone = parse(found.rest).bind(Horizon(steps=4000 - step)).values()
    assert alone == pytest.approx(found.rates[step:], abs=1e-12)


def test_the_way_on_is_nearly_the_true_best_and_its_gain_over_stopping_is_the_true_one():
    found = on()
    past = "warmup(50) + constant(0.1, over=1950) + "
    best = min(truth(past + row.spec, 4000) for row in found.rows[:40])

    assert found.spec == found.choice
    assert truth(found.choice, 4000) - best < 0.002
    assert found.gain.value == pytest.approx(truth(found.stop, 2500) - truth(found.choice, 4000), abs=0.003)
    assert found.stop_steps == 2500  # a cooldown of 500 is a fifth of it
    assert found.gain.low > 0
    assert found.prediction.extrapolated


def test_some_updates_more_are_not_worth_it_and_it_is_said():
    found = on(2510)

    assert found.spec is None
    assert found.gain.value < found.error
    assert "less than" in found.why


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"steps": 2010}, "at least 2040"),
        ({"run": "constent"}, "must name a run"),
        ({"at": 2500}, "51 to 2000"),
        ({"at": 50}, "51 to 2000"),
        ({"run": LONG}, r"can still fall.*--extend-at 1073"),
    ],
)
def test_what_cannot_go_on_is_refused_with_what_to_do(asked, words):
    with pytest.raises(InputError, match=words):
        extend(fitted(), **{"steps": 4000, **asked})


def test_logged_rates_are_written_with_few_ramps():
    cosine = rates_of("warmup(50) + cosine(0.1)", 2000)[:1500]
    said = logged_rates(cosine, 50)

    assert np.abs(parse(said).bind(Horizon(steps=1500)).values() - cosine)[50:].max() <= 0.005 * PEAK
    assert said.count("ramp") < 12
    assert logged_rates(rates_of(CONSTANT, 300), 50) == "warmup(50) + constant(0.1, over=250)"
    steps = rates_of("piecewise([0.1, 0.01], at=[100])", 200)
    assert parse(logged_rates(steps, 0)).bind(Horizon(steps=200)).values() == pytest.approx(steps)
