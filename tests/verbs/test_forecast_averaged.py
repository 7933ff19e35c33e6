"""`forecast(averaged=...)`: what averaged weights say needs no law, and stands beside one where there is one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from attrs import evolve
from tests.verbs.planted_logs import pair, with_average

import lrdecay
from lrdecay.errors import InputError
from lrdecay.losslaws.curve import warmup_of
from lrdecay.report.forecast_averaged import CooledNow
from lrdecay.verbs.forecast_averaged import averaged_of_logs, with_law
from lrdecay.verbs.forecast_logs import Asked, Logs, tables_of_logs


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A constant run with an average 0.03 below its loss, and one with a cooldown."""
    folder = tmp_path_factory.mktemp("logs")
    constant, cooled = pair(folder)
    return with_average(folder, "watch", constant), cooled


@pytest.fixture(scope="module")
def beside(logs):
    return lrdecay.forecast(logs, predict="linear(peak)", averaged=True, law="momentum")


def rates_of(row):
    wanted = lrdecay.parse(row.spec)
    return wanted.bind(lrdecay.Horizon(steps=2000 + row.updates)).values()


def test_a_lone_constant_run_is_answered_and_why_there_is_no_law_is_told(logs):
    found = lrdecay.forecast(logs[0], averaged=True)

    (one,) = found.averaged
    assert (one.log, one.step) == ("watch", 2000)
    assert [(row.share, row.updates) for row in one.cooldowns] == [(0.1, 200), (0.2, 400), (0.4, 800)]
    for row in one.cooldowns:
        said = one.trunk.estimate(row.share)
        assert (row.loss, row.low, row.high, row.law) == (said.loss, said.low, said.high, None)
    assert found.forecaster is None
    assert found.law is None
    assert any("No law was fitted" in note and "must hold a run whose rate decays" in note for note in found.notes)


def test_the_spec_is_the_run_so_far_and_a_linear_cooldown_of_the_length(logs):
    (one,) = lrdecay.forecast(logs[0], averaged=True).averaged
    for row in one.cooldowns:
        rates = rates_of(row)
        assert rates[50:2000] == pytest.approx(0.1)
        assert np.diff(rates[2000:]) == pytest.approx(-0.1 / row.updates)


def test_the_laws_end_of_the_same_run_stands_beside(beside):
    (one,) = beside.averaged
    for row in one.cooldowns:
        rates = rates_of(row)
        assert row.law.loss == pytest.approx(beside.forecaster.predict(rates, warmup_of(rates)).loss, rel=1e-4)


def test_what_else_was_asked_is_answered_too(beside):
    assert [p.spec for p in beside.predictions] == ["linear(0.1)"]
    assert len(beside.averaged) == 1
    assert not any("nothing was asked" in note for note in beside.notes)


def test_json_says_what_the_value_says(beside, logs):
    data = json.loads(json.dumps(beside.to_json(), allow_nan=False))
    (one,), (own,) = beside.averaged, data["averaged"]
    assert (own["log"], own["step"], own["now"]) == ("watch", 2000, one.now)
    for said, row in zip(own["cooldowns"], one.cooldowns, strict=True):
        assert (said["share"], said["updates"], said["spec"], said["loss"]) == (
            row.share,
            row.updates,
            row.spec,
            row.loss,
        )
        assert said["interval"] == [row.low, row.high]
        law = {"loss": row.law.loss, "interval": [row.law.low, row.law.high], "extrapolated": row.law.extrapolated}
        assert said["law"] == law
    alone = lrdecay.forecast(logs[0], averaged="averaged").to_json()
    assert alone["law"] is alone["heldout_error"] is alone["averaged"][0]["cooldowns"][0]["law"] is None
    assert alone["fits"] == alone["logs"] == []


def test_they_disagree_where_the_intervals_have_nothing_in_common(beside):
    law = beside.averaged[0].cooldowns[0].law
    row = CooledNow(0.1, 200, "linear(0.1)", 0.0, law.low - 2, law.low - 1, law)
    assert row.apart
    assert not evolve(row, high=law.low).apart
    assert evolve(row, low=law.high + 1, high=law.high + 2).apart
    assert not evolve(row, law=None).apart


def test_a_law_of_another_column_says_nothing_of_them(beside, logs):
    said = averaged_of_logs(tables_of_logs(logs[:1], Asked()), None, Asked())
    read = Logs(beside.forecaster.curves, (), {"watch": "train_loss", "cooled": "train_loss"})

    (one,), _, notes = with_law(said, beside.forecaster, read)
    assert [row.law for row in one.cooldowns] == [None] * 3
    assert any("The law is of train_loss" in n and "--loss loss fits" in n for n in notes)


def test_who_did_not_ask_is_told_once_and_only_where_there_is_an_answer(logs, beside, tmp_path):
    found = lrdecay.forecast(logs, law="momentum")
    assert found.averaged is None
    assert found.to_json()["averaged"] is None
    assert sum("watch: --averaged says" in note for note in found.notes) == 1
    assert not any("--averaged" in note for note in beside.notes)
    with pytest.raises(InputError, match="watch: --averaged says"):
        lrdecay.forecast(logs[0])
    few = tmp_path / "few.csv"
    few.write_text("".join(logs[0].read_text().splitlines(keepends=True)[:4]))
    with pytest.raises(InputError) as caught:
        lrdecay.forecast(few)
    assert "--averaged" not in str(caught.value)


def test_looks_too_few_for_a_law_are_enough_for_averaged_weights(logs, tmp_path):
    head, *rows = logs[0].read_text().splitlines(keepends=True)
    eight = tmp_path / "eight.csv"
    eight.write_text("".join([head, *rows[9::10]]))
    with pytest.raises(InputError, match=r"at least 12 losses.*eight: --averaged says"):
        lrdecay.forecast(eight)
    found = lrdecay.forecast(eight, averaged=True)
    assert found.averaged[0].step == 2000
    assert any("at least 12 losses" in note for note in found.notes)


def test_a_log_that_cooled_is_left_out_with_a_note_and_refused_alone(logs, tmp_path):
    cooled = with_average(tmp_path, "cooled", logs[1])
    found = averaged_of_logs(tables_of_logs([logs[0], cooled], Asked()), None, Asked())
    assert [one.log for one in found[0]] == ["watch"]
    assert any("cooled: its averaged weights were left out" in n and "constant rate" in n for n in found[2])
    with pytest.raises(InputError, match="must hold a constant rate over the last half"):
        lrdecay.forecast(cooled, averaged=True)


@pytest.mark.parametrize("given", [5, None])
def test_what_is_neither_a_yes_nor_a_column_is_refused(given, logs):
    with pytest.raises(InputError, match=r"forecast\(averaged=...\)` must be True, False or the name of a column"):
        lrdecay.forecast(logs[0], averaged=given)
