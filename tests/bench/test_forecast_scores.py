"""Scores of forecasts: right on runs of a known law, and worse where they should be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bench.forecast_scores import final, of_length, regret, scores, trunks
from scipy.stats import spearmanr
from tests.losslaws.planted import CONSTANT, LONG, SHORT, curve, fitted

from lrdecay.losslaws.curve import Curve

SPECS = [f'wsd(0.1, warmup=50, cooldown="{n}%")' for n in (10, 30, 60)]
CURVES = {
    "shown": curve(CONSTANT, 2000),
    **{f"{s} {steps}": curve(s, steps) for s in SPECS for steps in (1000, 2000)},
}


def shifted(curves, by):
    """Observed losses that are all higher."""
    return {n: Curve(n, c.rates, c.steps, c.losses + by, c.warmup) for n, c in curves.items()}


def test_a_forecaster_of_the_true_law_is_nearly_right_in_level_and_ranking():
    found = scores(fitted(), CURVES, ["shown"], last=1)

    assert found["final"] < 0.002
    assert found["within"] == found["ordered"] == found["between"] == 1
    assert found["groups"] == 1  # without noise all begin alike
    assert found["same"] == pytest.approx(1)
    assert found["interval"] == pytest.approx(found["width"], rel=0.1)  # nothing lies outside
    assert found["R2"] > 0.999


def test_a_level_that_is_off_moves_the_bias_and_the_intervals_but_neither_pairs_nor_ranks():
    one, other = (scores(fitted(), c, ["shown"], last=1) for c in (CURVES, shifted(CURVES, 0.1)))

    assert other["bias"] == pytest.approx(one["bias"] - 0.1)
    assert other["pairs"] == pytest.approx(one["pairs"])
    assert all(other[k] == one[k] for k in ("order", "same", "ordered", "between"))
    assert other["within"] == 0
    assert other["interval"] > one["interval"] + 20 * (0.1 - one["width"])  # 2/alpha of what lies outside


def test_a_trunk_of_many_branches_counts_once():
    trunk = curve(CONSTANT, 2000)
    left = curve(LONG, 1500)
    branch = left.after(999)  # cools down from step 1050
    groups = trunks(
        {
            "trunk": trunk,
            "branch": branch,
            "other": curve(SHORT, 1500).after(1400),
            "own": shifted({"x": trunk}, 0.1)["x"],
        }
    )

    assert groups == {"trunk": "trunk", "branch": "trunk", "other": "other", "own": "own"}
    named = scores(
        fitted(), {"a": trunk, "b": left, "c": curve(SHORT, 1500)}, [], groups={"a": "x", "b": "x", "c": "y"}
    )
    assert named["groups"] == 2


def test_regret_is_what_the_chosen_run_ended_above_the_best_one():
    among = {s: curve(s, 2000) for s in (LONG, *SPECS[::2])}
    ends = {s: final(c, 1) for s, c in among.items()}
    found = regret(fitted(), [among], last=1, log=SPECS[0])

    assert found["lowest"] == 0
    assert found["choice"] in {end - min(ends.values()) for end in ends.values()}
    assert found[SPECS[0]] == ends[SPECS[0]] - min(ends.values()) > 0
    assert found["followed"] == (found["choice"] if found["decided"] else found[SPECS[0]])


def test_runs_of_one_horizon_are_those_of_its_length_whose_last_loss_may_be_missing():
    assert set(of_length(CURVES, 1010)) == {n for n in CURVES if n.endswith(" 1000")}


def test_nothing_to_rank_is_no_rank():
    found = scores(fitted(), {"a": CURVES["shown"], "b": curve(CONSTANT, 1000)}, [])
    assert math.isnan(found["order"])
    assert math.isnan(found["ordered"])
    assert found["final"] >= 0


def test_ranks_are_spearmans():
    made = fitted()
    found = scores(made, CURVES, ["shown"], last=1)
    hidden = [c for n, c in CURVES.items() if n != "shown"]
    said = [made.predict(c.rates, c.warmup).loss for c in hidden]
    assert found["order"] == pytest.approx(spearmanr(said, np.array([final(c, 1) for c in hidden]))[0])
