"""The figure and the tables of a forecast: what was logged, what is predicted and how sure, each where it belongs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from tests.losslaws.planted import CONSTANT, LONG, curve

from lrdecay.losslaws.curve import warmup_of
from lrdecay.losslaws.forecaster import Prediction, forecaster
from lrdecay.report.forecast_figure import forecast_figure
from lrdecay.report.forecasting import Predicted, laws_table, loss_digits, predictions_table
from lrdecay.schedule import Horizon, parse


@pytest.fixture(scope="module")
def fitted():
    return forecaster([curve(CONSTANT, 2000), curve(LONG, 1500)], "momentum")


@pytest.fixture(scope="module")
def rows(fitted):
    made = []
    for spec, steps in (("warmup(50) + cosine(0.1)", 2000), ("warmup(50) + linear(0.1)", 3000)):
        rates = parse(spec).bind(Horizon(steps=steps)).values()
        warmup, at = warmup_of(rates), np.arange(50, steps + 1, 50)
        losses = fitted.curve(rates, at, warmup)
        made.append(Predicted(spec, rates, warmup, fitted.predict(rates, warmup), at, losses))
    return made


def printed(table):
    text = io.StringIO()
    Console(file=text, width=110).print(table)
    return text.getvalue()


def test_the_figure_has_the_logs_as_points_the_law_along_them_and_predictions_to_their_intervals(fitted, rows):
    losses, rates = forecast_figure(fitted, rows).axes

    points = [line for line in losses.lines if line.get_marker() == "."]
    assert [len(line.get_xdata()) for line in points] == [len(c.steps) for c in fitted.curves]
    for p in rows:
        (drawn,) = [line for line in losses.lines if np.array_equal(line.get_ydata(), p.losses)]
        (bar,) = [line for line in losses.lines if list(line.get_ydata()) == [p.prediction.low, p.prediction.high]]
        assert list(bar.get_xdata()) == [p.length] * 2
        assert bar.get_color() == drawn.get_color()
        assert any(np.array_equal(line.get_ydata(), p.rates) for line in rates.lines)
        assert losses.get_ylim()[0] < p.prediction.low
    assert losses.get_xlim() == rates.get_xlim()
    assert sorted(t.get_text() for t in losses.texts) == ["warmup + cosine", "warmup + linear"]


def test_a_schedule_at_two_lengths_has_two_names(fitted, rows):
    half = rows[0].rates[:1000]
    other = Predicted(rows[0].spec, half, 50, fitted.predict(half, 50), rows[0].steps[:20], rows[0].losses[:20])

    texts = [t.get_text() for t in forecast_figure(fitted, [rows[0], other]).axes[0].texts]
    assert len(set(texts)) == 2
    assert any(text.endswith("@ 1000") for text in texts)


def test_the_laws_are_listed_with_their_source_and_a_dash_where_no_run_was_held_out(fitted):
    text = printed(laws_table(fitted.choice))

    assert "Tissue, Wang and Wang, 2024, arXiv:2408.11029" in text
    assert "–" in text
    assert "%" in text


def test_predictions_stand_lowest_first_with_differences_and_what_is_extrapolated(fitted, rows):
    apart = fitted.difference(rows[0].prediction, rows[1].prediction)
    text = printed(predictions_table([(rows[0], apart), (rows[1], None)]))

    lines = [line for line in text.splitlines() if "0.1)" in line]
    assert "linear" in lines[0]
    assert "lowest" in lines[0]
    assert "extrapolated" in lines[0]
    assert f"{apart.value:+.3f}" in lines[1]
    assert "extrapolated" not in lines[1]


@pytest.mark.parametrize(("half", "digits"), [(0.02, 3), (0.3, 2), (0.0005, 5), (5.0, 2), (0.0, 4)])
def test_losses_have_two_digits_of_their_interval(half, digits):
    assert loss_digits([Prediction(3.0, 3.0 - half, 3.0 + half, False, np.zeros(2))]) == digits
