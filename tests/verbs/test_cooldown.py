"""`cooldown` and `extend` end to end: from a checkpoint of a script, and from a step of a task, bit for bit."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon, parse
from lrdecay.verbs.branches import ONE_SAMPLE
from lrdecay.verbs.sources import source_of

SCRIPT = """
import os
import numpy as np
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=100), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "constant(0.1)")
w = np.random.standard_normal(5)
def save(path, t):
    np.save(open(path, "wb"), np.array([*w, t]))
def load(path):
    saved = np.load(path)
    w[:] = saved[:5]
    return int(saved[-1])
for t in run.steps(save=save, load=load):
    run.log(loss=float(w @ w))
    w[:] = w - rates[t] * (w + 0.1 * np.random.standard_normal(5))
"""
LED_THERE = 'wsd(0.1, warmup=10, cooldown="20%")'


def quiet(_done, _loss):
    return


def files(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """A script, a whole run of it, and its checkpoint at step 80, as its owner might have them."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "train.py").write_text(SCRIPT)
    source = ScriptSource(f"{sys.executable} {folder / 'train.py'}")
    horizon = Horizon(steps=100)
    whole = RunSpec(source, 0, LED_THERE, horizon, parse(LED_THERE).bind(horizon).values(), None, None)
    (folder / "mine").mkdir()
    source.run_orders(whole, Orders(stop=80, save=folder / "mine" / "ckpt"), quiet)
    return source, folder / "mine" / "ckpt", source.execute(whole, quiet)


@pytest.fixture(scope="module")
def cooled(script, tmp_path_factory):
    source, checkpoint, _ = script
    out = tmp_path_factory.mktemp("cooled") / "r"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lrdecay.sweep.costs.Costs.least", 5)  # a start is worth 5 updates, however slow it is today
        before = files(checkpoint.parent)
        said: list[str] = []
        found = lrdecay.cooldown(
            script=source.command, checkpoint=checkpoint, schedule=LED_THERE, lengths="10%,20%", shapes="linear",
            out=out, workers=2, say=said.append,
        )  # fmt: skip
        assert files(checkpoint.parent) == before
        return found, said


def test_a_cooldown_from_a_checkpoint_is_bit_for_bit_the_run_that_went_straight_through(cooled, script):
    _, _, whole = script
    row = next(r for r in cooled[0].matching_total.main.rows if r.written == "linear 20%: 80 to 100")
    after = whole.trace.step >= 80

    assert row.results[0].trace.step.tolist() == list(range(80, 100))
    assert row.results[0].trace.loss.tobytes() == whole.trace.loss[after].tobytes()
    assert row.results[0].trace.rate.tobytes() == whole.trace.rate[after].tobytes()


def test_the_two_ways_to_match_are_two_tables_with_their_own_reports(cooled):
    found, said = cooled
    total = {row.written for row in found.matching_total.main.rows}
    trunk = {row.written for row in found.matching_trunk.main.rows}

    # 80/0.8 = 100, 100·0.9 = 90; 80/0.9 = 88.9
    assert total == {"linear 10%: 90 to 100", "linear 20%: 80 to 100", "no cooldown: to 100"}
    assert trunk == {"linear 10%: 80 to 89", "linear 20%: 80 to 100", "no cooldown: to 89", "no cooldown: to 100"}
    assert said[:3] == [
        "from step 80, at rate 0.1",
        "matching total: 10% is 90 to 100, 10 updates; 20% is 80 to 100, 20 updates",
        "matching trunk: 10% is 80 to 89, 9 updates; 20% is 80 to 100, 20 updates",
    ]
    for page in found.reports.values():
        assert ONE_SAMPLE in page.read_text()
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (data["from"]["step"], data["from"]["rate"], data["from"]["schedule"]) == (80, 0.1, LED_THERE)
    assert data["boundaries"]["matching_trunk"][0] == {"length": "10%", "start": 80, "end": 89, "updates": 9}
    assert len(data["matching_total"]["rows"]) == 3
    for row in data["matching_total"]["rows"]:
        lrdecay.parse(row["spec"].partition(" @ ")[0])


def test_the_trunk_after_the_checkpoint_is_trained_once(cooled):
    found, _ = cooled

    # to 100: 80 .. 90 once (the first update of a cooldown is still at the full rate), then 9 twice, and the 20 of the
    # long cooldown, since one update is not worth a start; to 89: 9 twice, a script knowing its horizon
    assert found.steps_trained == (11 + 9 + 9 + 20) + (9 + 9)
    assert found.steps_naive == (20 + 20 + 20) + (9 + 9 + 20 + 20)
    assert not (found.folder / "snapshots").exists()


def test_asking_again_trains_nothing_and_seeds_that_change_nothing_count_as_one(cooled, script):
    source, checkpoint, _ = script
    again = lrdecay.cooldown(
        script=source.command, checkpoint=checkpoint, rate=0.1, lengths="10%,20%", shapes="linear",
        out=cooled[0].folder, workers=2,
    )  # fmt: skip

    assert again.steps_trained == 0  # what led there plays no part
    assert again.to_json()["from"]["schedule"] is None
    two = lrdecay.cooldown(
        script=source.command, checkpoint=checkpoint, rate=0.1, lengths="20%", shapes="linear", seeds=2,
        out=cooled[0].folder, workers=2, share=False,
    )  # fmt: skip
    assert two.matching_total.seeds == (0,)  # the random state beside the checkpoint decides
    assert any("count as one" in note for note in two.matching_total.notes)


def test_a_task_trains_its_trunk_once_and_ends_where_the_whole_run_does(tmp_path):
    arguments = {"sigma": 1.0, "condition": 10.0, "dimension": 5, "steps": 100}
    asked = {"arguments": arguments, "schedule": LED_THERE, "at": 80, "lengths": ["20%"], "shapes": ["linear"]}
    found = lrdecay.cooldown("quadratic", **asked, seeds=2, out=tmp_path / "r", workers=1)
    source = source_of("quadratic", arguments=arguments)
    horizon = Horizon(steps=100)
    row = next(r for r in found.matching_total.main.rows if r.written.startswith("linear"))

    assert found.steps_trained == 2 * (81 + 19 + 19)  # the first update of a cooldown is at the full rate
    for seed, result in enumerate(row.results):
        rates = parse(LED_THERE).bind(horizon).values()
        whole = source.execute(RunSpec(source, seed, LED_THERE, horizon, rates, "loss", "min"), quiet)
        assert result.digest == whole.digest
        assert result.score == whole.score
        assert result.trace.loss.tobytes() == whole.trace.loss.tobytes()
    assert ONE_SAMPLE not in found.reports["matching_total"].read_text()


def test_extend_goes_on_from_a_checkpoint_and_says_the_jump(script, tmp_path, capsys):
    source, checkpoint, _ = script
    arguments = ["extend", "--script", source.command, "--from", str(checkpoint), "--schedule", "linear(0.1) @ 100"]
    arguments += ["--steps", "110", "--rewarm", "5", "--peaks", "100%", "--out", str(tmp_path / "r"), "--no-share"]
    assert run([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)

    # now 0.1·(1 - 80/100) = 0.02; stretched 0.1·(1 - 80/110) = 0.02727
    assert data["jump"]["now"] == pytest.approx(0.02)
    assert data["jump"]["ratio"] == pytest.approx(30 / 22)
    assert "a jump of 1.36x, spread over 5 updates" in err
    assert {row["written"] for row in data["rows"]} == {
        "stretched to 110, rewarmed over 5",
        "constant to 88, then linear",
        "rewarmed to 100% over 5, then linear",
    }
    assert all(len(row["values"]) == 1 for row in data["rows"])
    traces = {p.name: np.genfromtxt(p, delimiter=",", names=True) for p in (tmp_path / "r" / "traces").glob("*seed0*")}
    assert len(traces) == 3
    for trace in traces.values():
        assert trace["step"].tolist() == list(range(80, 110))


def test_extend_of_a_task_and_dry_runs_say_what_they_would_do(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ["quadratic", "--with", "dimension=5", "--with", "steps=50", "--workers", "1"]
    assert run(["extend", *common, "-s", "linear(0.1)", "--at", "40", "--steps", "60", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["steps_trained"] == 3 * (40 + 20 + 20)
    assert "rate now 0.02, the stretched curve says 0.0333: a jump of 1.67x" in plan["plan"][1]
    assert run(["cooldown", *common, "-s", "constant(0.1)", "--at", "40", "--seeds", "1", "--dry-run"]) == 0
    assert "matching total: 5% is 48 to 50" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_refused_where_it_does_not_fit(script, tmp_path):
    source, checkpoint, _ = script
    common = {"script": source.command, "lengths": "20%", "workers": 1}
    with pytest.raises(InputError, match="`--at STEP` must be the checkpoint's own step, 80, got 70"):
        lrdecay.cooldown(**common, checkpoint=checkpoint, at=70, rate=0.1)
    with pytest.raises(InputError, match=r"must not have finished its decay.*go back to the last checkpoint before"):
        lrdecay.cooldown(**common, checkpoint=checkpoint, schedule="wsd(0.1, warmup=10, cooldown=20) @ 80")
    mine = tmp_path / "r" / "snapshots" / "mine"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(checkpoint.read_bytes())
    with pytest.raises(InputError, match="must not lie among the report's own snapshots"):
        lrdecay.cooldown(**common, checkpoint=mine, rate=0.1, out=tmp_path / "r")
    assert mine.exists()
