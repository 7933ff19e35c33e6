"""A lone decay carries no recommendation, and names the run that would; a lone run that held its peak is no such."""

from __future__ import annotations

from functools import cache

from attrs import evolve
from tests.losslaws.planted import LONG, curve, truth

from lrdecay import parse
from lrdecay.losslaws.extending import extend
from lrdecay.losslaws.forecaster import forecaster
from lrdecay.losslaws.freeform import freeform
from lrdecay.losslaws.recommending import not_enough, recommend

COSINE, POOR = "warmup(50) + cosine(0.1)", "warmup(50) + piecewise([0.1, 0.01], at=[500])"


@cache
def lone(spec):
    return forecaster([curve(spec, 2000)], "momentum")


def test_one_decay_alone_is_not_enough_and_the_run_that_would_tell_is_named():
    found = recommend(lone(COSINE), 2000, warmup=50, baseline=POOR)

    assert found.spec is None
    assert found.choice  # what the law would choose is told all the same
    assert "Not enough" in found.why
    assert f"Do this run: {parse('warmup(50) + constant(0.1)')} @ 538, which is " in found.why


def test_with_the_run_that_is_named_the_true_best_is_recommended():
    both = forecaster([curve(COSINE, 2000), curve("warmup(50) + constant(0.1)", 538, every=25)], "multi_power")
    found = recommend(both, 2000, warmup=50, baseline=POOR)

    assert not_enough(both) is None
    assert found.spec == found.choice
    assert truth(found.choice, 2000) - min(truth(row.spec, 2000) for row in found.rows[:40]) < 0.003


def test_nor_is_a_free_form_recommended():
    found = freeform(lone(COSINE), "warmup(50) + linear(0.1)", 2000, warmup=50)
    assert found.spec is None
    assert "Not enough" in found.why


def test_nor_a_way_to_go_on_though_one_is_told():
    found = extend(lone(COSINE), 3000, at=1500)

    assert found.spec is None
    assert found.why.startswith("Not enough: ")
    assert parse(found.choice)


def test_a_long_cooldown_is_one_decay_and_a_short_one_none():
    nearly = curve('wsd(0.1, warmup=50, cooldown="90%")', 2000)
    assert "Not enough" in not_enough(evolve(lone(COSINE), curves=(nearly,)))
    assert not_enough(evolve(lone(COSINE), curves=(curve(LONG, 2000),))) is None
    assert not_enough(evolve(lone(COSINE), curves=(nearly, nearly))) is None
