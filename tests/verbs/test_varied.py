"""`compare` under variants, over grids and within a budget: every schedule on every arm, and nothing over the bound."""

from __future__ import annotations

import json
import sys

import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.cli.options import spread
from lrdecay.errors import InputError

SCRIPT = """
import sys
import lrdecay, torch
wd, width = float(sys.argv[1].split("=")[1]), int(sys.argv[2])
run = lrdecay.script(steps=8)
w = torch.nn.Parameter(torch.ones(width))
opt = torch.optim.SGD([w], lr=1.0, weight_decay=wd)
sched = run.attach(opt, "constant(0.1)")
for t in run.steps():
    loss = (w * torch.randn(width)).square().mean()
    opt.zero_grad(); loss.backward(); opt.step()
    sched.step(); run.log(loss=loss, wd_seen=wd, size=float(w.detach().norm()))
"""


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """Two schedules under two variants, each with its own peak, on the noisy quadratic."""
    return lrdecay.compare(
        "quadratic",
        ["linear({0.1,0.3}, floor={0,0.01})"],
        vary="sigma={0.5,1} ",
        arguments={"condition": 10.0, "dimension": 5, "steps": 40},
        seeds=2,
        pilots=1,
        out=tmp_path_factory.mktemp("varied"),
        workers=1,
    )


def test_every_schedule_runs_under_every_variant_with_a_peak_of_its_own(varied):
    data = json.loads(json.dumps(varied.to_json(), allow_nan=False))
    expected = {f"linear(0.1{floor}) | sigma={s}" for s in ("0.5", "1") for floor in ("", ", floor=0.01")}

    assert {row["written"] for row in data["rows"]} == expected
    assert set(data["peaks"]) == expected
    assert all({"0.1", "0.3"} <= set(choice["tried"]) for choice in data["peaks"].values())
    assert all(row["spec"].endswith(("| sigma=0.5", "| sigma=1")) for row in data["rows"])
    assert data["facets"]["linear(0.1, floor=0.01) | sigma=0.5"] == {"floor": 0.01, "sigma": 0.5}


def test_a_variant_is_the_task_with_that_argument(varied):
    row = next(r for r in varied.study.main.rows if r.written == "linear(0.1) | sigma=0.5")
    alone = lrdecay.compare(
        "quadratic",
        [f"linear({row.peak})"],
        arguments={"condition": 10.0, "dimension": 5, "steps": 40, "sigma": 0.5},
        seeds=2,
        fixed_peak=True,
        out=varied.folder,
        workers=1,
    )
    assert alone.study.steps_trained == 0  # the same identity: found, not made again
    assert alone.study.main.rows[0].values == row.values


def test_an_argument_the_task_does_not_take_is_refused_before_anything_is_trained(tmp_path):
    for vary, words in (
        ("sigmo={1,2}", "`--vary sigmo=...` must be an argument of quadratic, got 'sigmo'. Did you mean `sigma`?"),
        ("sigma={1,2}", "`--with sigma=...` must not be given with --vary of it, got 3"),
        ("sigma={1,-2}", "sigma"),
    ):
        with pytest.raises(InputError) as caught:
            lrdecay.compare(
                "quadratic",
                ["linear(0.1)"],
                vary=vary,
                arguments={"sigma": 3} if "with" in words else None,
                out=tmp_path / "r",
                workers=1,
            )
        assert words in str(caught.value)
    assert not (tmp_path / "r").exists()


def test_a_script_is_varied_by_the_places_in_its_command(tmp_path, capsys, monkeypatch):
    (tmp_path / "train.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    command = f"{sys.executable} train.py --wd={{wd}} {{width}}"
    arguments = ["compare", "--script", command, "-s", "constant(0.1)", "--metric", "wd_seen:min", "--fixed-peak"]
    rest = ["--seeds", "1", "--vary", "wd=0.25", "width={3}", "--workers", "1", "--out", "r", "--json"]
    assert run([*arguments, *rest]) == 0

    rows = {row["written"]: row["values"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows == {"constant(0.1) | wd=0.25 width=3": [0.25]}


def test_a_place_the_command_does_not_have_is_refused_in_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["compare", "--script", "python train.py {wd}", "-s", "linear(0.1)", "--vary", "batch={1,2}"]) == 2
    err = capsys.readouterr().err
    assert "must stand in the command of the script as {batch}" in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_study_over_its_budget_is_refused_before_anything_is_trained(tmp_path):
    asked = {"schedules": ["linear({0.1, 0.2})", "cosine({0.1, 0.2})"], "seeds": 4, "pilots": 2, "workers": 1}
    with pytest.raises(InputError) as caught:
        lrdecay.compare("quadratic", arguments={"steps": 100}, budget=1591, out=tmp_path / "r", **asked)
    assert str(caught.value).startswith(
        "`--budget 1591` must cover the study, got 16 runs of 1592 updates together, 1 times the budget; about 15 of"
    )
    with pytest.raises(InputError, match=r"must cover the study, got 16 runs .* times the budget"):
        lrdecay.compare("quadratic", arguments={"steps": 20_000}, budget="0.001s", out=tmp_path / "r", **asked)
    assert not (tmp_path / "r").exists()


def test_a_study_within_its_budget_runs(tmp_path):
    for budget in ("1h", "160"):
        done = lrdecay.compare(
            "quadratic",
            ["linear({0.1, 0.2})"],
            arguments={"steps": 40},
            seeds=2,
            fixed_peak=True,
            budget=budget,
            out=tmp_path / "r",
            workers=1,
        )
        assert done.study.steps_naive == 160


def test_variants_after_one_vary_are_each_taken_up_to_the_next_option():
    assert spread(["compare", "t", "--vary", "a=1", "b={1,2}", "-s", "x=1"]) == [
        *("compare", "t", "--vary", "a=1", "--vary", "b={1,2}", "-s", "x=1")
    ]
    assert spread(["compare", "--vary", "a=1", "task", "b=1"]) == ["compare", "--vary", "a=1", "task", "b=1"]
    assert spread(["show", "linear(peak=1)", "linear(peak=2)"]) == ["show", "linear(peak=1)", "linear(peak=2)"]
