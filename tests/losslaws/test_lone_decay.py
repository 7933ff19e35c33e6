"""A lone decay carries no recommendation, and names the run that would; a lone run that held its peak carries one."""

from __future__ import annotations

from functools import cache

import pytest
from tests.losslaws.planted import LONG, curve, truth

from lrdecay import parse
from lrdecay.losslaws.forecaster import forecaster
from lrdecay.losslaws.freeform import freeform
from lrdecay.losslaws.recommending import not_enough, recommend

COSINE, POOR = "warmup(50) + cosine(0.1)", "warmup(50) + piecewise([0.1, 0.01], at=[500])"


@cache
def lone(spec):
    return forecaster([curve(spec, 2000)], "momentum")


@pytest.mark.parametrize("spec", [COSINE, 'wsd(0.1, warmup=50, cooldown="90%")'])
def test_one_decay_alone_is_not_enough_and_the_run_that_would_tell_is_named(spec):
    found = recommend(lone(spec), 2000, warmup=50, baseline=POOR)

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


def test_a_lone_run_that_held_its_peak_is_judged_as_others_are():
    assert not_enough(lone(LONG)) is None
    found = recommend(lone(LONG), 2000, warmup=50, baseline=POOR)
    assert found.spec == found.choice
    assert found.gain.low > 0
