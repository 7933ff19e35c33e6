"""Final scores and pilots: every seed, every interval, nothing drawn that is not known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lrdecay.report.drawing import save
from lrdecay.report.score_figures import pilots_figure, results_figure
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]


def test_every_seed_mean_and_interval_is_in_the_results(study: Study) -> None:
    left, right = results_figure(study, study.main).axes
    for place, row in enumerate(study.main.rows):
        lines = [line for line in left.lines if set(np.asarray(line.get_ydata())) == {place}]
        data = [list(np.asarray(line.get_xdata())) for line in lines]
        assert row.interval is not None
        assert data == [list(row.values), [row.interval.lo, row.interval.hi], [row.mean]]
        difference = study.main.ranking[row.spec].difference
        drawn = [list(x.get_xdata()) for x in right.lines if set(np.asarray(x.get_ydata())) == {place}]
        if difference is None:
            assert [0] in drawn
        else:
            assert [difference.interval.lo, difference.interval.hi] in drawn
    assert left.get_ylim() == (len(study.main.rows) - 0.5, -0.5)  # best at the top


def test_a_diverged_row_has_its_seeds_and_a_note_but_no_mean(study_of: StudyOf) -> None:
    study = study_of({"cosine(peak)": [0.9, 0.91, 0.93], "linear(peak)": [0.8, math.nan, 0.7]})
    left, right = results_figure(study, study.main).axes
    assert [list(x.get_xdata()) for x in left.lines if set(np.asarray(x.get_ydata())) == {1}] == [[0.8, 0.7]]
    assert [t.get_text() for t in right.texts] == ["1 of 3 seeds diverged"]


def test_one_seed_has_dots_and_no_intervals(study_of: StudyOf, tmp_path: Path) -> None:
    study = study_of({"cosine(peak)": [0.9], "linear(peak)": [0.8]})
    figure = results_figure(study, study.main)
    assert all(len(line.get_xdata()) == 1 for line in figure.axes[0].lines)
    save(figure, tmp_path / "results.svg")


def test_a_row_far_off_does_not_flatten_the_others(study_of: StudyOf, tmp_path: Path) -> None:
    rows = {"cosine(peak)": [0.05, 0.06], "linear(peak)": [0.08, 0.1], "constant(peak)": [9000.0, 15000.0]}
    study = study_of(rows, goal="min")
    figure = results_figure(study, study.main)
    left, right = figure.axes
    assert left.get_xscale() == "log"
    assert right.get_xlim()[1] < 10
    assert [t.get_text() for t in right.texts] == ["+11999.94 →"]
    save(figure, tmp_path / "results.png")


def test_pilots_show_every_peak_and_ring_the_chosen_one(study: Study) -> None:
    figure = pilots_figure(study)
    assert figure is not None
    (axes,) = figure.axes
    rings = sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_markerfacecolor() == "none")
    assert rings == sorted(c.peak for c in study.choices.values())
    assert list(axes.get_xticks()) == sorted({p for c in study.choices.values() for p in c.scores})
    seen = [(x, y) for line in axes.lines if line.get_marker() == "o" for x, y in zip(*line.get_data(), strict=True)]
    for choice in study.choices.values():
        assert {(p, s) for p, scores in choice.scores.items() for s in scores} <= set(seen)


def test_without_pilots_there_is_no_figure_of_them(diverging: Study) -> None:
    assert pilots_figure(diverging) is None
