"""The figures of what came of a comparison: final scores, differences to the best, and how peaks were chosen.

Intervals are those of the table. A score far off would flatten what is to be seen: a loss then gets a logarithmic axis,
and a difference beyond `_FAR` times the usual one becomes an arrow with its number.
"""

from __future__ import annotations

import math
import statistics
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrdecay.report.digits import digits_of, rate
from lrdecay.report.drawing import BOX, INK, MUTED, PAPER, label_ends, new_figure, panel, plain_rates, short, styled
from lrdecay.report.run_figures import study_colours
from lrdecay.stats.intervals import Interval
from lrdecay.stats.paired import Difference
from lrdecay.sweep.study import Row, Study, Table

__all__ = ["pilots_figure", "results_figure"]

_FAR = 20.0
_ROW = 0.42  # inches


@styled()
def results_figure(study: Study, table: Table) -> Figure:
    """Left: every seed's score, the mean and its 95% interval. Right: the difference to the best, paired by seed."""
    colours, rows = study_colours(study), table.rows
    figure = new_figure(0.78 + _ROW * len(rows))
    left = panel(figure, (2.75, 0.38, 3.3, _ROW * len(rows)), title=study.metric)
    right = panel(figure, (6.35, 0.38, 2.5, _ROW * len(rows)), title="minus the best, on the same seeds")
    _log_where_needed(left, study, rows)
    differences = [table.ranking[row.spec].difference for row in rows]
    cap = _cap([d for d in differences if d is not None])
    right.axvline(0, color=MUTED, lw=1)
    for place, (row, difference) in enumerate(zip(rows, differences, strict=True)):
        colour = colours[row.written]
        finite = [v for v in row.values if math.isfinite(v)]
        left.plot(finite, [place] * len(finite), "o", color=colour, ms=5, alpha=0.45, mew=0)
        if row.diverged:
            _note(right, place, f"{row.diverged} of {len(row.values)} seeds diverged")
        else:
            _interval(left, row.mean, row.interval, place, colour)
        if difference is not None and abs(difference.mean) > cap:
            text = digits_of(study).signed(difference.mean)
            _note(right, place, f"{text} →" if difference.mean > 0 else f"← {text}")
        elif difference is not None:
            _interval(right, difference.mean, difference.interval, place, colour)
        elif row.spec == table.ranking.best:
            right.plot(0, place, "o", color=colour, ms=6)
        fewer = "" if row.dropped is None else f" (dropped, {len(row.values)} seeds)"
        name = "\n".join(textwrap.wrap(row.written + fewer, 36, max_lines=2, placeholder=" …"))
        left.text(-2.65 / 3.3, place, name, va="center", color=INK, fontsize=9, transform=left.get_yaxis_transform())
    for axes in (left, right):
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        if axes.get_xscale() == "linear":
            axes.locator_params(axis="x", nbins=4)
            axes.ticklabel_format(axis="x", useOffset=False)
    return figure


def _log_where_needed(axes: Axes, study: Study, rows: tuple[Row, ...]) -> None:
    """A logarithmic axis for losses far apart."""
    values = [v for row in rows for v in row.values if math.isfinite(v)]
    if study.goal == "min" and values and 0 < _FAR * min(values) < max(values):
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 1.5, max(values) * 1.5)
        plain_rates(axes.xaxis)


def _cap(differences: list[Difference]) -> float:
    """The largest difference that is drawn to scale."""
    if not differences:
        return math.inf
    return _FAR * statistics.median_low(max(abs(d.interval.lo), abs(d.interval.hi)) for d in differences)


def _note(axes: Axes, place: int, text: str) -> None:
    """Words in place of a mean, over the zero line."""
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 2}
    to_row = axes.get_yaxis_transform()
    axes.text(0.5, place, text, va="center", ha="center", color=MUTED, bbox=box, fontsize=9, transform=to_row)


def _interval(axes: Axes, mean: float, interval: Interval | None, place: int, colour: str) -> None:
    """A mean and its interval on a row; an interval of unknown width is not drawn."""
    if interval is not None and math.isfinite(interval.hi):
        lowest = axes.get_xlim()[0] if axes.get_xscale() == "log" else -math.inf
        axes.plot([max(interval.lo, lowest), interval.hi], [place, place], color=colour, lw=2)
    axes.plot(mean, place, "o", color=colour, ms=7.5, mec=INK, mew=0.8)


@styled()
def pilots_figure(study: Study) -> Figure | None:
    """How peaks were chosen: the score over the peak on pilot seeds; the chosen peak is ringed. None without pilots."""
    if not study.choices:
        return None
    figure = new_figure()
    axes = panel(figure, BOX, title=f"{study.metric} on pilot seeds", x_label="peak learning rate")
    names, colours = short(list(study.choices)), study_colours(study)
    ends, near, lost = {}, [], []
    for written, choice in study.choices.items():
        peaks, colour = sorted(choice.scores), colours[written]
        means = np.array([math.fsum(choice.scores[p]) / len(choice.scores[p]) for p in peaks])
        axes.plot(peaks, means, color=colour)
        for p in peaks:
            axes.plot([p] * len(choice.scores[p]), choice.scores[p], "o", color=colour, ms=4, alpha=0.5, mew=0)
        at = peaks.index(choice.peak)
        axes.plot(choice.peak, means[at], "o", ms=9, mfc="none", mec=colour, mew=2)
        near += means[max(0, at - 1) : at + 2].tolist()
        ends[names[written]] = (float(means[np.isfinite(means)][-1]), colour)
        lost += [(p, colour) for p, m in zip(peaks, means, strict=True) if math.isnan(m)]
    lo, hi = min(filter(math.isfinite, near)), max(filter(math.isfinite, near))
    pad = 0.12 * (hi - lo) or 0.1 * abs(hi) or 1.0
    axes.set_ylim(lo - pad, hi + pad)  # the chosen peaks and their neighbours; far worse scores are cut off
    axes.set_xscale("log")
    tried = sorted({p for c in study.choices.values() for p in c.scores})
    axes.set_xticks(tried, [rate(p) for p in tried])
    axes.minorticks_off()
    for i, (p, colour) in enumerate(lost):
        axes.plot(p, 0.03 + 0.04 * (i % 5), "x", color=colour, transform=axes.get_xaxis_transform(), clip_on=False)
    plain_rates(axes.yaxis)
    label_ends(axes, ends)
    return figure
