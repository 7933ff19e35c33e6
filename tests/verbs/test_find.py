"""`find`: an answer with an interval, everything left as it was, and no answer where there is none."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.report.finding import answer_text
from lrdecay.runs.protocol import Orders, variables
from lrdecay.verbs.finding import Finding

SMOOTH = {"sigma": 0.1, "condition": 10.0}


@pytest.fixture(scope="module")
def once() -> Finding:
    """One repeat on a quadratic: for tests that only read it."""
    return lrdecay.find("quadratic", repeats=1, arguments=SMOOTH, high=100.0, workers=1)


@pytest.fixture(scope="module")
def digits() -> Finding:
    """Three repeats on digits, which can look along its update and has held-out data: for tests that only read it."""
    return lrdecay.find("digits", repeats=3, points=60, heldout_every=10, workers=1)


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
            "quadratic", arguments={**SMOOTH, "curvature_scale": c}, low=1e-5, high=100.0, points=200, workers=1
        ).suggestion
        for c in (1.0, 10.0)
    ]

    assert math.log10(answers[0] / answers[1]) == pytest.approx(1, abs=0.1)


def test_the_same_seeds_give_the_same_bits_and_others_do_not(once):
    again, other = (
        lrdecay.find("quadratic", seed=seed, repeats=1, arguments=SMOOTH, high=100.0, workers=1).to_json()
        for seed in (0, 7)
    )

    assert again == once.to_json()
    assert other["curve"] != again["curve"]


def test_one_repeat_gives_no_interval_and_says_that_nobody_knows(once):
    assert once.suggestion > 0
    assert once.interval is None
    assert "nobody knows" in answer_text(once.suggestion, once.why_not, once.repeatability)


def test_a_curve_that_never_rises_gives_no_answer_and_says_what_to_do(capsys):
    assert run(["find", "quadratic", "--high", "0.1", "--repeats", "2", "--workers", "1", "--json"]) == 0

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


PLAIN = """
import json, os
import numpy as np
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=100), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates, w = run.attach(None, "constant(0.1)"), np.ones(20)

def save(path, t):
    json.dump([t, w.tolist()], open(path, "w"))

def load(path):
    global w
    t, w = json.load(open(path))
    w = np.array(w)
    return t

for t in run.steps(save=save, load=load):
    run.log(loss=0.5 * (w @ w))
    w = w - rates[t] * (w + 0.01 * np.random.default_rng([run.seed, t]).standard_normal(20))
"""


def test_a_script_says_that_there_is_nothing_to_restore_and_starts_from_its_own_checkpoint(capsys, tmp_path):
    script, saved = tmp_path / "plain.py", tmp_path / "mine"
    script.write_text(PLAIN)
    command = f"{sys.executable} {script}"
    orders = Orders(stop=10, save=saved, seed=0)
    subprocess.run([sys.executable, str(script)], env={**os.environ, **variables(orders)}, check=True)
    before = saved.read_bytes()

    common = ["find", "--script", command, "--high", "100", "--low", "1e-4"]
    assert run([*common, "--from", str(saved), "--repeats", "2", "--json"]) == 0
    warm = json.loads(capsys.readouterr().out)
    assert warm["notes"][0].endswith("each repeat was a process of its own, from step 10, its checkpoint mine")
    assert warm["critical_rate"] is None
    assert warm["restored"] is True
    assert warm["curve"]["rates"][0] == 1e-4
    assert warm["curve"]["losses"][0] == pytest.approx(10 * 0.9**20, rel=0.1)
    assert saved.read_bytes() == before

    assert run([*common, "--repeats", "1"]) == 0
    said = capsys.readouterr().out
    assert "nothing to restore: each repeat was a process of its own, from its beginning" in said
    assert "lightning (broken)" in said


def test_the_critical_rate_and_the_held_out_losses_of_a_task_are_in_the_json(digits):
    found = digits.to_json()

    assert 0.1 < found["critical_rate"] < 100
    assert found["binding"] == pytest.approx(found["suggestion"] / found["critical_rate"])
    assert found["is_binding"] is (found["binding"] > 0.5)
    assert [5 <= c["passes"] <= 12 for c in found["critical"]] == [True, True, True]
    assert all(3 <= len(h["losses"]) <= 6 for h in found["heldout"])
    json.dumps(found, allow_nan=False)


def test_every_peer_reads_every_repeat_and_the_interval_is_the_one_by_t(digits):
    assert len(digits.peers) == 7
    assert all(len(p.answers) == 3 for p in digits.peers)
    assert digits.repeatability.t == digits.interval
    assert digits.schedule is None


def test_a_task_that_cannot_look_along_its_update_has_no_critical_rate(once):
    assert once.critical_rate is None
    assert once.binding is None
    assert once.is_binding is None


def test_a_model_is_searched_in_process_and_reads_as_a_task_does():
    torch.manual_seed(0)
    x = torch.randn(64, 6)
    model = torch.nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.weight.tolist()
    loader = [(x[i : i + 8], x[i : i + 8, :3].argmax(1)) for i in range(0, 64, 8)]
    found = lrdecay.find(
        model, optimizer, loss=torch.nn.functional.cross_entropy, loader=loader, repeats=2, high=1000.0
    )

    data = found.to_json()
    assert data["task"] == "Linear"
    assert data["suggestion"] == found.peak() > 0
    assert data["restored"] is True
    assert data["critical_rate"] > 0
    assert all(len(peer["answers"]) == 2 for peer in data["peers"].values())
    assert data["repeatability"]["t"]["interval"] == data["interval"]
    assert any("does not shuffle" in note for note in data["notes"])
    assert model.weight.tolist() == before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, o: lrdecay.find(m, o, script="x"), r"`find\(script=...\)` must not be given with a model, got str"),
        (lambda m, o: lrdecay.find(m, o, schedule="cosine"), r"`find\(schedule=...\)` must not be given with a model"),
        (lambda m, o: lrdecay.find(m, o, budget=3.0), r"`find\(budget=...\)` must not be given with a model"),
        (
            lambda m, o: lrdecay.find("quadratic", budget=3.0),
            r"`find\(budget=...\)` must not be given without a schedule",
        ),
        (
            lambda m, o: lrdecay.find(script="x", checkpoint="y", schedule="cosine"),
            r"`find\(schedule=...\)` must not be given with a checkpoint, got str",
        ),
        (lambda m, o: lrdecay.find("digits", o), r"`find\(optimizer=...\)` must not be given without a model, got SGD"),
        (lambda m, o: lrdecay.find("digits", loader=[]), r"`find\(loader=...\)` must not be given without a model"),
        (
            lambda m, o: lrdecay.find("digits", checkpoint="x"),
            r"`find\(checkpoint=...\)` must not be given without a s",
        ),
        (lambda m, o: lrdecay.find(script="x", heldout_every=3), r"`find\(heldout_every=...\)` must not be given with"),
    ],
)
def test_arguments_of_another_way_to_find_are_refused(call, said):
    model = torch.nn.Linear(2, 1)
    with pytest.raises(InputError, match=said):
        call(model, torch.optim.SGD(model.parameters(), lr=0.1))
