"""`compare`: own peaks on pilot seeds, paired scores, an honest verdict, nothing trained twice."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lrdecay
import lrdecay.verbs.compare
from lrdecay.cli.main import run
from lrdecay.errors import InputError, RunError
from lrdecay.runs.store.opening import open_store
from lrdecay.sweep.pilots import FIRST_PILOT_SEED

SCHEDULES = ["constant(0.2)", "linear(0.2)", 'step(0.2, factor=0.1, every="40%")']
NOISY = {"sigma": 1.0, "condition": 10.0, "dimension": 5, "steps": 200}


def once_for_each_past(results):
    """Updates of these runs, each made once for every past of rates that differs in a bit."""
    return len({(r.seed, r.trace.rate[: n + 1].tobytes()) for r in results for n in range(r.steps)})


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One comparison on the noisy quadratic, where decay must win: the noise floor is proportional to the rate."""
    out = tmp_path_factory.mktemp("compare")
    return lrdecay.compare("quadratic", SCHEDULES, seeds=4, arguments=NOISY, out=out / "report", workers=2)


def test_the_json_keeps_its_contract(compared):
    data = json.loads(json.dumps(compared.to_json(), allow_nan=False))

    assert {"task", "metric", "rows", "winner", "detectable", "steps_trained", "steps_naive"} <= set(data)
    assert data["task"] == "quadratic"
    assert data["metric"] == "loss"
    for row in data["rows"]:
        assert {"spec", "peak", "values", "mean", "interval"} <= set(row)
        assert len(row["values"]) == 4
        assert row["mean"] == pytest.approx(sum(row["values"]) / 4)
        assert row["interval"][0] <= row["mean"] <= row["interval"][1]
        assert lrdecay.peak_of(lrdecay.parse(row["spec"])) == row["peak"]
    means = [row["mean"] for row in data["rows"]]
    assert means == sorted(means)
    assert 0 < data["steps_trained"] <= data["steps_naive"]


def test_decay_beats_a_constant_rate_where_gradients_are_noisy(compared):
    means = {row.written.split("(")[0]: row.mean for row in compared.study.main.rows}

    assert means["linear"] < means["constant"]


def test_pilot_seeds_are_never_scored_and_scoring_seeds_never_choose(compared):
    data = compared.to_json()
    with open_store(compared.folder) as store:
        members = store.members(compared.id)

    assert data["seeds"] == [0, 1, 2, 3]
    assert data["pilot_seeds"] == [FIRST_PILOT_SEED, FIRST_PILOT_SEED + 1]
    for written, choice in data["peaks"].items():
        scored = {m.schedule for m in members if m.role == "score"}
        assert len(choice["tried"]) >= 3
        at_own = str(lrdecay.at_peak(lrdecay.parse(written), choice["chosen"]))
        assert at_own in scored
    assert {m.role for m in members if m.seed >= FIRST_PILOT_SEED} == {"pilot"}
    assert {m.role for m in members if m.seed < FIRST_PILOT_SEED} == {"score"}


def test_every_schedule_is_scored_on_the_same_seeds_at_its_own_and_at_the_shared_peak(compared):
    study = compared.study
    for table in (study.main, study.shared):
        for row in table.rows:
            assert [r.seed for r in row.results] == [0, 1, 2, 3]
    assert len({row.peak for row in study.shared.rows}) == 1


def test_the_report_folder_is_whole(compared):
    assert compared.report.name == "report.html"
    page = compared.report.read_text()
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    stored = json.loads((compared.folder / "result.json").read_text())
    assert stored["rows"] == compared.to_json()["rows"]
    assert stored["provenance"]["versions"]["numpy"]
    assert len(list((compared.folder / "traces").glob("*.csv"))) >= 12


def test_asking_again_trains_nothing_and_gives_the_same_numbers(compared, tmp_path):
    folder = shutil.copytree(compared.folder, tmp_path / "report")
    again = lrdecay.compare("quadratic", SCHEDULES, seeds=4, arguments=NOISY, out=folder, workers=2)

    assert again.study.steps_trained == 0
    assert again.to_json()["rows"] == compared.to_json()["rows"]


def test_another_seed_trains_only_what_is_new(compared, tmp_path):
    folder = shutil.copytree(compared.folder, tmp_path / "report")
    more = lrdecay.compare("quadratic", SCHEDULES, seeds=5, arguments=NOISY, out=folder, workers=2)

    new = [row.results[4] for row in (*more.study.main.rows, *more.study.shared.rows)]
    assert more.study.steps_trained == once_for_each_past(new)


def test_the_same_study_elsewhere_gives_the_same_bits(compared, tmp_path):
    again = lrdecay.compare("quadratic", SCHEDULES, seeds=4, arguments=NOISY, out=tmp_path / "r", workers=1)

    assert again.to_json()["rows"] == compared.to_json()["rows"]
    assert again.to_json()["peaks"] == compared.to_json()["peaks"]


def test_one_seed_never_gives_a_winner(tmp_path, capsys):
    arguments = ["compare", "quadratic", "-s", "constant(0.001)", "-s", "linear(0.1)", "--seeds", "1", "--fixed-peak"]
    assert run([*arguments, "--out", str(tmp_path / "r"), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["winner"] is None
    assert data["detectable"] is None
    assert data["pilot_seeds"] == []


def test_a_fixed_peak_is_said_to_rank_schedules_at_one_peak(tmp_path, capsys):
    arguments = ["compare", "quadratic", "-s", "constant(0.05)", "-s", "linear(0.05)", "--seeds", "2", "--fixed-peak"]
    assert run([*arguments, "--steps", "50", "--out", str(tmp_path / "r")]) == 0

    assert "ranks schedules at one peak, not schedules" in " ".join(capsys.readouterr().out.split())


def test_an_open_peak_is_found_first_and_its_updates_are_counted(tmp_path):
    compared = lrdecay.compare("quadratic", ["linear(peak)"], seeds=2, arguments=NOISY, out=tmp_path / "r")
    study = compared.study

    assert any("range test" in note for note in study.notes)
    assert study.steps_naive > sum(200 for _ in range(2)) + len(study.choices["linear(peak)"].scores) * 2 * 200


def test_a_schedule_that_diverges_at_some_peaks_is_moved_to_one_where_it_trains(tmp_path):
    compared = lrdecay.compare("quadratic", ["constant(6.0)"], seeds=2, arguments={"steps": 400}, out=tmp_path / "r")

    assert all(math.isfinite(v) for v in compared.study.main.rows[0].values)
    assert None in compared.to_json()["peaks"]["constant(6.0)"]["tried"]["12.0"]


def test_a_schedule_that_diverges_wherever_it_is_tried_is_an_error_that_says_so(tmp_path):
    with pytest.raises(RunError, match="not finite at every one tried"):
        lrdecay.compare("quadratic", ["constant(1e6)"], seeds=2, arguments={"steps": 400}, out=tmp_path / "r")


def test_a_schedule_may_carry_its_own_horizon(tmp_path):
    compared = lrdecay.compare(
        "quadratic", ["linear(0.1)", "linear(0.1) @ 50"], seeds=2, fixed_peak=True, arguments=NOISY, out=tmp_path / "r"
    )

    assert {row.spec: row.results[0].steps for row in compared.study.main.rows} == {
        "linear(0.1)": 200,
        "linear(0.1) @ 50": 50,
    }


def test_schedules_that_do_not_fit_are_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(InputError, match="at least one update"):
        lrdecay.compare(
            "quadratic", ["constant(0.1)", "warmup(500) + linear(0.1)"], arguments=NOISY, out=tmp_path / "r"
        )

    assert not (tmp_path / "r").exists()


def test_a_study_killed_at_any_moment_goes_on_and_ends_the_same(compared, tmp_path):
    code = (
        "import lrdecay\n"
        "if __name__ == '__main__':\n"
        f"    lrdecay.compare('quadratic', {SCHEDULES!r}, seeds=4, arguments={NOISY!r}, out='report', workers=2)\n"
    )
    (tmp_path / "study.py").write_text(code)
    for wait in (1.5, 2.5):
        child = subprocess.Popen([sys.executable, "study.py"], cwd=tmp_path, start_new_session=True)
        time.sleep(wait)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    subprocess.run([sys.executable, "study.py"], cwd=tmp_path, check=True)

    stored = json.loads((tmp_path / "report" / "result.json").read_text())
    assert stored["rows"] == compared.to_json()["rows"]
    with open_store(tmp_path / "report") as store:
        assert store.check() == []
        assert [study.state for study in store.studies()] == ["finished"]


def test_schedules_without_a_peak_in_common_are_not_ranked_at_a_shared_one(tmp_path):
    compared = lrdecay.compare(
        "quadratic", ["constant(0.1)", "linear(0.0003)"], seeds=2, arguments=NOISY, out=tmp_path / "r"
    )

    assert compared.study.shared is None
    assert any("none is shared" in note for note in compared.study.notes)


def test_scoring_seeds_never_reach_the_pilots():
    with pytest.raises(InputError, match="at most 10000"):
        lrdecay.compare("quadratic", SCHEDULES, seeds=10_001)


def test_a_script_is_compared_like_a_task(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    arguments = ["compare", "--script", f"{sys.executable} examples/script.py", "--seeds", "1", "--fixed-peak"]
    schedules = ["-s", "constant(0.2)", "-s", "cosine(0.2)"]
    assert run([*arguments, *schedules, "--steps", "60", "--out", str(tmp_path / "r"), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert data["metric"] == "accuracy"
    assert data["steps_trained"] == 120
    assert {row["spec"] for row in data["rows"]} == {"constant(0.2)", "cosine(0.2)"}
    assert all(0 < v < 1 for row in data["rows"] for v in row["values"])


def kept_results(path: Path) -> int:
    """How many runs are in an SQLite store that somebody is making."""
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return database.execute("SELECT count(*) FROM lrdecay_results").fetchone()[0]
        except sqlite3.OperationalError:  # not made yet, or just being made
            return 0


def test_ctrl_c_is_one_line_and_the_study_goes_on_from_there(tmp_path):
    command = [sys.executable, "-c", "from lrdecay.cli.main import main; main()", "compare", "quadratic"]
    schedules = [f"-slinear({rate})" for rate in (0.1, 0.11, 0.12, 0.13)]
    arguments = [*command, *schedules, "--fixed-peak", "--seeds", "40", "--steps", "4000", "--out", "r"]
    child = subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not kept_results(tmp_path / "r" / "lrdecay.db"):
        time.sleep(0.05)
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)

    assert child.returncode == 130
    plan, *rest = said.splitlines()
    assert plan.startswith("160 runs, 640,000 updates if run apart")
    assert len(rest) == 1
    assert "interrupted" in rest[0]
    with open_store(tmp_path / "r") as store:
        assert [study.state for study in store.studies()] == ["running"]
        assert store.check() == []


def test_no_peak_below_a_floor_is_tried(tmp_path):
    compared = lrdecay.compare(
        "quadratic", ["linear(0.1, floor=0.06)", "constant(0.1)"], seeds=2, arguments=NOISY, out=tmp_path / "r"
    )

    tried = compared.study.choices["linear(0.1, floor=0.06)"].scores
    assert min(tried) == 0.1
    assert 0.2 in tried


def test_a_study_in_which_every_run_diverged_has_failed_and_says_where(tmp_path):
    with pytest.raises(RunError, match=r"at step \d+ \(rate 1e\+06\)"):
        lrdecay.compare(
            "quadratic", ["constant(1e6)"], seeds=2, fixed_peak=True, arguments={"steps": 400}, out=tmp_path / "r"
        )

    assert (tmp_path / "r" / "report.html").exists()
    assert len(list((tmp_path / "r" / "traces").glob("*.csv"))) >= 2


STEPS = [f'multi_step(0.2, factor={factor}, at=["50%", "{at}%"])' for factor in (0.1, 0.5) for at in (70, 90)]


def test_runs_made_apart_give_the_same_results_and_cost_what_the_plan_says(tmp_path, capsys):
    asked = {"seeds": 2, "arguments": NOISY, "workers": 2, "fixed_peak": True}
    planned = lrdecay.verbs.compare.dry_run("quadratic", STEPS, **asked)
    told = []
    shared = lrdecay.compare("quadratic", STEPS, **asked, out=tmp_path / "shared", say=told.append)
    apart = lrdecay.compare("quadratic", STEPS, **asked, out=tmp_path / "apart", share=False)

    assert apart.to_json()["rows"] == shared.to_json()["rows"]
    assert apart.study.steps_naive == apart.study.steps_trained == shared.study.steps_naive == 2 * 4 * 200
    assert shared.study.steps_trained == planned.steps_trained == 2 * (100 + 2 * (40 + 60 + 60))
    for a, b in zip(apart.study.main.rows, shared.study.main.rows, strict=True):
        for x, y in zip(a.results, b.results, strict=True):
            assert x.digest == y.digest is not None
            assert x.trace.loss.tobytes() == y.trace.loss.tobytes()
    assert told[0].startswith("8 runs, 1,600 updates if run apart, 840 as a tree, about ")
    assert not (tmp_path / "shared" / "snapshots").exists()


def test_a_dry_run_trains_nothing_and_says_what_a_study_would_cost(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    schedules = [f'wsd(peak, warmup="2%", cooldown="10%") @ {n}' for n in (400, 600, 800)]
    arguments = ["compare", "quadratic", *(a for s in schedules for a in ("-s", s)), "--seeds", "1", "--dry-run"]
    assert run([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)

    assert {"steps_naive", "steps_trained", "snapshots", "bytes_per_snapshot", "peak_bytes", "near_misses"} <= set(data)
    assert data["steps_naive"] == 1800 * (1 + 2 * 3)
    assert data["near_misses"] == []
    assert data["advice"] == ['warmup="2%" at horizons 400, 600, 800: warmup=16 would share 2.0x, not 1.0x']
    assert "open peaks are planned at 0.1" in data["assumes"][0]
    assert list(tmp_path.iterdir()) == []
    assert run(arguments) == 0
    assert "21 runs, 12,600 updates if run apart" in capsys.readouterr().out


def test_a_near_miss_is_reported_and_not_merged():
    a, b = "multi_step(0.3, factor=0.1, at=[50])", f"multi_step({0.1 + 0.2!r}, factor=0.2, at=[50])"
    planned = lrdecay.verbs.compare.dry_run("quadratic", [a, b], seeds=1, arguments=NOISY, fixed_peak=True)

    assert planned.steps_trained == planned.steps_naive == 400
    assert planned.near_misses == ({"schedules": [a, b], "at": 0, "until": 50},)


def test_a_disk_too_small_for_what_sharing_needs_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(InputError, match="`--max-disk` must hold 2 snapshots at once, got room for 0"):
        lrdecay.compare(
            "quadratic", STEPS, arguments=NOISY, fixed_peak=True, max_disk="100 B", out=tmp_path / "r", workers=1
        )
    with open_store(tmp_path / "r") as store:
        assert store.studies() == []
    with pytest.raises(InputError, match="must be an amount such as 2GB"):
        lrdecay.compare("quadratic", STEPS, max_disk="much")


SCRIPT = """
import os
import numpy as np
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=400), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "constant(0.1)")
w = np.random.standard_normal(5)
def save(path, t):
    np.save(open(path, "wb"), np.array([*w, t]))
def load(path):
    saved = np.load(path)
    w[:] = saved[:5]
    return int(saved[-1])
for t in run.steps(ARGUMENTS):
    run.log(loss=float(w @ w))
    w[:] = w - rates[t] * (w + 0.1 * np.random.standard_normal(5))
"""


def of_a_script(folder, arguments):
    (folder / "train.py").write_text(SCRIPT.replace("ARGUMENTS", arguments))
    return {
        "script": f"{sys.executable} {folder / 'train.py'}",
        "schedules": ["constant(0.2)", "multi_step(0.2, factor=0.1, at=[390])"],
        "seeds": 1,
        "fixed_peak": True,
        "workers": 2,
    }


def test_a_script_is_forked_and_gives_the_results_of_whole_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("lrdecay.sweep.costs.Costs.least", 10)  # a start is worth 10 updates, however slow it is today
    asked = of_a_script(tmp_path, "save=save, load=load")
    shared = lrdecay.compare(**asked, out=tmp_path / "shared")
    apart = lrdecay.compare(**asked, out=tmp_path / "apart", share=False)

    assert (shared.study.steps_trained, apart.study.steps_trained) == (410, 800)
    assert shared.to_json()["rows"] == apart.to_json()["rows"]


def test_a_script_that_saves_nothing_is_made_apart_and_the_report_says_so(tmp_path):
    compared = lrdecay.compare(**of_a_script(tmp_path, ""), out=tmp_path / "r")

    assert compared.study.steps_trained == 800
    assert any("made apart" in note and "no save" in note for note in compared.study.notes)
