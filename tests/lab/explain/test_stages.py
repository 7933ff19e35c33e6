"""Where a run is cut: at drops, or where a smooth rate has fallen to stated shares of its peak."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.explain.stages import Stages, drawn, stages_of
from lrdecay.schedule import Horizon, parse


def of(spec: str, steps: int = 1000, epoch: float | None = 50) -> Stages:
    return stages_of(parse(spec).bind(Horizon(steps=steps)).values(), epoch, spec)


def test_a_stepped_rate_is_cut_at_its_drops() -> None:
    found = of("multi_step(0.1, factor=0.1, at=[500, 800])")
    assert found.bounds == (0, 500, 800, 1000)
    assert not found.smooth
    assert [(c.before, c.after, c.end) for c in found.cuts] == [
        (0.1, pytest.approx(0.01), 800),
        (pytest.approx(0.01), pytest.approx(0.001), 1000),
    ]
    assert {c.window for c in found.cuts} == {100}  # two epochs, and half of the last stage


def test_a_smooth_rate_is_cut_at_a_half_and_a_tenth_of_its_peak_and_says_so() -> None:
    found = of("warmup(100) + linear(0.1)")
    assert found.smooth
    assert found.bounds == (0, 550, 910, 1000)
    assert "1/2 and to 1/10" in found.rule
    assert found.cuts[1].window == 45


@pytest.mark.parametrize("spec", ["cosine(0.2)", "linear(0.1)", "wsd(0.1, warmup=10, cooldown='30%')"])
def test_the_end_of_a_smooth_rate_is_no_drop_though_it_falls_fast_there(spec: str) -> None:
    assert of(spec, 460).smooth


def test_small_steps_are_no_drops() -> None:
    assert of("step(0.1, factor=0.9, every=50)").smooth
    assert not of("step(0.1, factor=0.5, every=300)").smooth


def test_of_many_drops_the_deepest_five_are_looked_at_and_the_others_counted() -> None:
    found = of("step(0.1, factor=0.5, every=100)")
    assert len(found.cuts) == 5
    assert found.left_out == 4
    assert "4 shallower drops" in found.rule


def test_without_epochs_a_twentieth_of_the_run_is_watched() -> None:
    assert of("multi_step(0.1, factor=0.1, at=[500])", epoch=None).cuts[0].window == 50


@pytest.mark.parametrize("spec", ["constant(0.1)", "multi_step(0.1, factor=0.1, at=[999])"])
def test_a_rate_that_never_falls_in_time_is_refused_in_one_line(spec: str) -> None:
    with pytest.raises(InputError, match=r"must fall to half of its peak") as problem:
        of(spec)
    assert "\n" not in str(problem.value)


def test_both_sides_of_every_cut_are_drawn() -> None:
    rates = parse("multi_step(0.1, factor=0.1, at=[4321])").bind(Horizon(steps=10_000)).values()
    shown = drawn(rates, stages_of(rates, None, ""))
    table = dict(zip(shown["step"], shown["rate"], strict=True))
    assert table[4320.0] == 0.1
    assert table[4321.0] == pytest.approx(0.01)
    assert len(table) < 410
    assert np.all(np.diff(shown["step"]) > 0)
