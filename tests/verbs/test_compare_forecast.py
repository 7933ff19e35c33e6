"""`compare(forecast=True)`: another order of training, to the bit the same study, after a kill too."""

from __future__ import annotations

import json

import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.store.opening import open_store
from lrdecay.schedule import parse
from lrdecay.sweep.foretold import CHANGED_NOTHING
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.runner import NO_ROOM, Runner
from lrdecay.verbs.forecast_order import ORDERED, ForecastOrder
from lrdecay.verbs.sources import source_of
from lrdecay.verbs.studies import check_study

SCHEDULES = [f'wsd(0.2, warmup=0, cooldown="{share}%")' for share in (60, 10)] + ["constant(0.2)", "linear(0.2)"]
NOISY = {"sigma": 0.1, "condition": 100.0, "dimension": 50, "steps": 80}
ASKED = {"seeds": 2, "fixed_peak": True, "arguments": NOISY, "evaluations": 20, "workers": 1}


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
    """The same, ordered by a forecast, stopped within its first seed, and gone on with, the runs apart."""
    folder = tmp_path_factory.mktemp("ordered") / "r"
    with pytest.raises(KeyboardInterrupt):
        lrdecay.compare("quadratic", SCHEDULES, **ASKED, forecast=True, out=folder, watch=Stopping(88))
    return lrdecay.resume(folder, workers=1, forecast=True, share=False)


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


def test_what_was_finished_before_the_stop_is_told_again_so_that_the_first_seed_is_ordered_by_a_law(ordered) -> None:
    runs = ordered.study.forecast.runs

    assert "Seed 0: ordered by the heldout_loss that the law noise_floor predicts." in ordered.study.forecast.said
    assert {row.by for row in runs if row.seed == 0} == {"by noise_floor"}
    assert [row.seed for row in runs] == sorted(row.seed for row in runs)


def test_where_the_disk_has_one_order_only_that_is_said_and_no_order_is_asked_for(tmp_path) -> None:
    source = source_of("quadratic", None, arguments=NOISY)
    horizon = source.probe(None, None).horizon
    rates = [parse(f'wsd(0.2, warmup=0, cooldown="{share}%")').bind(horizon).values() for share in (10, 30, 60, 80)]
    runs = [RunSpec(source, 0, f"{i}", horizon, own, "loss", "min") for i, own in enumerate(rates)]
    order = ForecastOrder({})
    order.expect({r.identity(): r for r in runs}, {r.identity(): r.schedule for r in runs})
    with LocalPool(1) as pool, Journal(tmp_path) as journal:
        runner = Runner(pool, journal, snapshots=2)
        runner.run(runs, "scoring", priority=order)

    assert runner.notes == [NO_ROOM]
    assert order.outcome().sentences() == ("No run was put into another order.", CHANGED_NOTHING)


def test_the_plan_says_that_a_forecast_will_order(capsys) -> None:
    asked = ["compare", "quadratic", "-s", "cosine(0.1)", "-s", "linear(0.1)", "--with", "steps=20", "--dry-run"]

    assert run([*asked, "--workers", "1", "--forecast"]) == 0
    assert ORDERED in capsys.readouterr().out
