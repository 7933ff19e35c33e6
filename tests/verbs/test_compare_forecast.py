"""`compare(forecast=True)`: another order of training, to the bit the same study, after a kill too."""

from __future__ import annotations

import json

import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.runs.store.opening import open_store
from lrdecay.sweep.foretold import CHANGED_NOTHING
from lrdecay.verbs.forecast_order import ORDERED
from lrdecay.verbs.studies import check_study

SCHEDULES = [f'wsd(0.2, warmup=0, cooldown="{share}%")' for share in (10, 60, 20)] + ["constant(0.2)", "linear(0.2)"]
NOISY = {"sigma": 0.1, "condition": 100.0, "dimension": 50, "steps": 80}
ASKED = {"seeds": 2, "fixed_peak": True, "arguments": NOISY, "evaluations": 20, "workers": 1}
ADDED = 'wsd(0.2, warmup=0, cooldown="40%")'


class Stopping:
    """Ends the study in the middle of its scoring, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.left = after

    def begin(self, what: str, updates: int) -> None:
        """Ignored."""

    def made(self, updates: int) -> None:
        self.left -= updates
        if self.left < 0:
            raise KeyboardInterrupt


def results_of(compared) -> dict[str, tuple]:
    """All bits of every run that a study scored."""
    with open_store(compared.store) as store:
        found = {m.identity: store.result(m.identity) for m in store.members(compared.id)}
    return {
        i: (r.score, r.digest, dict(r.metrics), r.trace.loss.tobytes(), r.trace.metrics["heldout_loss"].tobytes())
        for i, r in found.items()
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A study in the usual order."""
    return lrdecay.compare("quadratic", SCHEDULES, **ASKED, out=tmp_path_factory.mktemp("plain") / "r")


@pytest.fixture(scope="module")
def ordered(tmp_path_factory):
    """The same, ordered by a forecast, stopped half-way, and gone on with."""
    folder = tmp_path_factory.mktemp("ordered") / "r"
    with pytest.raises(KeyboardInterrupt):
        lrdecay.compare("quadratic", SCHEDULES, **ASKED, forecast=True, out=folder, watch=Stopping(300))
    return lrdecay.resume(folder, workers=1, forecast=True)


def test_a_study_that_was_ordered_stopped_and_gone_on_with_is_the_same_to_the_bit(plain, ordered) -> None:
    assert ordered.id == plain.id
    assert results_of(ordered) == results_of(plain)
    left = ("rows", "winner", "detectable", "shared", "steps_naive")
    assert {k: ordered.to_json()[k] for k in left} == {k: plain.to_json()[k] for k in left}
    assert check_study(ordered.folder) == []


def test_json_report_and_notes_say_what_ordered_it_and_that_no_number_changed(plain, ordered) -> None:
    forecast = json.loads((ordered.folder / "result.json").read_text())["forecast"]
    page = " ".join(ordered.report.read_text().split())

    assert plain.to_json()["forecast"] is None
    assert forecast["said"][-1] == CHANGED_NOTHING == ordered.study.notes[-1]
    assert any(text.startswith("Seed 1: ordered by what the same schedules scored") for text in forecast["said"])
    assert {row["seed"] for row in forecast["runs"]} >= {1}
    for row in forecast["runs"]:
        assert row["error"] == pytest.approx(row["predicted"] - row["observed"])
    assert "The forecast that ordered the runs" in page
    assert CHANGED_NOTHING in page
    assert "The forecast that ordered the runs" not in plain.report.read_text()


def test_runs_made_apart_are_ordered_too_and_what_was_finished_is_told_again(ordered) -> None:
    more = lrdecay.resume(ordered.folder, [ADDED, "cosine(0.2)"], workers=1, forecast=True, share=False)

    rows = {row.written: row.values for row in more.study.main.rows}
    assert {row.written: row.values for row in ordered.study.main.rows}.items() <= rows.items()
    by = {(row.schedule, row.seed): row.by for row in more.study.forecast.runs}
    assert by[ADDED, 0] == by["cosine(0.2)", 0] == "by sublinear"  # seed 1 of the others says nothing of them


def test_where_the_disk_has_one_order_only_that_is_said(tmp_path) -> None:
    asked = ASKED | {"seeds": 1, "max_disk": "3kB", "out": tmp_path / "r", "forecast": True}
    tight = lrdecay.compare("quadratic", [*SCHEDULES[:3], 'step(0.2, factor=0.5, every="30%")'], **asked)

    assert any("--max-disk" in note for note in tight.study.notes)
    assert tight.study.forecast.runs == ()


def test_the_plan_says_that_a_forecast_will_order(capsys) -> None:
    asked = ["compare", "quadratic", "-s", "cosine(0.1)", "-s", "linear(0.1)", "--with", "steps=20", "--dry-run"]

    assert run([*asked, "--workers", "1", "--forecast"]) == 0
    assert ORDERED in capsys.readouterr().out
