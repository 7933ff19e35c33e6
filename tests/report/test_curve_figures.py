"""Held-out curves: the band is the t interval at each mark, the difference is paired, what is missing is left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from attrs import evolve
from matplotlib.collections import PolyCollection

from lrdecay.report.curve_figures import difference_figure, heldout_figure
from lrdecay.report.drawing import save
from lrdecay.report.run_figures import study_colours
from lrdecay.stats import paired_difference, t_interval
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]


def edges(figure: object, place: int) -> np.ndarray:
    """The corners of the band that was drawn in this place."""
    bands = [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]  # type: ignore[attr-defined]
    return bands[place].get_paths()[0].vertices


def test_the_band_of_the_heldout_figure_is_the_t_interval_at_each_mark(study: Study) -> None:
    figure = heldout_figure(study)
    assert figure is not None
    for i, row in enumerate(study.main.rows):
        corners = edges(figure, i)
        table = np.array([r.trace.measured("accuracy")[1] for r in row.results])
        for k, mark in enumerate(row.results[0].trace.measured("accuracy")[0]):
            expected = t_interval(table[:, k])
            drawn = corners[corners[:, 0] == mark, 1]
            assert math.isclose(drawn.min(), expected.lo)
            assert math.isclose(drawn.max(), expected.hi)


def test_the_difference_ends_at_the_difference_of_the_table_and_the_best_has_none(study: Study) -> None:
    figure = difference_figure(study)
    assert figure is not None
    colours, first = study_colours(study), study.main.rows[0]
    lines = {x.get_color(): x for x in figure.axes[0].lines if len(x.get_xdata()) == 10}
    assert set(lines) == {colours[row.written] for row in study.main.rows[1:]}
    for i, row in enumerate(study.main.rows[1:]):
        standing = study.main.ranking[row.spec].difference
        assert standing is not None
        assert math.isclose(lines[colours[row.written]].get_ydata()[-1], standing.mean, abs_tol=1e-12)
        at = [np.array([r.trace.measured("accuracy")[1][4] for r in x.results]) for x in (row, first)]
        expected = paired_difference(*at).interval
        corners = edges(figure, i)
        drawn = corners[corners[:, 0] == 200, 1]
        assert math.isclose(drawn.min(), expected.lo)
        assert math.isclose(drawn.max(), expected.hi)


def test_diverged_rows_and_single_marks_have_no_difference(
    diverging: Study, study: Study, study_of: StudyOf, tmp_path: Path
) -> None:
    figure = difference_figure(diverging)
    assert figure is not None
    colours = study_colours(diverging)
    lost = [row.written for row in diverging.main.rows if row.diverged]
    assert lost
    assert colours[lost[0]] not in {x.get_color() for x in figure.axes[0].lines}
    save(figure, tmp_path / "difference.svg")
    assert difference_figure(study_of({"cosine(peak)": [0.9, 0.91], "linear(peak)": [0.8, 0.82]})) is None
    assert difference_figure(study_of({"cosine(peak)": [math.nan, 0.9]})) is None
    alone = evolve(study, main=evolve(study.main, rows=study.main.rows[:1]))
    assert difference_figure(alone) is None


def test_one_seed_has_lines_and_no_bands(study: Study, tmp_path: Path) -> None:
    rows = tuple(evolve(row, results=row.results[:1]) for row in study.main.rows)
    one = evolve(study, main=evolve(study.main, rows=rows))
    for i, figure in enumerate((heldout_figure(one), difference_figure(one))):
        assert figure is not None
        save(figure, tmp_path / f"{i}.svg")
    figure = difference_figure(one)
    assert figure is not None
    assert not [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]
