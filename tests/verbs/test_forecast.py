"""`forecast`: what it says of runs of a planted law is true, and what logs cannot say it refuses or tells."""

from __future__ import annotations

import json

import numpy as np
import pytest
from attrs import evolve
from tests.losslaws.planted import truth
from tests.verbs.planted_logs import SHORT, pair

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.losslaws.choosing import Choice
from lrdecay.verbs.forecast import of_fit
from lrdecay.verbs.forecast_schedules import Scheduled, predicted

COSINE = "warmup(50) + cosine(peak)"


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return pair(tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="module")
def found(logs):
    return lrdecay.forecast(
        logs, predict=[COSINE, SHORT, f"{SHORT} @ 4000"], steps=2000, recommend=True, target=2.9, law="multi_power"
    )


@pytest.fixture(scope="module")
def known(logs):
    return lrdecay.forecast(logs, predict=[COSINE, f"{COSINE} @ 1000"], law="momentum")


def without_time(found):
    data = found.to_json()
    del data["provenance"]
    return data


def test_final_losses_are_those_of_the_law_that_made_the_logs_and_inside_their_intervals(found):
    for p in found.predictions:
        true = truth(p.spec, p.length)
        assert p.prediction.loss == pytest.approx(true, abs=0.01)
        assert p.prediction.low < true < p.prediction.high


def test_a_length_is_the_specs_own_else_the_one_given_else_the_longest_logs(found, known):
    assert [p.length for p in found.predictions] == [2000, 2000, 4000]
    assert [p.length for p in known.predictions] == [2000, 1000]
    assert any("as long as the longest log, 2000 updates" in note for note in known.notes)


def test_an_open_peak_is_the_logs(found):
    assert found.predictions[0].spec == "warmup(50) + cosine(0.1)"
    assert found.predictions[0].warmup == 50


def test_what_is_longer_than_every_log_is_extrapolated_and_wider(found):
    _, near, far = (p.prediction for p in found.predictions)

    assert not near.extrapolated
    assert far.extrapolated
    assert far.high - far.low > near.high - near.low
    assert any("extrapolated" in note for note in found.notes)


def test_a_lower_peak_and_a_run_shorter_than_the_first_logged_loss_are_extrapolated(found):
    for spec, steps, told in (("linear(0.05)", 2000, True), ("linear(0.095)", 2000, False), ("linear(0.1)", 20, True)):
        one = Scheduled(spec, lrdecay.parse(spec).bind(lrdecay.Horizon(steps=steps)).values())
        assert predicted(found.forecaster, one).prediction.extrapolated is told, spec

    low = predicted(found.forecaster, Scheduled("linear(0.05)", 0.05 * (1 - np.arange(2000) / 2000)))
    assert any(
        "linear(0.05): peaks below the logs' 0.1" in n for n in of_fit(found.forecaster, [low], 1, given_lengths=1)
    )


def test_differences_are_to_the_lowest_and_narrower_than_levels(found):
    best = min(found.predictions, key=lambda p: p.prediction.loss)
    data = found.to_json()

    assert found.best is best
    assert found.to_best(best) is None
    assert [d["minus"] for d in data["differences"]] == [best.spec] * 2
    for d, p in zip(data["differences"], [p for p in found.predictions if p is not best], strict=True):
        assert d["value"] == pytest.approx(p.prediction.loss - best.prediction.loss)
        assert d["interval"][0] < d["value"] < d["interval"][1]


def test_the_recommendation_is_drawn_and_the_target_is_reached_where_the_law_says(found):
    advice, target = found.recommendation, found.target

    (advised,) = found.answers.made
    assert advised.spec == repr(lrdecay.parse(advice.choice))
    assert advised.prediction.loss == pytest.approx(advice.prediction.loss)
    assert found.drawn == (*found.predictions, advised)
    assert target.spec == advice.spec or target.spec == advice.baseline
    assert truth(target.spec, target.reach.updates) == pytest.approx(2.9, abs=0.01)
    assert found.next_runs
    assert all(s.cost > 0 and 0 < s.share <= 1 for s in found.next_runs)


def test_json_has_the_keys_of_the_issue_and_is_what_the_value_says(found):
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))

    assert list(data)[:3] == ["law", "heldout_error", "fits"]
    assert {"predictions", "recommendation", "target_steps", "differences", "notes", "provenance"} < set(data)
    first = data["predictions"][0]
    assert set(first) == {"spec", "steps", "final_loss", "interval", "extrapolated"}
    p = found.predictions[0].prediction
    assert (first["final_loss"], first["interval"]) == (p.loss, [p.low, p.high])
    assert data["law"] == "multi_power"
    assert 0 < data["heldout_error"] < 0.02
    (fit,) = data["fits"]
    assert fit["chosen"]
    assert set(fit["parameters"]) == {"L0", "A", "alpha", "B", "C", "beta", "gamma"}
    assert lrdecay.parse(data["recommendation"]["choice"]) == lrdecay.parse(found.answers.made[0].spec)
    assert data["target_steps"]["steps"] == found.target.reach.updates


def test_the_answer_is_the_same_twice(logs, known):
    again = lrdecay.forecast(logs, predict=[COSINE, f"{COSINE} @ 1000"], law="momentum")

    assert json.dumps(without_time(again)) == json.dumps(without_time(known))


def test_constant_logs_alone_are_refused_with_the_run_that_would_do(logs):
    with pytest.raises(InputError, match="one short cooldown from a checkpoint"):
        lrdecay.forecast(logs[0], predict=COSINE)


def test_who_asks_nothing_is_told_what_can_be_asked(logs, known):
    assert any("nothing was asked: --predict" in n for n in lrdecay.forecast(logs, law="momentum").notes)
    assert not any("nothing was asked" in n for n in known.notes)


def test_a_parameter_at_a_bound_is_told(known):
    fit = known.forecaster.law.fit
    low = next(p.low for p in fit.law.parameters if p.name == "alpha")
    theta = np.where([p.name == "alpha" for p in fit.law.parameters], low, fit.theta)
    law = evolve(known.forecaster.law, fit=evolve(fit, theta=theta))
    stopped = evolve(known.forecaster, choice=Choice((law,), law))

    assert any("alpha stopped at a bound" in n for n in of_fit(stopped, (), None, given_lengths=0))
    assert not any("bound" in n for n in known.notes)
    assert evolve(known, forecaster=stopped).to_json()["fits"][0]["at_bounds"] == ["alpha"]


def test_a_trace_that_train_left_is_read_and_a_lone_decay_is_warned_about(tmp_path, capsys):
    spec = 'wsd(0.05, warmup=0, cooldown="50%")'
    assert run(["train", "quadratic", "-s", spec, "--steps", "300", "--out", str(tmp_path / "cooled")]) == 0
    capsys.readouterr()

    found = lrdecay.forecast(tmp_path / "cooled", predict="linear(peak)", law="momentum")
    (curve,) = found.forecaster.curves
    assert (curve.name, curve.last) == ("cooled", 299)  # a trace's loss is that before the update
    np.testing.assert_array_equal(curve.rates, lrdecay.parse(spec).bind(lrdecay.Horizon(steps=300)).values()[:299])
    assert found.predictions[0].spec == "linear(0.05)"
    assert any("the only log" in note for note in found.notes)
