"""The figures of `show` and of `find`: learning rates over steps, and a range test.

Both give a matplotlib figure; `save` writes it by the suffix of a path. The figures of a comparison are in
`run_figures` and `score_figures`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from lrdecay.errors import at_least_one
from lrdecay.report.digits import rate
from lrdecay.report.drawing import (
    BOX,
    INK,
    MUTED,
    PALETTE,
    colours_of,
    label_ends,
    new_figure,
    panel,
    plain_rates,
    save,
    short,
    styled,
    whole_steps,
)
from lrdecay.stats.intervals import Interval

__all__ = ["range_figure", "rates_figure", "save"]

Curve = tuple[ArrayLike, ArrayLike]


@styled()
def rates_figure(
    curves: Mapping[str, Curve], *, log_y: bool = False, colours: Mapping[str, str] | None = None
) -> Figure:
    """Learning rates over steps.

    Args:
        curves: label -> (step, rate).
        log_y: a logarithmic rate axis; rates of 0 leave a gap.
        colours: label -> colour; by default in order.

    Raises:
        InputError: there is no curve.
    """
    at_least_one.check("rates_figure(curves=...)", curves)
    colours = colours or colours_of(curves)
    figure = new_figure()
    axes = panel(figure, BOX, title="learning rate", x_label="step")
    names, ends = short(list(curves)), {}
    for label, (x, y) in curves.items():
        steps, rates = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        dot = "o" if len(steps) == 1 else None
        drawn = np.where(rates > 0, rates, np.nan) if log_y else rates
        axes.plot(steps, drawn, color=colours[label], marker=dot)
        ends[names[label]] = (
            float(rates[rates > 0][-1]) if log_y and (rates > 0).any() else float(rates[-1]),
            colours[label],
        )
    axes.set_xlim(0, max(1.0, *(float(np.max(x)) for x, _ in curves.values())))
    if log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    whole_steps(axes)
    plain_rates(axes.yaxis)
    label_ends(axes, ends)
    return figure


@styled()
def range_figure(
    repeats: Sequence[Curve],
    mean: Curve,
    *,
    suggestion: float | None,
    interval: Interval | None = None,
    rules: Mapping[str, float] | None = None,
) -> Figure:
    """A range test: training loss over the rate, its mean, the suggested peak with its interval, and other rules.

    Args:
        repeats: (rates, losses) of each repeat.
        mean: (rates, losses) as it was read: averaged and smoothed.
        suggestion: the peak to use; None where the curve gives no clear answer.
        interval: of the suggestion over repeats.
        rules: name -> rate, marked along the bottom.
    """
    figure = new_figure()
    title = f"training loss: {len(repeats)} repeats, and their smoothed mean"
    axes = panel(figure, (0.75, 0.55, 7.9, 2.65), title=title, x_label="learning rate")
    rates, losses = (np.asarray(v, dtype=np.float64) for v in mean)
    for at, seen in repeats:
        y = np.asarray(seen, dtype=np.float64)
        axes.plot(np.asarray(at), np.where(np.isfinite(y), y, np.nan), color=MUTED, lw=0.7, alpha=0.6)
    axes.plot(rates, losses, color=PALETTE[0], lw=2.2)
    axes.set_xscale("log")
    lo, start = float(np.nanmin(losses)), float(losses[np.isfinite(losses)][0])
    fall = start - lo or 0.1 * abs(lo) or 1.0
    axes.set_ylim(lo - 0.5 * fall, start + 0.45 * fall)  # the explosion at the end would flatten everything else
    axes.set_xlim(float(rates[0]), max(float(np.max(x)) for x, _ in [mean, *repeats]))
    if suggestion is not None:
        if interval is not None and math.isfinite(interval.hi) and interval.lo > 0:
            axes.axvspan(interval.lo, interval.hi, color=PALETTE[1], alpha=0.15, lw=0)
        axes.axvline(suggestion, color=PALETTE[1], lw=1.8)
        text = f" suggested {rate(suggestion)}"
        axes.text(suggestion, 0.97, text, va="top", color=INK, transform=axes.get_xaxis_transform())
    others = sorted((at, name) for name, at in (rules or {}).items() if at != suggestion)
    for i, (at, name) in enumerate(others):
        axes.plot(at, 0.0, "^", color=INK, ms=6, transform=axes.get_xaxis_transform(), clip_on=False)
        height = 0.04 + 0.065 * (i % 5)
        axes.text(at, height, f" {name}", fontsize=8.5, color=MUTED, transform=axes.get_xaxis_transform())
    plain_rates(axes.xaxis)
    return figure
