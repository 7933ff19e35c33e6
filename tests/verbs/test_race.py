"""`compare(race=...)`: what is plainly beaten is not trained further, the same way after a kill, apart and alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

import lrdecay
import lrdecay.verbs.compare
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.report.verdict import verdict
from lrdecay.runs.store.opening import open_store
from lrdecay.verbs.studies import check_study

BAD = "constant(0.0001)"
SCHEDULES = [BAD, "linear(0.2)", *(f'multi_step(0.2, factor=0.1, at=["{at}%"])' for at in (50, 70))]
NOISY = {"sigma": 1.0, "condition": 10.0, "dimension": 5, "steps": 200}
ASKED = {"seeds": 6, "fixed_peak": True, "arguments": NOISY, "race": 0.05}
GOOD = 200 + 199 + 100  # updates of a seed without the bad one: a step, a line that agrees on its first update, a step
KILLED = """
import os, signal
import lrdecay

class Killing:
    def __init__(self, when, updates):
        self.when, self.updates, self.on = when, updates, False
    def begin(self, what, updates):
        self.on = self.when in what
        self.made(0)
    def made(self, updates):
        if self.on:
            self.updates -= updates
            if self.updates <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    watch = Killing(WHEN, UPDATES)
    lrdecay.compare("quadratic", SCHEDULES, **ASKED, out="r", workers=2, watch=watch)
"""


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A race of four, one of them hopeless."""
    return lrdecay.compare("quadratic", SCHEDULES, **ASKED, out=tmp_path_factory.mktemp("race") / "r", workers=2)


def test_what_is_plainly_beaten_is_trained_no_further_to_the_update(raced):
    rows = {row.written: row for row in raced.study.main.rows}
    lost = raced.study.raced.dropped

    assert set(lost) == {BAD}
    assert lost[BAD].after == len(rows[BAD].results) == 3
    assert all(len(row.results) == 6 for written, row in rows.items() if written != BAD)
    assert raced.study.steps_trained == 3 * (200 + GOOD) + 3 * GOOD
    assert raced.study.steps_naive == (3 * 4 + 3 * 3) * 200
    assert raced.study.main.rows[-1].written == BAD
    assert raced.study.main.winner != BAD
    with open_store(raced.folder) as store:
        assert len(store.members(raced.id)) == 3 * 4 + 3 * 3
    assert check_study(raced.folder) == []


def test_the_error_rate_and_what_is_taken_as_given_stand_in_text_json_and_report(raced):
    rate = "The best schedule is dropped with a chance of at most 5%."
    data = json.loads((raced.folder / "result.json").read_text())
    page = " ".join(raced.report.read_text().split())

    assert data["race"] == raced.to_json()["race"] == raced.study.raced.to_json()
    assert data["race"]["error_rate"] == rate
    assert (data["race"]["alpha"], data["race"]["looks"], data["race"]["left"]) == (0.05, [3, 4, 5], 3)
    (lost,) = data["race"]["dropped"]
    assert (lost["schedule"], lost["after"]) == (BAD, 3)
    assert lost["p"] <= 0.05 / (3 * 3)
    words = verdict(raced.study)
    assert f"dropped {BAD} after 3 seeds, beaten by {lost['beaten_by']}. {rate}" in words
    assert "All else is said of the 3 left" in words
    assert page.count(rate) >= 2
    assert "<td>dropped</td><td>dropped</td><td>dropped</td>" in page


def test_those_left_have_the_scores_they_would_have_without_a_race(raced, tmp_path):
    plain = lrdecay.compare("quadratic", SCHEDULES, **(ASKED | {"race": None}), out=tmp_path / "r", workers=2)

    assert plain.id != raced.id
    assert plain.to_json()["race"] is None
    assert plain.study.steps_trained == 6 * (200 + GOOD)
    own = {row.written: row.values for row in plain.study.main.rows}
    for row in raced.study.main.rows:
        assert row.values == own[row.written][: len(row.values)]


def test_runs_made_apart_by_one_worker_give_the_same_race(raced, tmp_path):
    how = {"workers": 1, "share": False, "forecast": True}  # none of it changes a number
    apart = lrdecay.compare("quadratic", SCHEDULES, **ASKED, **how, out=tmp_path / "r")

    assert apart.to_json()["race"] == raced.to_json()["race"]
    assert apart.to_json()["rows"] == raced.to_json()["rows"]
    assert apart.study.steps_trained == apart.study.steps_naive == 21 * 200


def test_a_race_killed_within_a_round_goes_on_and_ends_the_same(raced, tmp_path):
    code = KILLED.replace("SCHEDULES", repr(SCHEDULES)).replace("ASKED", repr(ASKED))
    (tmp_path / "study.py").write_text(code.replace("WHEN", repr("5 of 6 seeds")).replace("UPDATES", "150"))
    killed = subprocess.run([sys.executable, "study.py"], cwd=tmp_path, check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    again = lrdecay.resume(tmp_path / "r", workers=2)

    assert again.id == raced.id
    assert again.to_json()["race"] == raced.to_json()["race"]
    assert again.to_json()["rows"] == raced.to_json()["rows"]
    assert GOOD <= again.study.steps_trained < 3 * GOOD
    assert check_study(tmp_path / "r") == []
    assert lrdecay.resume(tmp_path / "r", workers=2).study.steps_trained == 0


def test_a_plan_says_the_most_and_the_least_and_a_budget_must_cover_the_most(capsys):
    planned = lrdecay.verbs.compare.dry_run("quadratic", SCHEDULES, **ASKED, workers=1)

    assert (planned.runs, planned.steps_trained) == (24, 6 * (200 + GOOD))
    assert planned.to_json()["at_least"] == {"runs": 12, "steps_naive": 2400, "steps_trained": 3 * (200 + GOOD)}
    most, least = planned.sentences()[:2]
    assert most.startswith("at most 24 runs, 4,800 updates if run apart, 4,194 as a tree, about ")
    assert least == "raced: at least 12 runs, 2,097 updates, where the first look leaves one schedule"
    with pytest.raises(InputError, match="`--budget 4193` must cover the study, got 24 runs of 4194 updates"):
        lrdecay.verbs.compare.dry_run("quadratic", SCHEDULES, **ASKED, workers=1, budget=4193)
    assert lrdecay.verbs.compare.dry_run("quadratic", SCHEDULES, **ASKED, workers=1, budget=4194).runs == 24


def test_it_races_at_peaks_chosen_on_pilots_and_a_loser_is_not_trained_at_the_shared_one_either(tmp_path):
    floored = "linear(0.4, floor=0.35)"
    asked = {"seeds": 5, "pilots": 2, "arguments": NOISY | {"dimension": 40}, "workers": 2, "race": 0.05}
    compared = lrdecay.compare("quadratic", [floored, "linear(0.4)"], **asked, out=tmp_path / "r")
    study = compared.study

    assert list(study.raced.dropped) == [floored]
    made = {floored: study.raced.dropped[floored].after, "linear(0.4)": study.raced.made}
    for table in (study.main, study.shared):
        assert {row.written: len(row.results) for row in table.rows} == made
    assert study.raced.made < 5  # one is left, so that there is nothing more to find out
    assert study.seeds == tuple(range(study.raced.made))
    assert study.main.winner == study.main.rows[0].spec
    assert study.shared.winner is None
    words = verdict(study)
    assert "Of 2 it alone was left in the race." in words
    assert f"The race ended after {study.raced.made} seeds, with one left." in words


def test_every_schedule_under_every_variant_is_one_candidate(tmp_path, capsys):
    arguments = ["compare", "quadratic", "-s", BAD, "-s", "linear(0.2)", "--fixed-peak", "--steps", "200"]
    arguments += ["--with", "condition=10.0", "--with", "dimension=5", "--vary", "sigma={0.3,1.0}"]
    assert (
        run([*arguments, "--race", "0.05", "--race-after", "4", "--seeds", "6", "--out", str(tmp_path), "--json"]) == 0
    )
    data = json.loads(capsys.readouterr().out)

    assert data["race"]["candidates"] == 4
    assert data["race"]["looks"] == [4, 5]
    assert {f"{BAD} | sigma=0.3", f"{BAD} | sigma=1.0"} <= {lost["schedule"] for lost in data["race"]["dropped"]}


def test_more_seeds_are_another_race_with_its_own_looks(raced, tmp_path):
    folder = shutil.copytree(raced.folder, tmp_path / "r")
    more = lrdecay.resume(folder, seeds=7, workers=2)

    assert more.id != raced.id
    assert more.to_json()["race"]["looks"] == [3, 4, 5, 6]
    assert more.to_json()["race"]["alpha"] == 0.05
    assert run(["compare", "--resume", str(folder), "--race", "0.1"]) == 2
