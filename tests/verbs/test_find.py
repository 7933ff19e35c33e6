"""`find`: an answer with an interval, everything left as it was, and no answer where there is none."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

import lrdecay
from lrdecay.cli.main import run

SMOOTH = {"sigma": 0.1, "condition": 10.0}


def test_the_json_keeps_its_contract(capsys, tmp_path):
    plot = tmp_path / "curve.svg"
    arguments = ["find", "quadratic", "--with", "sigma=0.1", "--with", "condition=10", "--high", "100", "--low", "1e-5"]
    assert run([*arguments, "--repeats", "3", "--json", "--plot", str(plot)]) == 0

    data = json.loads(capsys.readouterr().out)
    assert {"task", "suggestion", "interval", "rules", "restored", "steps_used"} <= set(data)
    assert data["task"] == "quadratic"
    assert data["restored"] is True
    assert 0 < data["steps_used"] <= 300
    assert data["interval"][0] <= data["suggestion"] <= data["interval"][1]
    assert set(data["rules"]) == {"lrdecay", "steepest", "minimum/10"}
    assert data["peers"]["lightning (broken)"]["broken"] is True
    assert all(len(peer["answers"]) == 3 for peer in data["peers"].values())
    assert data["repeatability"]["t"]["interval"] == data["interval"]
    assert data["repeatability"]["bootstrap"]["decades"] < data["repeatability"]["t"]["decades"]
    assert plot.stat().st_size > 1000


def test_a_curvature_ten_times_as_large_moves_the_answer_down_by_one_decade():
    answers = [
        lrdecay.find(
            "quadratic", arguments={**SMOOTH, "curvature_scale": c}, low=1e-5, high=100.0, points=200
        ).suggestion
        for c in (1.0, 10.0)
    ]

    assert math.log10(answers[0] / answers[1]) == pytest.approx(1, abs=0.1)


def test_the_same_seeds_give_the_same_bits_and_others_do_not():
    first, again, other = (
        lrdecay.find("quadratic", seed=seed, repeats=2, arguments={"sigma": 1.0}, high=100.0).to_json()
        for seed in (0, 0, 7)
    )

    assert first == again
    assert first["curve"] != other["curve"]


def test_one_repeat_gives_no_interval_and_says_that_nobody_knows(capsys):
    assert (
        run(["find", "quadratic", "--with", "sigma=0.1", "--with", "condition=10", "--high", "100", "--repeats", "1"])
        == 0
    )

    said = capsys.readouterr().out
    assert "nobody knows" in said
    assert "lightning (broken)" in said
    assert lrdecay.find("quadratic", repeats=1, arguments=SMOOTH, high=100.0).interval is None


def test_a_curve_that_never_rises_gives_no_answer_and_says_what_to_do(capsys):
    assert run(["find", "quadratic", "--high", "0.1", "--repeats", "2", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["suggestion"] is None
    assert data["interval"] is None
    assert "--high" in data["why_not"]


def test_a_script_is_searched_from_its_own_start(capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    command = f"{sys.executable} examples/script.py"
    assert run(["find", "--script", command, "--repeats", "2", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["task"] == command
    assert 0.01 < data["suggestion"] < 1
    assert data["restored"] is True
    assert data["steps_used"] == 200
