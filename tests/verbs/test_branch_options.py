"""`cooldown` and `extend` under variants, within a budget, handed on: for real, and refused in one line where not."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
from tests.verbs.test_averaged import TASKS

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.logs.wandb_file import wandb_records
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon, parse
from lrdecay.verbs.sources import source_of

SCRIPT = """
import os, sys
import numpy as np
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
wd, width, steps = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
run = ScriptRun(dict(steps=steps), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "constant(0.1)")
w = np.random.standard_normal(width)
def save(path, t):
    np.save(open(path, "wb"), np.array([*w, t]))
def load(path):
    saved = np.load(path)
    if len(saved) != width + 1:
        sys.exit(f"the checkpoint has {len(saved) - 1} weights and the model {width}")
    w[:] = saved[:-1]
    return int(saved[-1])
for t in run.steps(save=save, load=load):
    run.log(loss=float(w @ w))
    w[:] = (1 - wd * rates[t]) * w - rates[t] * (w + 0.1 * np.random.standard_normal(width))
"""
QUADRATIC = {"sigma": 1.0, "condition": 10.0, "dimension": 5, "steps": 40}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """A command with places for three words, and a checkpoint of it at step 40, without weight decay."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "train.py").write_text(SCRIPT)
    (folder / "ckpt").mkdir()
    command = f"{sys.executable} {folder / 'train.py'}"
    horizon = Horizon(steps=50)
    source = ScriptSource(f"{command} 0 5 50")
    whole = RunSpec(source, 0, "constant(0.1)", horizon, parse("constant(0.1)").bind(horizon).values(), None, None)
    source.run_orders(whole, Orders(stop=40, save=folder / "ckpt" / "ckpt"), lambda _done, _loss: None)
    return command, folder / "ckpt" / "ckpt"


@pytest.fixture(scope="module")
def cooled(script, tmp_path_factory):
    command, checkpoint = script
    out = tmp_path_factory.mktemp("cooled")
    said: list[str] = []
    found = lrdecay.cooldown(
        script=f"{command} {{wd}} 5 50", checkpoint=checkpoint, rate=0.1, lengths="20%", shapes="linear",
        vary="wd={0,0.5}", budget="1h", export=[f"csv:{out / 'runs.csv'}", f"tensorboard:{out / 'tb'}"],
        out=out / "r", workers=1, share=False, say=said.append,
    )  # fmt: skip
    return found, said, out, command


def test_from_a_checkpoint_a_variant_is_an_override_of_what_comes_after_it(cooled, script):
    found, said, _, command = cooled
    rows = {row.written: row.results[0] for row in found.matching_total.main.rows}
    one = rows["linear 20%: 40 to 50 | wd=0.5"]
    source, rates = ScriptSource(f"{command} 0.5 5 50"), np.array([*[0.1] * 40, *one.trace.rate])
    spec = RunSpec(source, 0, "constant(0.1)", Horizon(steps=50), rates, None, None)
    by_hand = source.hear(spec, Orders(load=script[1]), lambda _done, _loss: None)

    assert set(rows) == {
        f"{b} | wd={wd}" for b in ("linear 20%: 40 to 50", "no cooldown: to 50") for wd in ("0", "0.5")
    }
    assert one.trace.loss.tolist() == [by_hand.rows[t]["loss"] for t in range(40, 50)]
    first = {written: r.trace.loss[0] for written, r in rows.items()}
    assert len(set(first.values())) == 1  # the same checkpoint
    assert len({r.trace.loss[-1] for r in rows.values()}) == 4
    assert (
        "variants: wd=0, wd=0.5; all go on from the one checkpoint, so what they override holds after step 40 only"
        in said
    )
    assert found.to_json()["facets"]["no cooldown: to 50 | wd=0.5"] == {"wd": 0.5}
    assert not any("bit for bit" in line for line in said)


def test_what_is_handed_on_is_every_run_once(cooled):
    found, _, out, _ = cooled
    with (out / "runs.csv").open() as f:
        rows = list(csv.DictReader(f))
    frame = found.frame()

    assert {row["table"] for row in rows} == {"matching total and matching trunk"}  # one length: both end at 50
    assert len({row["run"] for row in rows}) == 4 == len(list((out / "tb").iterdir())) == frame.run.nunique()
    assert {row["schedule"] for row in rows} == {row.written for row in found.matching_total.main.rows}
    assert sorted({int(row["step"]) for row in rows if row["name"] == "loss"}) == list(range(40, 50))
    assert found.to_json()["exported"] == [f"csv:{out / 'runs.csv'}", f"tensorboard:{out / 'tb'}"]


def test_an_override_that_the_checkpoint_undoes_is_said_before_and_after(script, tmp_path):
    command, checkpoint = script
    said: list[str] = []
    found = lrdecay.extend(
        script=f"{command} 0 5 {{steps}}", checkpoint=checkpoint, schedule="constant(0.1) @ 50", steps=60,
        vary="steps={50,51}", out=tmp_path / "r", workers=1, share=False, say=said.append,
    )  # fmt: skip

    assert any(line.startswith("assumed: steps=50 and steps=51 come to differ, though their first 10") for line in said)
    caveat = (
        "steps=50 and steps=51 gave the same runs bit for bit: what they override has no effect after the checkpoint"
    )
    assert any(caveat in text for text in found.study.caveats)
    assert caveat in found.report.read_text()


def refused(arguments, capsys, folder, words, code=2):
    assert run([str(a) for a in arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("lrdecay: `")
    assert err.count("\n") == 1
    assert words in err
    assert list(folder.iterdir()) == []


def test_what_cannot_vary_from_the_checkpoint_is_refused_in_one_line_with_the_reason(
    script, capsys, tmp_path, monkeypatch
):
    command, checkpoint = script
    monkeypatch.chdir(tmp_path)
    common = ["cooldown", "--from", checkpoint, "--lengths", "20%", "--workers", "1"]
    for place, vary, led, words in (
        (
            "0 {width} 50",
            "width={5,6}",
            ["--rate", "0.1"],
            "`--vary width=6` must be able to go on from the checkpoint",
        ),
        ("0 {width} 50", "width={5,6}", ["--rate", "0.1"], "the checkpoint has 5 weights and the model 6"),
        (
            "0 5 {steps}",
            "steps={50,60}",
            ["-s", "linear(0.1)"],
            "`--vary steps=60` must leave the rates that led to step 40",
        ),
        (
            "0 5 {steps}",
            "steps={50,60}",
            ["-s", "linear(0.1)"],
            "Say how long the run was: --schedule 'linear(0.1) @ 50'.",
        ),
        ("0 5 50", "average={none,ema}", ["--rate", "0.1"], "must stand in the command of the script as {average}"),
    ):
        refused([*common, "--script", f"{command} {place}", "--vary", vary, *led], capsys, tmp_path, words)


def test_the_same_checkpoint_over_its_budget_is_refused_and_within_it_is_not(script, capsys, tmp_path, monkeypatch):
    command, checkpoint = script
    monkeypatch.chdir(tmp_path)
    common = ["--script", f"{command} {{wd}} 5 50", "--from", checkpoint, "--vary", "wd=0", "wd=0.5", "--no-share"]
    common += ["--workers", "1", "--out", "r"]
    cooldown = ["cooldown", *common, "--rate", "0.1", "--lengths", "20%", "--shapes", "linear"]
    over = "must cover the study, got 4 runs of 40 updates together, 1 times the budget; about 3 of the runs fit. Fewer"
    refused([*cooldown, "--budget", "39"], capsys, tmp_path, f"`--budget 39` {over}")
    refused(
        [*cooldown, "--budget", "1e-3s"], capsys, tmp_path, "`--budget 1e-3s` must cover the study, got 4 runs of 40"
    )
    assert run([*map(str, cooldown), "--budget", "40", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps_trained"] == 40


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--vary", "sigma"], "`--vary NAME={VALUE,VALUE}` must be a name, =, and values"),
        (["--vary", "sigmo={1,2}"], "`--vary sigmo=...` must be an argument of quadratic"),
        (["--vary", "sigma={1,2}", "--with", "sigma=1"], "`--with sigma=...` must not be given with --vary of it"),
        (["--vary", "average={none,ema}"], "`--vary average=...` must be an argument of quadratic"),
        (["--budget", "5parsecs"], "`--budget` must be"),
        (["--budget", "9", "--seeds", "1"], "`--budget 9` must cover the study, got "),
        (["--budget", "2ep"], "steps_per_epoch"),
        (["--budget", "0h"], "`--budget` must be above zero"),
        (["--export", "excel:x"], "`--export KIND:PATH` must be one of csv, jsonl"),
        (["--export", "csv:."], "`--export csv:PATH` must be a file"),
    ],
)
@pytest.mark.parametrize("verb", [["cooldown"], ["extend", "--steps", "60"]], ids=["cooldown", "extend"])
def test_a_bad_option_is_refused_in_one_line_and_nothing_is_left(verb, more, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(
        [*verb, "quadratic", "--at", "30", "-s", "constant(0.1) @ 40", "--workers", "1", *more], capsys, tmp_path, words
    )


def test_a_variant_of_a_task_is_another_run_from_its_first_update_on(tmp_path):
    said: list[str] = []
    found = lrdecay.cooldown(
        "quadratic", at=32, schedule="constant(0.1)", lengths="20%", shapes="linear", seeds=2, vary="sigma={0.5,1}",
        arguments={k: v for k, v in QUADRATIC.items() if k != "sigma"}, out=tmp_path / "r", workers=1,
        say=said.append,
    )  # fmt: skip
    row = next(r for r in found.matching_total.main.rows if r.written == "no cooldown: to 40 | sigma=0.5")
    source = source_of("quadratic", arguments=QUADRATIC | {"sigma": 0.5})
    horizon = Horizon(steps=40)
    rates = parse("constant(0.1)").bind(horizon).values()
    whole = source.execute(RunSpec(source, 1, "x", horizon, rates, "loss", "min"), lambda _done, _loss: None)

    assert found.steps_trained == 2 * 2 * (33 + 7 + 7)
    assert row.results[1].digest == whole.digest
    assert "variants: sigma=0.5, sigma=1; each holds from the first update on and has a trunk of its own" in said


def test_averages_are_measured_on_one_trunk_as_an_alternative_to_decay(tmp_path, capsys, monkeypatch):
    (tmp_path / "mine.py").write_text(TASKS)
    monkeypatch.chdir(tmp_path)
    common = ["mine.py:faithful", "--at", "24", "-s", "constant(0.05) @ 30", "--seeds", "2", "--workers", "1"]
    common += ["--vary", "average=none", "average=ema", "average=lawa(2,3)", "--json"]
    assert run(["cooldown", *common, "--lengths", "20%", "--shapes", "linear", "--out", "r", "--budget", "78"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)

    assert "measured on one training, since an average changes no update" in err
    assert data["steps_trained"] == 2 * (25 + 5 + 5)  # with every average, what it is with one
    assert data["steps_naive"] == 2 * 2 * 3 * 2 * 30
    rows = {row["written"]: row["values"] for row in data["matching_total"]["rows"]}
    assert len(rows) == 6
    assert len({tuple(values) for values in rows.values()}) == 6
    assert run(["extend", *common, "--steps", "36", "--out", "e", "--export", "jsonl:e.jsonl"]) == 0
    data = json.loads(capsys.readouterr().out)
    source = source_of("mine.py:faithful", arguments={"average": "ema"})
    horizon = Horizon(steps=36)
    rates = parse("constant(0.05)").bind(horizon).values()
    alone = source.execute(RunSpec(source, 0, "x", horizon, rates, "loss", "min"), lambda _done, _loss: None)
    assert next(r for r in data["rows"] if r["written"] == "stretched to 36 | average=ema")["values"][0] == alone.score
    assert data["steps_trained"] == 2 * (30 + 6 + 6)
    assert data["exported"] == ["jsonl:e.jsonl"]
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 2 * 6 * (1 + 36 + 1)


def test_every_kind_of_export_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    kinds = ("csv", "jsonl", "parquet", "tensorboard", "mlflow", "wandb")
    found = lrdecay.extend(
        "quadratic", at=30, schedule="constant(0.1)", steps=50, seeds=1, arguments=QUADRATIC, out=tmp_path / "r",
        workers=1, export=[f"{kind}:{tmp_path / kind}" for kind in kinds],
    )  # fmt: skip
    assert found.frame().run.nunique() == 2
    assert len(list((tmp_path / "wandb" / "wandb").glob("offline-run-*"))) == 2
    offline = next((tmp_path / "wandb" / "wandb").glob("offline-run-*/*.wandb"))
    assert len(list(wandb_records(offline))) > 50
    assert len(list((tmp_path / "mlflow").glob("*/*/params/schedule"))) == 2
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2
    for kind in kinds[:3]:
        assert (tmp_path / kind).is_file()
    with pytest.raises(InputError, match="must be a new or empty folder"):
        lrdecay.extend(
            "quadratic", at=30, schedule="constant(0.1)", steps=50, arguments=QUADRATIC,
            export=f"tensorboard:{tmp_path / 'tensorboard'}",
        )  # fmt: skip
