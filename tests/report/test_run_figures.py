"""What happened during the runs: means over seeds, ranges, and runs that diverged."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from attrs import evolve
from matplotlib.colors import to_hex

from lrdecay.report.curve_figures import heldout_figure
from lrdecay.report.drawing import save
from lrdecay.report.run_figures import loss_figure, study_colours, study_rates_figure
from lrdecay.report.score_figures import pilots_figure, results_figure
from lrdecay.runs.spec import RunResult
from lrdecay.runs.trace import Trace
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]


def test_the_heldout_line_is_the_mean_over_seeds_and_ends_at_the_score(study: Study) -> None:
    figure = heldout_figure(study)
    assert figure is not None
    colours = study_colours(study)
    for row in study.main.rows:
        (line,) = (
            x for x in figure.axes[0].lines if x.get_color() == colours[row.written] and len(x.get_xdata()) == 10
        )
        every = np.array([r.trace.measured("accuracy")[1] for r in row.results])
        assert np.allclose(line.get_ydata(), every.mean(axis=0))
        assert math.isclose(line.get_ydata()[-1], row.mean)


def test_the_loss_line_holds_the_mean_of_all_losses(study: Study) -> None:
    colours = study_colours(study)
    for row in study.main.rows:
        lines = [x for x in loss_figure(study).axes[0].lines if x.get_color() == colours[row.written]]
        drawn = max(lines, key=lambda x: len(x.get_xdata()))
        assert len(drawn.get_xdata()) == 80
        assert math.isclose(np.mean(drawn.get_ydata()), np.mean([r.trace.loss.mean() for r in row.results]))


def test_a_schedule_has_one_colour_in_every_figure(study: Study) -> None:
    colours = study_colours(study)
    assert len(set(colours.values())) == len(study.main.rows)
    assert study.shared is not None
    figures = [study_rates_figure(study), loss_figure(study), heldout_figure(study), pilots_figure(study)]
    figures += [results_figure(study, study.main), results_figure(study, study.shared)]
    for figure in figures:
        assert figure is not None
        assert set(colours.values()) <= {to_hex(line.get_color()) for axes in figure.axes for line in axes.lines}


def test_a_diverged_run_ends_in_a_cross_inside_the_picture(diverging: Study, tmp_path: Path) -> None:
    figure = loss_figure(diverging)
    (axes,) = figure.axes
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert len(crosses) == sum(row.diverged for row in diverging.main.rows) == 3
    assert all(axes.get_ylim()[0] <= float(c.get_ydata()[0]) <= axes.get_ylim()[1] for c in crosses)
    assert {"constant ×", "linear", "warmup + cosine"} == {t.get_text() for t in axes.texts}
    save(figure, tmp_path / "loss.png")


def test_without_measurements_along_the_run_there_is_no_heldout_figure(study_of: StudyOf) -> None:
    assert heldout_figure(study_of({"cosine(peak)": [0.9, 0.91]})) is None


def test_seeds_logged_at_other_steps_have_no_mean_and_are_drawn_one_by_one(study: Study, tmp_path: Path) -> None:
    def sparse(result: RunResult, keep: slice) -> RunResult:
        t = result.trace
        cut = Trace(t.step[keep], t.epoch[keep], t.rate[keep], t.loss[keep], {k: v[keep] for k, v in t.metrics.items()})
        return evolve(result, trace=cut)

    first = study.main.rows[0]
    results = tuple(sparse(r, slice(39 + 40 * (i % 2), None, 80)) for i, r in enumerate(first.results[:2]))
    table = evolve(study.main, rows=(evolve(first, results=results), *study.main.rows[1:]))
    apart = evolve(study, main=table)
    figure = heldout_figure(apart)
    assert figure is not None
    colour = study_colours(apart)[first.written]
    own = [line for line in figure.axes[0].lines if line.get_color() == colour]
    assert [list(line.get_xdata()) for line in own[:2]] == [[40, 120, 200, 280, 360], [80, 160, 240, 320, 400]]
    save(figure, tmp_path / "heldout.svg")
    save(loss_figure(apart), tmp_path / "loss.svg")


def test_runs_that_logged_nothing_are_left_out(study_of: StudyOf, tmp_path: Path) -> None:
    study = study_of({"cosine(peak)": [math.nan, math.nan]})
    empty = Trace(np.arange(0), np.empty(0), np.empty(0), np.empty(0), {})
    row = study.main.rows[0]
    row = evolve(row, results=tuple(evolve(r, trace=empty, failure="died") for r in row.results))
    study = evolve(study, main=evolve(study.main, rows=(row,)))
    assert study_rates_figure(study) is None
    save(loss_figure(study), tmp_path / "loss.svg")


def test_everything_diverged_and_runs_of_one_update_are_drawn(study_of: StudyOf, tmp_path: Path) -> None:
    study = study_of({"cosine(peak)": [math.nan, 0.9], "linear(peak)": [math.nan, math.nan]})
    figures = [study_rates_figure(study), loss_figure(study), pilots_figure(study), results_figure(study, study.main)]
    for i, figure in enumerate(figures):
        assert figure is not None
        save(figure, tmp_path / f"{i}.svg")
