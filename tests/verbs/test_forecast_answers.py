"""What a forecast answers beside predictions: it is in the notation, can be read again, and is what was asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.losslaws.planted import CONSTANT
from tests.verbs.planted_logs import log, pair

import lrdecay
from lrdecay.cli.forecast_words import show
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.losslaws.convex_bound import scaled_base_rate
from lrdecay.losslaws.refined import refined_rates
from lrdecay.verbs.forecast_logs import Asked
from lrdecay.verbs.forecast_refine import norms_of_logs, refine
from lrdecay.verbs.forecast_schedules import wanted_of
from lrdecay.verbs.grids import grids_of

SHORTER = 'wsd(0.1, warmup=50, cooldown="30%")'
NORMS = 1 + np.arange(1, 81) / 80  # they grow: the refined schedule decays earlier than a line


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A constant run that logged norms, and a cooldown that did not."""
    constant, cooled = pair(tmp_path_factory.mktemp("logs"))
    first, *rows = constant.read_text().splitlines()
    told = [f"{row},{norm}" for row, norm in zip(rows, NORMS.tolist(), strict=True)]
    constant.write_text("\n".join([f"{first},norm", *told]) + "\n")
    return [str(constant), str(cooled)]


@pytest.fixture(scope="module")
def found(logs):
    return lrdecay.forecast(
        logs, free_form=True, cooldown=True, extend=4000, refine="norm", norms="1", law="momentum", steps=1800
    )


@pytest.fixture(scope="module")
def written(logs, tmp_path_factory):
    """A file that the command line wrote."""
    file = tmp_path_factory.mktemp("out") / "found.json"
    asked = ["--extend", "4000", "--refine", "norm", "--steps", "1800", "--law", "momentum", "--write", str(file)]
    assert run(["forecast", *logs, *asked]) == 0
    return file


def test_every_answer_is_in_the_json_by_its_name_with_its_end_and_its_interval(found):
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))

    for name in ("recommendation", "free_form", "extension", "refined"):
        low, high = data[name]["interval"]
        assert low < data[name]["final_loss"] < high, name
        assert data[name]["steps"] == {"extension": 4000}.get(name, 1800)
    assert [own["percent"] for own in data["cooldowns"]] == list(range(5, 95, 5))
    best = min(data["cooldowns"], key=lambda own: own["final_loss"])
    assert best["to_best"] == {"value": 0.0, "interval": [0.0, 0.0]}
    assert best["as_good_as_the_best"]
    assert not all(own["as_good_as_the_best"] for own in data["cooldowns"])
    assert data["extension"]["stop"]["steps"] == 2500
    assert data["target_steps"] is None


def test_the_free_form_is_judged_against_the_recommended_choice(found):
    data = found.to_json()
    free, choice = data["free_form"], data["recommendation"]

    assert free["gain"]["value"] == pytest.approx(choice["final_loss"] - free["final_loss"])
    assert (free["spec"] is None) == (
        free["gain"]["value"] <= free["difference_error"] or free["gain"]["interval"][0] <= 0
    )
    rates = lrdecay.parse(free["found"]).bind(lrdecay.Horizon(steps=1800)).values()
    assert (np.diff(rates[50:]) <= 1e-12).all()


def test_theory_says_by_what_factor_the_peak_should_change(found):
    advice = found.to_json()["recommendation"]
    rates = lrdecay.parse(advice["choice"]).bind(lrdecay.Horizon(steps=1800)).values()
    logged = lrdecay.parse(SHORTER).bind(lrdecay.Horizon(steps=1500)).values()

    assert advice["peak_by_theory"]["if_best_for"] == "cooled"
    assert advice["peak_by_theory"]["factor"] == pytest.approx(scaled_base_rate(logged, rates), rel=1e-3)


def test_the_refined_schedule_is_the_formulas_within_two_percent_at_the_logs_peak(logs, found):
    every = np.interp(np.arange(1, 2001), np.arange(25, 2001, 25), NORMS)
    for kind, optimizer in (("2", "sgd"), ("1", "adam")):
        got = refine(norms_of_logs(logs, "norm", Asked()), 0.1, kind)
        rates = lrdecay.parse(got.spec).bind(lrdecay.Horizon(steps=2000)).values()
        assert np.abs(rates - 0.1 * refined_rates(every, optimizer)).max() <= 0.0021
        assert (got.run, got.steps, got.logged) == ("constant", 2000, 80)
    assert found.answers.refined.steps == 1800  # stretched to what was asked
    assert any("1-norms" in note for note in found.notes)


def test_norms_that_are_not_there_or_not_from_the_start_are_refused(logs, tmp_path):
    with pytest.raises(InputError, match=r"Did you mean `norm`"):
        norms_of_logs(logs, "norms", Asked())
    late = tmp_path / "late.csv"
    late.write_text("step,lr,loss,norm\n" + "".join(f"{s},0.1,{3 - s / 4000},1\n" for s in range(1000, 2000, 25)))
    with pytest.raises(InputError, match="from the start of a run"):
        norms_of_logs([str(late)], "norm", Asked())
    with pytest.raises(InputError, match=r"forecast\(norms=\.\.\.\)"):
        refine(norms_of_logs(logs, "norm", Asked()), 0.1, "3")


def test_what_is_found_is_drawn(found):
    assert [p.length for p in found.drawn] == [1800, 1800, 4000, 1800]
    assert [p.spec for p in found.drawn[2:]] == [found.answers.extension.choice, found.answers.refined.spec]
    assert found.drawn[2].losses[-1] == pytest.approx(found.answers.extension.prediction.loss)


def test_every_answer_is_printed(found, capsys):
    show(found)
    out = capsys.readouterr().out
    for words in (
        " over 1800 updates",
        "theory: if the logs' peak is the best one for cooled",
        "free form over 1800 updates: ",
        "linear cooldowns over 1800 updates",
        "lowest",
        "to go on from step 2000 of constant to 4000 updates: warmup(50) + constant(0.1, over=1950) + wsd(0.1, ",
        "stopping at step 2500 by a cooldown from here: ",
        "refined from the norm of constant, over 1800 updates: ramp(0.1, ",
    ):
        assert words in out, words


def test_what_was_written_is_read_again_by_show_and_by_predict(written, logs, found, capsys):
    assert run(["show", f"@{written}"]) == 0
    assert "2 schedules in all" in capsys.readouterr().out

    (on,), (refined,) = (grid.points for grid in grids_of(f"@{written}"))
    assert str(on.spec) == f"{found.answers.extension.spec} @ 4000"
    assert [(w.horizon.steps, repr(w.schedule)) for w in wanted_of(f"@{written}", None, None)] == [
        (4000, found.answers.extension.spec),
        (1800, str(refined.spec).removesuffix(" @ 1800")),
    ]


def test_a_lone_decay_is_told_what_it_lacks_and_nothing_is_written(tmp_path, capsys):
    only, file = log(tmp_path, "only", "warmup(50) + cosine(0.1)", 2000), tmp_path / "found.json"
    asked = ["--recommend", "--predict", CONSTANT, "--law", "momentum", "--write", str(file)]
    assert run(["forecast", str(only), *asked]) == 0

    out = capsys.readouterr().out
    for words in (
        "no recommendation over 2000 updates",
        "Do this run: warmup(50) + constant(0.1) @ 538",
        "lowest",  # predictions there are
        "was not written: there is no schedule to write",
    ):
        assert words in out, words
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--extend", "0"], "forecast(extend=...)"),
        (["--extend-run", "constant"], "Add --extend N"),
        (["--extend-at", "10"], "Add --extend N"),
        (["--write", "found.txt", "--recommend"], ".json"),
        (["--write", "none/found.json", "--recommend"], "a folder that exists"),
        (["--refine", "norm", "--norms", "3"], "forecast(norms=...)"),
        (["--refine", "nrom"], "Did you mean `norm`"),
    ],
)
def test_bad_questions_are_refused_in_one_line(words, said, logs, capsys):
    assert run(["forecast", *logs, *words]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.count("\n") == 1
    assert out == ""
