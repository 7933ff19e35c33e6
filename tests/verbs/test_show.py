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


PLAN = 'plan(lr=cosine(0.1), momentum=0.9, weight_decay=0.05, groups={"*.bias": group(weight_decay=0)})'


def test_a_plan_shows_the_weight_decay_that_acts_and_its_timescale(capsys):
    assert run(["show", PLAN, "--steps", "100", "--steps-per-epoch", "10", "--json"]) == 0

    [shown] = json.loads(capsys.readouterr().out)["schedules"]
    rates = lrdecay.cosine(0.1).bind(lrdecay.Horizon(steps=100)).values()
    assert lrdecay.parse_plan(shown["spec"]) == lrdecay.parse_plan(PLAN)
    np.testing.assert_array_equal(shown["values"], rates)
    planned = shown["planned"]
    assert planned["momentum"] == [0.9] * 100
    np.testing.assert_array_equal(planned["lr*weight_decay"], rates * 0.05)
    np.testing.assert_allclose(planned["1/(lr*weight_decay)"], 1 / (rates * 0.05))
    np.testing.assert_allclose(planned["1/(lr*weight_decay) in epochs"], 0.1 / (rates * 0.05))
    assert set(shown["groups"]["*.bias"]) == {name for name in planned if "weight_decay" in name}
    assert shown["groups"]["*.bias"]["1/(lr*weight_decay)"] == [None] * 100


def test_a_plan_is_printed_beside_a_schedule(capsys):
    assert run(["show", PLAN + " @ 40", "linear(0.1)", "--steps", "100"]) == 0

    out = capsys.readouterr().out
    assert "(40 steps)" in out
    assert "1/(lr*weight_decay)" in out
    assert "*.bias: weight_decay" in out
    assert "99: 0.001" in out


def test_a_plan_that_grows_its_batch_shows_its_own_steps():
    growing = lrdecay.grow_batch(lrdecay.plan(lr=lrdecay.multi_step(0.1, factor=0.5, at=["2ep"])), 64)
    shown = lrdecay.show(growing, epochs=4, samples_per_epoch=100, batch_size=10)

    data = shown.to_json()
    assert data["steps"] == 30
    assert data["schedules"][0]["planned"]["batch_size"] == [10.0] * 20 + [20.0] * 10


@pytest.mark.parametrize(
    ("text", "message"), [("plan(lr=0.1, momentum=2)", "momentum"), ("plan(lr=cosin(0.1))", "Did you mean `cosine`")]
)
def test_a_plan_that_does_not_fit_is_bad_input(text, message, capsys):
    assert run(["show", text, "--steps", "4"]) == 2
    assert message in capsys.readouterr().err


def test_a_grid_is_counted_and_listed_without_a_length(capsys):
    text = 'wsd(peak, warmup=9, cooldown={"10%", "20%"}, shape={"linear", "1-sqrt"})'
    assert run(["show", text, "cosine(peak)"]) == 0
    out = capsys.readouterr().out
    assert "4 schedules: cooldown x shape = 2 x 2" in out
    assert 'cooldown=20%  shape=1-sqrt  wsd(peak, warmup=9, cooldown="20%", shape="1-sqrt")' in out
    assert out.endswith("5 schedules in all\n")

    assert run(["show", text, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["count"] == 4
    assert data["schedules"][1]["axes"] == {"cooldown": "10%", "shape": "1-sqrt"}


def test_a_grid_with_a_length_is_shown_like_its_schedules(capsys):
    assert run(["show", "linear({0.1, 0.2})", "--steps", "5", "--json"]) == 0
    grid = capsys.readouterr().out
    assert run(["show", "linear(0.1)", "linear(0.2)", "--steps", "5", "--json"]) == 0
    assert grid == capsys.readouterr().out

    assert run(["show", f"linear({{{', '.join(map(str, range(1, 61)))}}})", "--steps", "5"]) == 0
    out = capsys.readouterr().out
    assert "60 schedules: peak = 60" in out
    assert "... and 10 more" in out
    assert len(out.splitlines()) == 53
