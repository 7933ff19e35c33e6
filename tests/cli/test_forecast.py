"""`lrdecay forecast`: what it prints, the keys of its JSON, its picture; bad input is one line and exit 2."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.losslaws.planted import CONSTANT
from tests.verbs.planted_logs import log, pair, with_average

from lrdecay.cli.main import run

COSINE = "warmup(50) + cosine(peak)"


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return [str(path) for path in pair(tmp_path_factory.mktemp("logs"))]


def test_the_table_the_picture_the_advice_and_the_notes_are_printed(logs, capsys, tmp_path):
    words = ["forecast", *logs, "--predict", COSINE, "--predict", "constant(peak) @ 1000", "--law", "momentum"]
    assert run([*words, "--recommend", "--target", "2.9", "--plot", str(tmp_path / "out.svg")]) == 0

    out = capsys.readouterr().out
    for part in (
        "loss, logged and forecast; momentum law",
        "constant (logged)",
        "warmup(50) + cosine(0.1) @ 2000 (forecast)",
        "Tissue, Wang and Wang, 2024, arXiv:2408.11029",
        "lowest",
        "over 2000 updates",
        "target: ",
        "next run: ",
        "note: Schedules without a length are as long as the longest log, 2000 updates.",
    ):
        assert part in out, part
    assert (tmp_path / "out.svg").read_text().count("<path") > 20


def test_json_has_the_keys_of_every_answer(logs, capsys):
    assert run(["forecast", *logs, "--predict", COSINE, "--steps", "1800", "--law", "momentum", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert list(data) == [
        "law",
        "heldout_error",
        "fits",
        "predictions",
        "differences",
        "recommendation",
        "free_form",
        "cooldowns",
        "target_steps",
        "extension",
        "refined",
        "averaged",
        "next_runs",
        "logs",
        "notes",
        "provenance",
    ]
    (one,) = data["predictions"]
    assert one["steps"] == 1800
    assert one["interval"][0] < one["final_loss"] < one["interval"][1]
    assert one["extrapolated"] is False
    assert data["recommendation"] is None
    assert data["target_steps"] is None


def test_what_averaged_weights_say_is_printed_with_the_law_beside_it_or_with_why_there_is_none(logs, capsys, tmp_path):
    watch = str(with_average(tmp_path, "watch", logs[0], below=1.0))
    assert run(["forecast", watch, "--averaged"]) == 0
    alone = capsys.readouterr().out
    assert run(["forecast", watch, logs[1], "--averaged", "--law", "momentum"]) == 0
    beside = capsys.readouterr().out

    for out in (alone, beside):
        assert "linear cooldowns from step 2000 of watch, by its averaged weights" in out
        assert "20%      400" in out
    assert "watch (averaged)" in alone
    assert "by the law" not in alone
    assert "note: No law was fitted, and none is needed for averaged weights." in alone
    assert "by the law" in beside
    assert "they disagree" in beside
    assert "note: watch: the law and the averaged weights disagree on the cooldown of 10%, 20%, 40%" in beside


BAD = [
    ([], ["LOG"]),
    (["none.csv"], ["forecast(logs=...)", "none.csv"]),
    (["{constant}"], ["must hold a run whose rate decays", "Run one short cooldown from a checkpoint"]),
    (["{constant}", "{cooled}", "--steps", "3000"], ["forecast(steps=...)", "--predict SPEC"]),
    (["{constant}", "{cooled}", "--predict", "cosin(0.1)"], ["cosin", "Did you mean `cosine`?"]),
    (["{constant}", "{cooled}", "--predict", "cosine(0.1)", "--steps", "0"], ["positive integer", "got 0"]),
    (["{constant}", "{cooled}", "--predict", "cosine(0.3)", "--law", "momentum"], ["above the logs' peak", "0.3"]),
    (["{constant}", "{cooled}", "--predict", "cosine(0.1) @ 2ep"], ["epoch"]),
    (["{constant}", "{cooled}", "--predict", 'cosine(0.1) * plateau(every="1ep")'], ["without a rule"]),
    (["{constant}", "{cooled}", "--predict", "linear({})"], ["--predict", "braces"]),
    (["{constant}", "{cooled}", "--law", "lawless"], ["forecast(law=...)", "noise_floor", "lawless"]),
    (["{constant}", "{cooled}", "--target", "-1"], ["forecast(target=...)", "positive"]),
    (["{constant}", "{cooled}", "--target", "100"], ["forecast(target=...)", "highest loss"]),
    (["{constant}", "{cooled}", "--seed", "-1"], ["forecast(seed=...)", ">= 0"]),
    (["{constant}", "{cooled}", "--plot", "x.bmp"], ["--plot", ".svg", "x.bmp"]),
    (["{constant}", "{cooled}", "--loss", "los"], ["--loss", "loss"]),
    (["{constant}", "{cooled}", "--lr", "rate"], ["--lr", "rate"]),
    (["{constant}", "{cooled}", "--step", "n"], ["--step", "n"]),
    (["{constant}", "{cooled}", "--run", "warm"], ["--run NAME", "warm"]),
    (["{constant}", "{cooled}", "--warmup", "-5"], ["--warmup", "-5"]),
    (["{constant}", "{cooled}", "--log-steps", "5"], ["--log-steps", "--schedule"]),
    (["{constant}", "{cooled}", "--schedule", "constant(0.1) @ 2000"], ["--schedule SPEC", "as many as logs, 2"]),
    (["{constant}", "{cooled}", "--schedule", "constant(0.1)", "-s", "linear(peak) @ 1500"], ["--log-steps"]),
    (["{constant}", "{other}"], ["one peak rate"]),
    (["{ten}", "{constant}"], ["at least 12 losses"]),
    (["{bad}", "{constant}"], ["diverged"]),
    (["{blank}"], ["blank"]),
    (["{constant}", "--averaged"], ["forecast(averaged=...)", "loss of averaged weights", "CooldownNow"]),
    (["{watch}", "--averaged-column", "averagd"], ["forecast(averaged=...)", "averagd", "Did you mean `averaged`?"]),
    (["{watch}", "--averaged", "--warmup", "2000"], ["--warmup", "before the last look of watch, at step 2000"]),
    (["{watch}", "--averaged", "--steps", "3000"], ["forecast(steps=...)", "--predict SPEC"]),
    (["{watch}", "--averaged", "--recommend"], ["must hold a run whose rate decays"]),
    (["{watch}", "--averaged", "--plot", "x.svg"], ["--plot FILE", "carry a law"]),
    (["{watch}"], ["must hold a run whose rate decays", "watch: --averaged says"]),
    (["{cooldown}", "--averaged"], ["forecast(averaged=...)", "must hold a constant rate", "without the cooldown"]),
]


@pytest.fixture
def broken(tmp_path, monkeypatch, logs):
    """Paths of good and bad logs by name, from an empty working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    other = log(tmp_path, "other", 'wsd(0.2, warmup=50, cooldown="30%")', 1500)
    ten = log(tmp_path, "ten", CONSTANT, 250)
    bad, blank = tmp_path / "bad.csv", tmp_path / "blank.csv"
    rows = [f"{s},0.1,{4 if s < 500 else np.nan}" for s in range(25, 1000, 25)]
    bad.write_text("\n".join(["step,lr,loss", *rows]) + "\n")
    blank.write_text("")
    averaged = {"watch": with_average(tmp_path, "watch", logs[0]), "cooldown": with_average(tmp_path, "cool", logs[1])}
    return {"constant": logs[0], "cooled": logs[1], "other": other, "ten": ten, "bad": bad, "blank": blank} | averaged


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[" ".join(a) or "nothing" for a, _ in BAD])
def test_forecast_refuses_in_one_line(arguments, words, capsys, broken, tmp_path):
    typed = [str(broken[a[1:-1]]) if a[:1] == "{" and a[1:-1] in broken else a for a in arguments]
    got = run(["forecast", *typed])
    out, err = capsys.readouterr()

    assert got == 2, err
    assert out == ""
    assert err.startswith("lrdecay: ")
    assert err.count("\n") == 1, err
    for word in words:
        assert word in err
    assert list((tmp_path / "work").iterdir()) == []
