"""The logs of a forecast: branches joined to their trunks, names told apart, rates said for logs without any."""

from __future__ import annotations

import numpy as np
import pytest
from tests.losslaws.planted import CONSTANT, LONG
from tests.verbs.planted_logs import log, pair

from lrdecay.errors import InputError
from lrdecay.verbs.forecast_logs import Asked, curves_of_logs


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return pair(tmp_path_factory.mktemp("logs"))


def test_a_branch_is_joined_to_the_trunk_among_the_logs(tmp_path, logs):
    branch = log(tmp_path, "branch", LONG, 1500, first=1050)
    read, whole = (curves_of_logs([logs[0], second], Asked()) for second in (branch, logs[1]))

    np.testing.assert_allclose(read.curves[1].rates, whole.curves[1].rates, atol=1e-3)
    assert read.curves[1].warmup == 50
    assert read.curves[1].steps[0] == 1050
    assert any(note.startswith("branch: Before step 1050 the rates are constant's") for note in read.notes)


def test_a_branch_without_its_trunk_is_told(logs, tmp_path):
    branch = log(tmp_path, "branch", LONG, 1500, first=1050)

    read = curves_of_logs([branch], Asked())
    assert any(note.startswith("branch: The log's rates start at step 1050") for note in read.notes)


def test_a_branch_that_several_different_runs_could_have_led_to_is_refused(tmp_path, logs):
    branch = log(tmp_path, "branch", LONG, 1500, first=1050)
    other = log(tmp_path, "other", "warmup(400) + constant(0.1)", 2000)

    rule = r"one run that branch can have left at step 1050, got 'constant, other'.*--run NAME"
    with pytest.raises(InputError, match=rule):
        curves_of_logs([logs[0], other, branch], Asked())
    chosen = curves_of_logs([logs[0], other, branch], Asked(runs=("constant", "branch")))
    assert [c.name for c in chosen.curves] == ["constant", "branch"]


def test_runs_with_the_same_rates_are_one_trunk(tmp_path, logs):
    branch = log(tmp_path, "branch", LONG, 1500, first=1050)
    again = log(tmp_path, "again", CONSTANT, 1800)

    read = curves_of_logs([logs[0], again, branch], Asked())
    assert any("Before step 1050 the rates are constant's" in note for note in read.notes)


def test_logs_of_one_name_are_told_apart_and_a_name_must_be_one_of_them(tmp_path, logs):
    again = log(tmp_path, "constant", CONSTANT, 1800)

    assert [c.name for c in curves_of_logs([*logs, again], Asked()).curves] == ["constant", "cooled", "constant (2)"]
    with pytest.raises(InputError, match="must name a run of the logs, got 'coolt'"):
        curves_of_logs(logs, Asked(runs=("coolt",)))


def test_rates_that_were_not_logged_are_said_for_each_log(tmp_path, logs):
    bare = []
    for path in logs:
        rows = [line.split(",") for line in path.read_text().splitlines()]
        bare.append(tmp_path / path.name)
        bare[-1].write_text("\n".join(f"{step},{loss}" for step, _, loss in rows) + "\n")

    told = curves_of_logs(bare, Asked(schedules=(f"{CONSTANT} @ 2000", LONG), log_steps=1500))
    for own, logged in zip(told.curves, curves_of_logs(logs, Asked()).curves, strict=True):
        np.testing.assert_allclose(own.rates, logged.rates, atol=0.04)  # the log's rates are lines between its rows
        assert own.warmup == logged.warmup == 50
    with pytest.raises(InputError, match="must be as many as logs, 2, got 1"):
        curves_of_logs(bare, Asked(schedules=(CONSTANT,), log_steps=2000))
    with pytest.raises(InputError, match="--log-steps N"):
        curves_of_logs(bare, Asked(schedules=(CONSTANT, LONG)))


def test_losses_of_different_columns_or_far_apart_are_warned_about(tmp_path, logs):
    far = log(tmp_path, "far", LONG, 1500)
    rows = [line.split(",") for line in far.read_text().splitlines()]
    far.write_text("\n".join(["step,lr,val_loss", *(f"{s},{r},{10 * float(x)}" for s, r, x in rows[1:])]) + "\n")

    notes = curves_of_logs([logs[0], far], Asked()).notes
    assert any("different columns, loss, val_loss" in note for note in notes)
    assert any("one task?" in note for note in notes)
