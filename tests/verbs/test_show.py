"""`show`: the same numbers in Python, on the command line and in JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError


def test_time_based_decay_has_its_first_five_values(capsys):
    assert run(["show", "inverse_time(0.1, rate=0.001)", "--steps", "5", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["steps"] == 5
    assert data["schedules"][0]["spec"] == "inverse_time(0.1, rate=0.001)"
    assert [round(v, 7) for v in data["schedules"][0]["values"]] == [0.1, 0.0999001, 0.0998004, 0.0997009, 0.0996016]


def test_json_values_are_the_bits_of_the_schedule(capsys):
    spec = 'warmup(3) + wsd(0.3, warmup=2, cooldown="30%", shape="1-sqrt", floor=0.001)'
    assert run(["show", spec, "--steps", "37", "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)["schedules"][0]
    expected = lrdecay.parse(spec).bind(lrdecay.Horizon(steps=37)).values()
    np.testing.assert_array_equal(np.array(shown["values"]), expected)
    assert lrdecay.parse(shown["spec"]) == lrdecay.parse(spec)


def test_several_schedules_and_their_own_horizons(capsys):
    assert run(["show", "linear(0.1)", "cosine(0.1) @ 2ep", "--steps", "7", "--steps-per-epoch", "10", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["steps"] == 20
    assert [len(s["values"]) for s in data["schedules"]] == [7, 20]


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        ({"steps": 12}, 12),
        ({"epochs": 2, "steps_per_epoch": 7}, 14),
        ({"epochs": 3, "samples_per_epoch": 100, "batch_size": 64}, 5),
        ({"epochs": 1.5, "steps_per_epoch": 5}, 8),
    ],
)
def test_a_horizon_is_said_in_steps_or_epochs(length, steps):
    assert lrdecay.show("linear(0.1)", **length).bounds[0].steps == steps


def test_the_terminal_gets_a_picture_and_values(capsys):
    assert run(["show", "linear(0.1)", "--steps", "100"]) == 0

    out = capsys.readouterr().out
    assert "learning rate" in out
    assert "0: 0.1" in out
    assert "99: 0.001" in out


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_plot_is_written(tmp_path, suffix, capsys):
    path = tmp_path / f"rates.{suffix}"
    assert run(["show", "linear(0.1)", "cosine(0.1)", "--steps", "100", "--plot", str(path), "--json"]) == 0

    json.loads(capsys.readouterr().out)
    assert path.stat().st_size > 1000


def test_nothing_to_show_is_refused():
    with pytest.raises(InputError, match="at least one schedule"):
        lrdecay.show([], steps=3)
