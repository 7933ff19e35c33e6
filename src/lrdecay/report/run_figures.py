"""The figures of what happened during the runs of a comparison: rates and training losses.

A schedule has one colour in all figures of a study. Bands are from the lowest to the highest seed, not intervals. A
diverged run is drawn as far as it got and ends in a cross. Held-out curves are in `curve_figures`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lrdecay.report.drawing import (
    BOX,
    colours_of,
    label_ends,
    new_figure,
    panel,
    plain_rates,
    short,
    styled,
    whole_steps,
)
from lrdecay.report.figures import rates_figure
from lrdecay.runs.trace import Trace
from lrdecay.sweep.study import Row, Study

__all__ = ["draw_seeds", "loss_figure", "seed_range", "study_colours", "study_rates_figure"]

FloatArray = NDArray[np.float64]
Banded = Callable[[Sequence[tuple[FloatArray, FloatArray]]], tuple[FloatArray, FloatArray, FloatArray, FloatArray]]
"""Curves of seeds -> (step, lower edge, mean, upper edge)."""

_WINDOWS = 80  # a training loss is averaged over at most this many parts of the run
_EXPLODED = 1e30  # a loss beyond this is a gap: no axis has room for it


def study_rates_figure(study: Study) -> Figure | None:
    """The learning rates of the main table's runs, each at its peak; None where no run logged an update."""
    longest = {row.written: max((r.trace for r in row.results), key=lambda t: t.steps) for row in study.main.rows}
    curves = {written: (trace.step, trace.rate) for written, trace in longest.items() if trace.steps}
    return rates_figure(curves, colours=study_colours(study)) if curves else None


def study_colours(study: Study) -> dict[str, str]:
    """Written schedule -> its colour in every figure of the study."""
    return colours_of(row.written for row in study.main.rows)


@styled()
def loss_figure(study: Study) -> Figure:
    """Training loss, averaged over up to 80 windows of the run; the mean over seeds and the range of the seeds.

    Seeds that logged at different steps have no mean and are drawn one by one.
    """
    figure = new_figure()
    axes = panel(figure, BOX, title="training loss", x_label="step")
    curves = {row.written: ([_windows(r.trace) for r in row.results], row) for row in study.main.rows}
    seen = [y for seeds, row in curves.values() if not row.diverged for _, y in seeds]
    draw_seeds(axes, study, curves, seen, seed_range)
    return figure


def _windows(trace: Trace) -> tuple[FloatArray, FloatArray]:
    """(middle step, mean loss) of each window that holds an update; nan where a loss was not finite, or exploded."""
    total = int(trace.step.max(initial=0)) + 1
    which = trace.step * min(_WINDOWS, total) // total
    many = np.bincount(which)
    loss = np.where(np.abs(trace.loss) < _EXPLODED, trace.loss, np.nan)
    held = many > 0
    return (np.bincount(which, trace.step)[held] / many[held], np.bincount(which, loss)[held] / many[held])


def draw_seeds(
    axes: Axes,
    study: Study,
    curves: Mapping[str, tuple[list[tuple[FloatArray, FloatArray]], Row]],
    seen: list[FloatArray],
    banded: Banded,
) -> None:
    """For each schedule the mean over its seeds, a band, and its name; diverged seeds one by one.

    Args:
        axes: an empty panel.
        study: whose colours are used.
        curves: written schedule -> (step, value) of each seed, and its row.
        seen: the values that the y axis must hold.
        banded: what makes a mean and a band of the seeds that did not diverge.
    """
    values = np.concatenate(seen) if seen else np.concatenate([y for seeds, _ in curves.values() for _, y in seeds])
    values = values[np.isfinite(values)]
    lo, hi = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if lo > 0 and hi > 20 * lo:
        axes.set_yscale("log")
        axes.set_ylim(lo / 1.3, hi * 1.3)
    else:
        pad = 0.05 * (hi - lo) or 0.1 * abs(hi) or 1.0
        axes.set_ylim(lo - pad, hi + pad)
    names, colours = short(list(curves)), study_colours(study)
    ends = {}
    for written, (seeds, row) in curves.items():
        name, colour = names[written] + (" ×" if row.diverged else ""), colours[written]
        runs = list(zip(seeds, row.results, strict=True))
        whole = [xy for xy, r in runs if math.isfinite(r.score) and len(xy[0])]
        x, lowest, mean, highest = banded(whole)
        for (at, y), r in runs:
            known = np.isfinite(y)
            if known.any() and (math.isnan(r.score) or not len(x)):
                last = float(at[known][-1]), min(float(y[known][-1]), axes.get_ylim()[1])
                axes.plot(at[known], y[known], color=colour, lw=0.9)
                ends[name] = (last[1], colour)
                if math.isnan(r.score):
                    axes.plot(*last, "x", color=colour, clip_on=False)
        if len(x):
            axes.plot(x, mean, color=colour, marker="o" if len(x) == 1 else None)
            axes.fill_between(x, lowest, highest, color=colour, alpha=0.13, lw=0)
            ends[name] = (float(mean[-1]), colour)
    axes.set_xlim(0, max([1.0, *(float(x[-1]) for seeds, _ in curves.values() for x, _ in seeds if len(x))]))
    whole_steps(axes)
    plain_rates(axes.yaxis)
    if ends:
        label_ends(axes, ends)


def seed_range(
    seeds: Sequence[tuple[FloatArray, FloatArray]],
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Steps that all seeds have, and there the lowest, mean and highest value; all empty where there are none."""
    common = seeds[0][0] if seeds else np.empty(0)
    for x, _ in seeds[1:]:
        common = np.intersect1d(common, x)
    if not len(common):
        return common, common, common, common
    table = np.array([y[np.searchsorted(x, common)] for x, y in seeds])
    return common, table.min(axis=0), table.mean(axis=0), table.max(axis=0)
