"""The figures of held-out learning curves: means with t bands over seeds, and paired differences to the best.

Bands are Student's t intervals at each mark (`lrdecay.stats.curves`), 95%, not the range of the seeds. A difference is
taken seed by seed: two bands that overlap in the first figure may be plainly apart in the second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lrdecay.report.drawing import BOX, MUTED, label_ends, new_figure, panel, plain_rates, short, styled, whole_steps
from lrdecay.report.run_figures import draw_seeds, study_colours
from lrdecay.stats.curves import Band, band, difference_band
from lrdecay.sweep.evidence import curves_of
from lrdecay.sweep.study import Row, Study

__all__ = ["difference_figure", "heldout_figure"]

FloatArray = NDArray[np.float64]


@styled()
def heldout_figure(study: Study) -> Figure | None:
    """The held-out metric along the run, mean and t band over seeds; None where it was measured less than twice.

    Seeds that were measured at different steps have no mean and are drawn one by one.
    """
    curves = {row.written: (_floats(row), row) for row in study.main.rows}
    seen = [y for seeds, row in curves.values() if not row.diverged for _, y in seeds if len(y) > 1]
    if not seen:
        return None
    figure = new_figure()
    axes = panel(figure, BOX, title=f"{study.metric}, held-out", x_label="step")
    draw_seeds(axes, study, curves, seen, _t_band)
    return figure


@styled()
def difference_figure(study: Study) -> Figure | None:
    """Held-out metric minus the best row's, paired by seed, along the run; None where there is nothing to compare.

    The y axis holds the second half of every difference's run: early in training differences are large and say little.
    """
    bands = _differences(study)
    if not bands:
        return None
    figure = new_figure()
    axes = panel(figure, BOX, title=f"{study.metric} minus the best, on the same seeds", x_label="step")
    axes.axhline(0.0, color=MUTED, lw=1)
    late = [np.concatenate([b.lo[-1:], b.hi[-1:], b.mean[len(b.mean) // 2 :], [0.0]]) for b in bands.values()]
    values = np.concatenate(late)
    values = values[np.isfinite(values)]
    lo, hi = float(values.min()), float(values.max())
    pad = 0.08 * (hi - lo) or 1.0
    axes.set_ylim(lo - pad, hi + pad)
    axes.set_xlim(0, max(float(b.marks[-1]) for b in bands.values()))
    names, colours, ends = short([row.written for row in study.main.rows]), study_colours(study), {}
    for written, b in bands.items():
        colour = colours[written]
        axes.plot(b.marks, b.mean, color=colour)
        if b.n > 1:
            axes.fill_between(b.marks, b.lo, b.hi, color=colour, alpha=0.13, lw=0)
        ends[names[written]] = (float(b.mean[-1]), colour)
    whole_steps(axes)
    plain_rates(axes.yaxis)
    label_ends(axes, ends)
    return figure


def _differences(study: Study) -> dict[str, Band]:
    """Written schedule -> its difference to the best, for rows without a diverged seed and two marks or more."""
    best = study.main.ranking.best
    if best is None:
        return {}
    own = curves_of(study.main.rows[0].results, study.metric)
    found = {}
    for row in study.main.rows[1:]:
        if not row.diverged:
            apart = difference_band(curves_of(row.results, study.metric), own[: len(row.results)])
            if len(apart.marks) > 1:
                found[row.written] = apart
    return found


def _floats(row: Row) -> list[tuple[FloatArray, FloatArray]]:
    return [(x.astype(np.float64), y) for x, y in curves_of(row.results, row.results[0].metric)]


def _t_band(
    seeds: Sequence[tuple[FloatArray, FloatArray]],
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Steps that all seeds have, and there the lower edge, mean and upper edge; all empty where there are none."""
    if not seeds:
        empty = np.empty(0)
        return empty, empty, empty, empty
    b = band(seeds)
    if b.n == 1:  # no band
        return b.marks, b.mean, b.mean, b.mean
    return b.marks, b.lo, b.mean, b.hi
