"""`train`: one run, logged; forks measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError, RunError
from lrdecay.runs.trace import Trace


def test_the_trace_has_the_rates_of_the_schedule_and_the_result_its_provenance(tmp_path, capsys):
    out = tmp_path / "run"
    assert run(["train", "quadratic", "-s", "linear(0.05)", "--steps", "40", "--out", str(out), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    trace = Trace.from_csv(out / "trace.csv")
    expected = lrdecay.parse("linear(0.05)").bind(lrdecay.Horizon(steps=40)).values()
    np.testing.assert_array_equal(trace.rate, expected)
    assert json.loads((out / "result.json").read_text()) == data
    assert data["spec"] == "linear(0.05)"
    assert data["steps"] == 40
    assert data["metrics"]["loss"] == data["score"]


def test_a_run_is_bit_identical_when_it_is_repeated(tmp_path):
    for name in ("a", "b"):
        lrdecay.train("quadratic", "cosine(0.05)", seed=3, steps=60, out=tmp_path / name)

    assert (tmp_path / "a" / "trace.csv").read_bytes() == (tmp_path / "b" / "trace.csv").read_bytes()


def test_forks_of_a_task_end_where_the_whole_run_does(tmp_path):
    trained = lrdecay.train("quadratic", "cosine(0.05)", steps=60, out=tmp_path, verify_fork=5)

    assert len(trained.forks) == 5
    assert all(fork.identical and fork.loss_difference == 0 and fork.weight_difference == 0 for fork in trained.forks)


def test_more_forks_than_steps_are_refused(tmp_path):
    with pytest.raises(InputError, match="--verify-fork"):
        lrdecay.train("quadratic", "cosine(0.05)", steps=5, out=tmp_path / "r", verify_fork=5)
    assert not (tmp_path / "r").exists()


def test_an_open_peak_is_filled_by_peak(tmp_path):
    trained = lrdecay.train("quadratic", "cosine(peak)", peak=0.02, steps=9, out=tmp_path)

    assert trained.result.schedule == "cosine(0.02)"


def test_heldout_metrics_are_measured_as_often_as_asked(tmp_path):
    for asked, looks in ((None, 10), (20, 20), (100, 40)):
        trained = lrdecay.train("quadratic", "cosine(0.05)", steps=40, evaluations=asked, out=tmp_path)
        measured = trained.result.trace.metrics["heldout_loss"]
        assert np.isfinite(measured).sum() == looks
        assert np.isfinite(measured[-1])
        assert np.isfinite(Trace.from_csv(tmp_path / "trace.csv").metrics["heldout_loss"]).sum() == looks


def test_a_schedule_may_carry_its_horizon(tmp_path):
    assert lrdecay.train("quadratic", "cosine(0.02) @ 33", out=tmp_path).result.steps == 33


def test_a_diverged_run_says_where_and_keeps_its_trace(tmp_path):
    with pytest.raises(RunError, match=r"at step \d+ \(rate 1e\+06\)"):
        lrdecay.train("quadratic", "constant(1e6)", steps=400, out=tmp_path)

    trace = Trace.from_csv(tmp_path / "trace.csv")
    assert not np.isfinite(trace.loss[-1])
    assert np.isfinite(trace.loss[:-1]).all()
