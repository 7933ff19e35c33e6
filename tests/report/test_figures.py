"""The figures of `show` and `find`: the curves they were given, the suggestion and the rules where they belong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.report.figures import range_figure, rates_figure, save
from lrdecay.schedule import Horizon, cosine, linear
from lrdecay.stats import Interval

STEPS = np.arange(100)
CURVES = {repr(s): (STEPS, s.bind(Horizon(steps=100)).values()) for s in (cosine(0.1), linear(0.2))}


def test_every_schedule_is_drawn_with_its_rates_and_its_name() -> None:
    (axes,) = rates_figure(CURVES).axes
    for line, (x, y) in zip(axes.lines, CURVES.values(), strict=False):
        assert np.array_equal(line.get_xdata(), x)
        assert np.array_equal(line.get_ydata(), y)
    assert sorted(t.get_text() for t in axes.texts) == ["cosine", "linear"]
    assert axes.get_ylim()[0] == 0


def test_a_logarithmic_axis_leaves_zeros_out(tmp_path: Path) -> None:
    figure = rates_figure({"a": (STEPS, np.maximum(0.1 - STEPS / 500, 0.0)), "b": (STEPS, np.zeros(100))}, log_y=True)
    assert figure.axes[0].get_yscale() == "log"
    assert np.isnan(figure.axes[0].lines[0].get_ydata()[60:]).all()
    save(figure, tmp_path / "rates.png")


def test_a_run_of_one_update_is_drawn(tmp_path: Path) -> None:
    save(rates_figure({"constant(0.1)": ([0], [0.1])}), tmp_path / "rates.svg")


def test_no_curve_is_refused() -> None:
    with pytest.raises(InputError, match=r"rates_figure\(curves="):
        rates_figure({})


RATES = np.geomspace(1e-5, 1, 60)
LOSS = 2.3 - np.exp(-((np.log10(RATES) + 1.5) ** 2)) + 40 * np.maximum(0, np.log10(RATES) + 0.5) ** 2
RULES = {"lrdecay": 0.02, "steepest": 0.01, "minimum/10": 0.004, "valley": 0.03}


def test_a_range_test_shows_suggestion_interval_and_the_other_rules(tmp_path: Path) -> None:
    broken = LOSS.copy()
    broken[-3:] = [np.inf, np.nan, np.nan]
    repeats = [(RATES, LOSS), (RATES, broken), (RATES[:50], LOSS[:50])]
    figure = range_figure(repeats, (RATES, LOSS), suggestion=0.02, interval=Interval(0.01, 0.04), rules=RULES)
    (axes,) = figure.axes
    words = {t.get_text().strip() for t in axes.texts}
    assert words == {"suggested 0.02", "steepest", "minimum/10", "valley"}  # our own rule is the suggestion
    assert any(list(line.get_xdata()) == [0.02, 0.02] for line in axes.lines)
    assert axes.get_xscale() == "log"
    assert axes.get_ylim()[1] < LOSS.max()  # the explosion does not flatten the rest
    save(figure, tmp_path / "range.png")


@pytest.mark.parametrize("interval", [None, Interval(0.0, math.inf)], ids=["none", "unknown"])
def test_a_range_test_without_an_answer_is_still_drawn(tmp_path: Path, interval: Interval | None) -> None:
    figure = range_figure([(RATES, LOSS)], (RATES, LOSS), suggestion=None, interval=interval)
    assert not figure.axes[0].texts
    save(figure, tmp_path / "range.svg")
    save(range_figure([], (RATES, np.ones(60)), suggestion=0.1, interval=interval), tmp_path / "flat.svg")
