"""The figure of a search for a schedule's peak: scores over peaks at each length, and the peaks over the length."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lrdecay.report.digits import rate
from lrdecay.report.drawing import INK, MUTED, PALETTE, new_figure, panel, plain_rates, styled
from lrdecay.report.finding import ShortRunsFound

__all__ = ["schedule_figure"]


@styled()
def schedule_figure(found: ShortRunsFound) -> Figure:
    """Left: the mean score of every candidate, a line per length, its best peak marked. Right: peak over length.

    The interval at the full length is drawn only where there is a recommendation, and the law holds.
    """
    figure = new_figure()
    better = f"{found.scored_by} of short runs of {found.spec}, smaller is better"
    left = panel(figure, (0.75, 0.55, 3.7, 2.6), title=better, x_label="peak learning rate")
    right = panel(figure, (5.3, 0.55, 3.3, 2.6), title="best peak, and the full run's", x_label="updates")
    left.set_xscale("log")
    for i, rung in enumerate(found.rungs):
        peaks, colour = sorted(rung.scores), PALETTE[i % len(PALETTE)]
        mean = np.array([np.mean(rung.scores[p]) for p in peaks])
        left.plot(peaks, mean, "o-", color=colour, ms=4, lw=1.6, label=f"{rung.steps} updates")
        left.axvline(rung.peak, color=colour, lw=1, ls=":")
        right.plot([rung.steps] * len(rung.own), rung.own, "o", color=MUTED, ms=3.5, alpha=0.7, mew=0)
        right.plot(rung.steps, rung.peak, "o", color=colour, ms=6)
    if found.rungs:
        left.legend(frameon=False, fontsize=8.5)
    right.set_xscale("log")
    right.set_yscale("log")
    if found.law is not None and not found.why_not:
        law = found.law
        steps = np.array([found.rungs[0].steps, law.full])
        right.plot(steps, law.peak * (steps / law.full) ** -law.exponent_used, color=INK, lw=1)
        peak = law.peak if found.suggestion is None else found.suggestion
        if found.whole is None or not found.whole.overfits:  # else the law does not hold
            right.plot([law.full] * 2, [law.interval.lo, law.interval.hi], color=PALETTE[3], lw=2)
        right.plot(law.full, peak, "s", color=PALETTE[3], ms=6)
        right.annotate(f"{rate(peak)} ", (law.full, peak), ha="right", va="bottom", color=INK, fontsize=9)
    ends = [*(r.steps for r in found.rungs), found.plan.full]
    right.set_xlim(min(ends) / 1.5, max(ends) * 1.5)
    right.set_xticks(ends)
    right.set_ylim(*_whole_decades(right.get_ylim()))
    for axis in (left.xaxis, right.xaxis, right.yaxis):
        plain_rates(axis)
        axis.set_minor_formatter(NullFormatter())
    return figure


def _whole_decades(ends: tuple[float, float]) -> tuple[float, float]:
    """Ends moved out to powers of ten, so that a logarithmic axis has two numbers on it."""
    lo, hi = (math.log10(end) for end in ends)
    return 10 ** math.floor(lo), 10 ** math.ceil(hi)
