"""`lrdecay lab explain` from end to end: the page, the table, the JSON; what is kept is not run again; refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrdecay.cli.main import run
from lrdecay.lab.explain.page import explain_html
from lrdecay.lab.explain.scripts import missing_of

WORDS = ["lab", "explain", "digits", "-s", 'multi_step(0.5, factor=0.1, at=["2ep"])', "--epochs", "4", "--seeds", "1"]
SMALL = ["--with", "batch_size=256", "--with", "hidden=16", "--workers", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's folder in which a run was explained."""
    made = tmp_path_factory.mktemp("explain") / "kept"
    assert run([*WORDS, *SMALL, "--out", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    (data,) = (folder / "explain").glob("*.json")
    told: dict[str, Any] = json.loads(data.read_text())
    return told


def test_the_json_has_every_part_with_its_rule(found: dict[str, Any]) -> None:
    assert [stage["end"] for stage in found["stages"]] == [11, 22]
    (cut,) = found["cuts"]
    assert set(cut["split"]) == {"came", "had", "kept", "beyond", "tilt"}
    assert set(cut["noise"]) == {"before", "after"}
    assert found["memory"]["samples"] == 144
    assert found["missing"] == []
    assert "two standard errors over the held-out" in found["rule"]["clear"]
    assert "0.7" in found["rule"]["stages"]


def test_the_page_needs_nothing_else_and_has_every_section(folder: Path) -> None:
    (page,) = (folder / "explain").glob("*.html")
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "http://" not in text.replace("http://www.w3.org/", "")
    for heading in ("kept its rate", "What each stage learned", "Wrong labels, on purpose", "Just before and just"):
        assert heading in text
    assert text.count("<svg") == 3
    assert "One seed: all of this is about this one run" in text


def test_the_same_question_again_trains_nothing_and_says_the_same(
    folder: Path, found: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {path: path.stat().st_mtime_ns for path in (folder / "computed").iterdir()}
    capsys.readouterr()
    assert run([*WORDS, *SMALL, "--out", str(folder), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert {path: path.stat().st_mtime_ns for path in (folder / "computed").iterdir()} == kept
    for part in ("cuts", "stages", "memory", "records"):
        assert again[part] == found[part]
    assert Path(again["page"]).is_file()


def test_what_could_not_be_seen_stands_on_the_page_with_its_cure(found: dict[str, Any]) -> None:
    blind = {"looked": False, "probed": False, "forks": False, "unevaluated": "", "metric": "accuracy"}
    assert any("optimizer of torch" in m["why"] for m in missing_of([blind]))
    missing = missing_of([blind | {"looked": True}])
    assert any("run.probe(model, loss, (x, y))" in m["cure"] for m in missing)
    assert any("save" in m["cure"] for m in missing)
    text = explain_html({**found, "missing": missing, "task": "<script>x</script>"}, "x.json")
    assert "What could not be seen, and why" in text
    assert "run.probe(model, loss, (x, y))" in text
    assert "<script>" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["digits", "-s", "cosine(peak)"], ["must have a stated peak"]),
        (["digits", "-s", "cosine(0.1) * plateau(patience=3)"], ["without a rule"]),
        (["digits", "-s", "cosine(0.1)", "--flip", "0.7"], ["--flip", "0.7"]),
        (["digits", "-s", "cosine(0.1)", "--seeds", "0"], ["--seeds"]),
        (["digitz", "-s", "cosine(0.1)"], ["Did you mean `digits`?"]),
        (["-s", "cosine(0.1)"], ["TASK, --script CMD"]),
    ],
    ids=lambda words: " ".join(words[:5]),
)
def test_bad_input_is_one_line(
    words: list[str],
    told: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["lab", "explain", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for word in told:
        assert word in err


SCRIPT = """
import torch, lrdecay
run = lrdecay.script(steps=300, batch_size=8, samples_per_epoch=240)
torch.manual_seed(run.seed)
w = torch.nn.Linear(3, 2)
x = torch.randn(240, 3)
y = (x.sum(1) + 0.5 * torch.randn(240) > 0).long()
opt = torch.optim.SGD(w.parameters(), lr=1.0)
sched = run.attach(opt, "cosine(0.5)")
right = 0.0
def save(path, t): torch.save({"w": w.state_dict(), "right": right, "t": t}, path)
def load(path):
    global right
    kept = torch.load(path, weights_only=True)
    w.load_state_dict(kept["w"]); right = kept["right"]
    return kept["t"]
PROBE
for t in run.steps(save=save, load=load):
    i = torch.randint(240, (8,))
    opt.zero_grad()
    loss = torch.nn.functional.cross_entropy(w(x[i]), y[i])
    loss.backward(); opt.step(); sched.step()
    if t % 10 == 9: right = float((w(x).argmax(1) == y).double().mean())
    run.log(loss=loss, accuracy=right)
"""


@pytest.mark.soak
@pytest.mark.parametrize("line", ["", "run.probe(w, torch.nn.functional.cross_entropy, (x, y))"])
def test_a_script_is_explained_with_five_lines_and_sharper_with_one_more(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SCRIPT.replace("PROBE", line))
    words = ["lab", "explain", "--script", f"python {file}", "-s", "multi_step(0.5, factor=0.1, at=[150])"]
    capsys.readouterr()
    assert run([*words, "--seeds", "1", "--workers", "1", "--out", str(tmp_path / "kept"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (cut,) = found["cuts"]
    assert cut["split"]["had"]["mean"] is not None
    assert cut["before"]["turned"]["mean"] is not None
    noise = cut["noise"]["before"]["seeds"][0]
    assert noise["value"] is not None or noise["at_least"] is not None or noise["squared"] < 0
    assert any("Sharpness" in m["what"] for m in found["missing"]) == (line == "")
    assert (cut["before"]["sharp"]["mean"] is not None) == (line != "")
    assert (found["stages"][1]["learned"] != {}) == (line != "")
    assert list((tmp_path / "kept" / "explain").glob("children-*/seed-*")) == []
