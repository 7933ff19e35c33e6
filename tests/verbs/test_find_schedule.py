"""`find` with a schedule: short runs of it, a law, a peak for the full run, and refusals before anything is trained."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError, RunError
from lrdecay.rangetest.reading import read
from lrdecay.rangetest.repeatability import repeatability
from lrdecay.runs.spec import Probe, RunSpec
from lrdecay.sweep.pool import LocalPool
from lrdecay.verbs.find_schedule import held_decay, judged_by
from lrdecay.verbs.finding import Finding
from lrdecay.verbs.scored_runs import _alone, _branches, agree
from lrdecay.verbs.short_runs import ShortRuns
from lrdecay.verbs.show import spec_of
from lrdecay.verbs.sources import source_of

SMOOTH = {"sigma": 0.1, "condition": 10.0}
WIDE = {"low": 1e-5, "high": 100.0, "repeats": 3}


@pytest.fixture(scope="module")
def linear() -> Finding:
    return lrdecay.find("quadratic", schedule="linear @ 449", arguments=SMOOTH, workers=2, **WIDE)


def test_the_suggestion_is_the_extrapolated_peak_and_the_range_tests_is_kept(linear: Finding) -> None:
    data = json.loads(json.dumps(linear.to_json(), allow_nan=False))
    found = data["schedule"]
    assert data["suggestion"] == found["extrapolated"] == linear.suggestion
    assert data["interval"] == found["interval"]
    assert data["range_test"]["suggestion"] == linear.range_test.suggestion != data["suggestion"]
    assert found["spec"] == "linear(peak) @ 449"
    assert found["steps"] == 449
    assert len(found["lengths"]) == len(found["peaks"]) == 3
    assert found["compression"] == pytest.approx(449 / found["lengths"][-1])
    assert found["compression"] <= 10
    assert "weight decay held" in found["held"]
    assert found["interval"][0] < found["extrapolated"] < found["interval"][1]
    assert found["exponent_interval"][0] < found["exponent"] < found["exponent_interval"][1]
    assert data["restored"] is True


def test_every_update_is_counted(linear: Finding) -> None:
    found = linear.schedule
    made = sum(r.steps * len(scores) for r in found.rungs for scores in r.scores.values())
    made += sum(run.steps for run in found.whole.runs)
    assert found.steps_used == made
    assert linear.steps_used == made + linear.range_test.steps_used
    assert found.scored_by == "loss"


def test_a_loss_is_tried_at_full_length_with_the_bits_of_the_full_run(linear: Finding) -> None:
    found = linear.schedule
    assert [run.peak for run in found.whole.runs] == [found.law.peak]
    task = source_of("quadratic", arguments=SMOOTH).build(30_000)
    rates = lrdecay.linear(found.law.peak).bind(lrdecay.Horizon(steps=449)).values()
    task.advance({"lr": rates})
    assert found.whole.runs[0].score == task.evaluate()["loss"]
    assert found.to_json()["full_length"]["overfits"] is False


def test_each_score_is_the_held_out_loss_of_the_compressed_schedule_on_its_seed(linear: Finding) -> None:
    rung = linear.schedule.rungs[0]
    peak = min(rung.scores)
    task = source_of("quadratic", arguments=SMOOTH).build(30_000)
    rates = lrdecay.linear(peak).bind(lrdecay.Horizon(steps=rung.steps)).values()
    task.advance({"lr": rates})
    assert rung.scores[peak][0] == task.evaluate()["loss"]


def test_the_same_command_gives_the_same_bits_whatever_the_workers(linear: Finding) -> None:
    stated = "linear(0.5) @ 449"  # the peak of it is not used
    again = lrdecay.find("quadratic", schedule=stated, arguments=SMOOTH, workers=1, **WIDE)
    assert again.schedule.rungs == linear.schedule.rungs
    assert again.schedule.law == linear.schedule.law


def test_a_landscape_ten_times_as_steep_moves_the_schedules_peak_down_by_one_decade() -> None:
    answers = []
    for scale in (1.0, 10.0):  # curvature and noise alike: then a tenth of the rate makes the same run
        task = {"condition": 10.0, "sigma": 0.1 * scale, "curvature_scale": scale}
        found = lrdecay.find("quadratic", schedule="cosine", arguments=task, low=1e-5, high=100.0, repeats=3)
        answers.append(found.suggestion)
    assert math.log10(answers[0] / answers[1]) == pytest.approx(1, abs=0.1)


def specs(after: list[float]) -> list[RunSpec]:
    """Runs of 30 updates that agree for 12."""
    source = source_of("quadratic", arguments=SMOOTH)
    probe = source.probe(30, None)
    tables = [np.array([0.01] * 12 + [rate] * 18) for rate in after]
    return [RunSpec(source, 5, "", probe.horizon, t, probe.metric, probe.goal, evaluations=1) for t in tables]


def test_forked_branches_end_where_the_runs_apart_end_and_the_trunk_is_paid_once() -> None:
    runs = specs([0.02, 0.05, 1e300])
    assert agree(runs) == 12
    forked, apart = _branches(runs), [_alone(r) for r in runs]
    assert [f.score for f in forked[:2]] == [a.score for a in apart[:2]]
    assert math.isnan(forked[2].score)
    assert math.isnan(apart[2].score)
    assert [f.steps for f in forked] == [30, 18, 18]


def test_candidates_with_a_warmup_that_does_not_move_are_forked_and_it_is_said() -> None:
    source = source_of("quadratic", arguments=SMOOTH)
    with LocalPool(1) as pool:
        probe = pool.call(source.probe, 200, None)
        spec = spec_of("ramp(0.0, peak, over='20%') + cosine(peak)")
        runs = ShortRuns(pool, source, probe, spec, probe.horizon, (30_000, 30_001))
        scores = runs.scores(40, (0.05, 0.1, 0.2), 0)
    assert runs.shared_steps == 1  # the update at rate 0
    assert runs.steps_used == 2 * (3 * 40 - 2 * 1)
    assert all(np.isfinite(s).all() for s in scores.values())


def test_a_script_makes_each_short_run_in_a_process_of_its_own(monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with LocalPool(2) as pool:
        source = source_of(None, f"{sys.executable} examples/script.py")
        horizon = lrdecay.Horizon(steps=460, steps_per_epoch=23)
        probe = Probe("script", horizon, None, None)
        runs = ShortRuns(pool, source, probe, spec_of("linear(peak)"), horizon, (30_000,))
        scores = runs.scores(47, (0.001, 0.2), 0)
    assert runs.metric == "accuracy"
    assert runs.steps_used == 2 * 47
    assert -1 <= scores[0.2][0] < scores[0.001][0] <= 0  # smaller is better


FORKS = """
import json, os, random
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=200), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "cosine(0.1)")
w = 1.0
def save(path, t):
    with open(path, "w") as f:
        json.dump([w, t], f)
def load(path):
    global w
    with open(path) as f:
        w, t = json.load(f)
    return t
for t in run.steps(SAVES):
    loss = w * w
    w -= float(rates[t]) * (2 * w + 0.1 * random.gauss(0, 1))
    run.log(LOGGED)
"""
LATE = "clamp(ramp(0.0, peak, over='80%') + cosine(peak), low=0.05)"  # a floor is the same for every peak


def of_script(folder: Path, monkeypatch, saves: str, logged: str, peaks=(0.06, 0.08, 0.1)) -> tuple[ShortRuns, dict]:
    """Short runs of a script that draws random numbers, that share their first updates, at the schedule's floor."""
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text(FORKS.replace("SAVES", saves).replace("LOGGED", logged))
    source = source_of(None, f"{sys.executable} train.py")
    horizon = lrdecay.Horizon(steps=200)
    with LocalPool(2) as pool:
        probe = Probe("script", horizon, None, None)
        runs = ShortRuns(pool, source, probe, spec_of(LATE), horizon, (30_000,))
        return runs, runs.scores(50, peaks, 0)


@pytest.mark.parametrize("logged", ["loss=loss", "loss=loss, **({'error': w} if t == 9 else {})"])
def test_a_script_that_can_save_is_forked_where_rates_part_and_no_bit_differs(tmp_path, monkeypatch, logged) -> None:
    forked, ours = of_script(tmp_path, monkeypatch, "save=save, load=load", logged)
    apart, theirs = of_script(tmp_path, monkeypatch, "", logged)
    assert forked.forked
    assert not apart.forked
    assert forked.metric == apart.metric == ("error" if "error" in logged else "loss")
    assert ours == theirs
    assert all(math.isfinite(score) for scores in ours.values() for score in scores)
    assert forked.shared_steps == apart.shared_steps > 12
    assert apart.steps_used == 3 * 50
    assert apart.steps_used - forked.steps_used == 2 * forked.shared_steps


def test_a_branch_of_a_script_that_diverges_is_told_and_the_others_go_on(tmp_path) -> None:
    text = FORKS.replace("SAVES", "save=save, load=load").replace("LOGGED", "loss=loss")
    (tmp_path / "train.py").write_text(text)
    source = source_of(None, f"{sys.executable} {tmp_path / 'train.py'}")
    tables = [np.array([0.01] * 12 + [rate] * 18) for rate in (0.02, 1e200, 0.05)]
    horizon = lrdecay.Horizon(steps=30)
    runs = [RunSpec(source, 5, "constant(0.01)", horizon, t, None, None, evaluations=1) for t in tables]
    forked, apart = _branches(runs), [_alone(run) for run in runs]
    assert [f.score for f in forked[::2]] == [a.score for a in apart[::2]]
    assert math.isnan(forked[1].score)
    assert math.isnan(apart[1].score)
    assert [f.steps for f in forked] == [30, apart[1].steps - 12, 18]


def test_a_trunk_that_spares_less_than_half_a_run_is_not_worth_a_process(tmp_path, monkeypatch) -> None:
    found, _ = of_script(tmp_path, monkeypatch, "save=save, load=load", "loss=loss", peaks=(0.05, 0.4))
    assert 0 < found.shared_steps < 12
    assert not found.forked


def test_scores_that_do_not_depend_on_the_peak_give_no_recommendation_and_say_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr(ShortRuns, "scores", lambda self, steps, peaks, grows: dict.fromkeys(peaks, (0.5, 0.6)))
    finding = lrdecay.find("quadratic", schedule="linear", arguments=SMOOTH, workers=1, **WIDE)
    assert finding.suggestion is None
    assert "every candidate scored alike at" in finding.why_not
    assert finding.range_test.suggestion > 0


def held_out(metric: str | None, horizon: lrdecay.Horizon, workers: LocalPool, memorable: bool) -> ShortRuns:
    """Runs of digits; so few epochs that nothing is learned by heart, or enough."""
    source = source_of("digits", arguments={"hidden": "200", "batch_size": 16 if memorable else 64})
    probe = Probe("digits", horizon, "accuracy", "max")
    by = None if metric is None else judged_by(metric, source, probe)
    return ShortRuns(workers, source, probe, spec_of("constant(peak)"), horizon, (60_000,), by)


def test_held_out_loss_that_rises_at_full_length_is_seen_and_lower_peaks_are_measured() -> None:
    horizon = lrdecay.Horizon(steps=400, samples_per_epoch=1437, batch_size=16)
    with LocalPool(1) as pool:
        runs = held_out("loss", horizon, pool, memorable=True)
        found = runs.whole(0.2)
    first = found.runs[0]
    assert first.rises
    assert first.lowest_at < 400
    assert [run.peak for run in found.runs] == pytest.approx([0.2, 0.1, 0.05, 0.025])
    assert runs.steps_used == sum(run.steps for run in found.runs)
    best = min(found.runs, key=lambda run: run.score)
    assert found.peak is None or abs(math.log2(found.peak / best.peak)) <= 1


def test_the_caller_says_what_is_to_be_best() -> None:
    horizon = lrdecay.Horizon(steps=40, samples_per_epoch=1437, batch_size=64)
    tasks = {}
    with LocalPool(1) as pool:
        for metric in (None, "loss", "accuracy"):
            runs = held_out(metric, horizon, pool, memorable=False)
            tasks[metric] = runs.scores(40, (0.02, 0.1), 0)
            assert runs.metric == ("accuracy" if metric == "accuracy" else "loss")
            assert (runs.loss == "loss") is (metric == "loss")
    assert tasks["loss"] == tasks[None]
    assert all(-1 <= score <= 0 for scores in tasks["accuracy"].values() for score in scores)


def test_a_script_is_scored_by_the_name_it_was_given_and_its_training_loss_is_not_held_out(monkeypatch) -> None:
    source = source_of(None, "python train.py", metric="val_loss:min")
    horizon = lrdecay.Horizon(steps=460)
    by = judged_by("val_loss:min", source, Probe("script", horizon, "val_loss", "min"))
    assert by == ("val_loss", "min")
    for name, watched in (("val_loss", "val_loss"), ("loss", None)):
        probe = Probe("script", horizon, name, "min")
        runs = ShortRuns(None, source, probe, spec_of("linear(peak)"), horizon, (0,), (name, "min"))
        assert runs.loss == watched


def test_a_metric_that_the_task_is_not_known_for_is_refused_before_anything_is_trained(monkeypatch) -> None:
    monkeypatch.setattr("lrdecay.verbs.find.search", None)
    with pytest.raises(InputError, match=r"`find\(metric=...\)` must be loss or accuracy for digits, got 'f1'"):
        lrdecay.find("digits", schedule="cosine", metric="f1")
    with pytest.raises(InputError, match="must not be given without a schedule"):
        lrdecay.find("digits", metric="loss")


def test_the_product_of_rate_weight_decay_and_length_is_held_where_that_is_asked_for() -> None:
    source = source_of("digits", arguments={"optimizer": "adamw", "weight_decay": 0.05})
    probe = source.probe(None, None)
    decay = held_decay("shrinkage", source, probe)
    assert decay == probe.weight_decay == 0.05
    runs = ShortRuns(None, source, probe, spec_of("linear(peak)"), probe.horizon, (0,), None, decay)
    full, short = runs._run(probe.horizon.steps, 0.01, 0), runs._run(45, 0.01, 0)
    assert full.values == {}
    total = float(np.sum(short.rates * short.values["weight_decay"]))
    assert total == pytest.approx(np.sum(full.rates) * 0.05, rel=0.03)  # the sums of two lengths of one line
    assert 45 * short.values["weight_decay"][0] == pytest.approx(probe.horizon.steps * 0.05)
    assert runs._run(45, 0.01, 0).identity() != evolve(short, values={}).identity()


@pytest.mark.parametrize(
    ("task", "hold", "said"),
    [
        ("quadratic", "product", "must be one of weight-decay, shrinkage, got 'product'"),
        ("quadratic", "shrinkage", 'must be "weight-decay" for quadratic, which does not obey a weight decay'),
    ],
)
def test_what_cannot_be_held_is_refused_before_anything_is_trained(task, hold, said, monkeypatch) -> None:
    monkeypatch.setattr("lrdecay.verbs.find.search", None)
    with pytest.raises(InputError, match=said):
        lrdecay.find(task, schedule="cosine", hold=hold)


def test_the_result_says_what_was_held() -> None:
    task = "digits"
    arguments = {"optimizer": "adamw", "hidden": "16", "epochs": 4}
    found = lrdecay.find(
        task, schedule="linear", hold="shrinkage", arguments=arguments, repeats=2, points=60, workers=2
    )
    assert found.schedule.held.startswith("learning rate x weight decay x steps held: weight decay 0.01 at full length")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"schedule": "cosinus"}, "cosinus"),
        ({"schedule": "cosine", "budget": 0.5}, r"`find\(budget=...\)` must be at least"),
        ({"schedule": "cosine @ 60"}, "must be for a run of at least 80 updates, got 60"),
        ({"schedule": "warmup(600) + cosine(peak) @ 500"}, "warmup"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_trained(arguments, said, monkeypatch) -> None:
    monkeypatch.setattr("lrdecay.verbs.find.search", None)  # a call of it would fail otherwise
    with pytest.raises(InputError, match=said):
        lrdecay.find("quadratic", **arguments)


def test_without_a_range_test_there_is_no_search_for_the_schedule(capsys) -> None:
    finding = lrdecay.find("quadratic", schedule="cosine", high=0.01, repeats=2)
    assert finding.suggestion is None
    assert finding.schedule is None
    assert "--high" in finding.why_not
    with pytest.raises(RunError, match="to suggest a peak"):
        finding.peak()


def test_repeats_that_disagree_give_no_answer_and_no_peak_to_compare_from() -> None:
    rates = 10 ** np.linspace(-6, 1, 100)
    curves = []
    for at in (-3.5, -1.0):
        x = np.log10(rates) - at
        curves.append((rates, 2.0 - 1 / (1 + np.exp(-x / 0.15)) + 3 * np.maximum(0.0, x - 0.8) ** 2))
    finding = Finding("t", read(curves), (), repeatability(curves), (), (0, 1))
    assert finding.reading.suggestion is not None
    assert finding.suggestion is None
    assert finding.interval is None
    with pytest.raises(RunError, match="2 repeats disagree"):
        finding.peak()


def test_the_command_line_says_the_peak_where_it_comes_from_and_draws_it(capsys, tmp_path) -> None:
    plot = tmp_path / "curve.svg"
    arguments = ["--with", "sigma=0.1", "--with", "condition=10", "--low", "1e-5", "--high", "100", "--repeats", "3"]
    assert run(["find", "quadratic", *arguments, "-s", "linear @ 449", "--plot", str(plot)]) == 0
    said = capsys.readouterr().out
    assert "range test alone, peak:" in said
    assert "peak for linear(peak) @ 449 over 449 updates:" in said
    assert "peak ∝ length^-p" in said
    assert "weight decay held" in said
    assert (tmp_path / "curve-schedule.svg").stat().st_size > 1000
