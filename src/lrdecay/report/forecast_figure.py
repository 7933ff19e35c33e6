"""The figure of a forecast: logged losses as points, the fitted law along them, predicted curves with their intervals.

Below stand the rates of all of them. A bar at the end of a predicted curve is the 90% interval of its final loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrdecay.losslaws.curve import Curve, FloatArray
from lrdecay.losslaws.forecaster import Forecaster
from lrdecay.report.drawing import (
    MUTED,
    PALETTE,
    label_ends,
    new_figure,
    panel,
    plain_rates,
    short,
    styled,
    whole_steps,
)
from lrdecay.report.forecasting import Predicted

__all__ = ["forecast_figure"]

_LOGGED = 120  # points of a logged curve that are drawn: means of neighbours
_FITTED = 100
_EARLY = 0.05  # of the longest run: the fall before it would flatten everything else


@styled()
def forecast_figure(forecaster: Forecaster, predictions: Sequence[Predicted]) -> Figure:
    """Above losses over steps, below rates, on one axis of steps.

    Args:
        forecaster: whose logs and fit are drawn, in greys.
        predictions: drawn in colours, in order.
    """
    figure = new_figure(5.4)
    law = forecaster.law.fit.law.name
    losses = panel(
        figure, (0.75, 2.15, 5.9, 2.85), title=f"loss: logged (points), {law} law (lines), forecast (colours)"
    )
    rates = panel(figure, (0.75, 0.55, 5.9, 1.0), title="learning rate", x_label="step")
    ends: dict[str, tuple[float, str]] = {}
    for curve in forecaster.curves:
        _logged(losses, rates, curve, forecaster)
    names = short([p.spec for p in predictions])
    for i, p in enumerate(predictions):
        colour = PALETTE[i % len(PALETTE)]
        losses.plot(p.steps, p.losses, color=colour)
        losses.plot([p.length] * 2, [p.prediction.low, p.prediction.high], color=colour, lw=3, alpha=0.5)
        rates.plot(np.arange(p.length), p.rates, color=colour, lw=1.2)
        name = names[p.spec] if names[p.spec] not in ends else f"{names[p.spec]} @ {p.length}"
        ends[name] = (p.prediction.loss, colour)
    longest = max([forecaster.longest, *(p.length for p in predictions)])
    for axes in (losses, rates):
        axes.set_xlim(0, longest * 1.01)
        plain_rates(axes.yaxis)
        whole_steps(axes)
    losses.tick_params(labelbottom=False)
    losses.set_ylim(*_limits(forecaster.curves, predictions, longest))
    rates.set_ylim(bottom=0)
    if ends:
        label_ends(losses, ends)
    return figure


def _logged(losses: Axes, rates: Axes, curve: Curve, forecaster: Forecaster) -> None:
    """A logged curve, the law along it, and its rates."""
    thin = curve.thinned(_LOGGED)
    losses.plot(thin.steps, thin.losses, ".", color=MUTED, ms=3.5, alpha=0.6, mew=0)
    at = np.unique(np.linspace(max(curve.warmup, 1), curve.last, _FITTED).round())
    losses.plot(at, forecaster.curve(curve.rates, at, curve.warmup), color=MUTED, lw=1)
    rates.plot(np.arange(curve.last), curve.rates[: curve.last], color=MUTED, lw=1)


def _limits(curves: Iterable[Curve], predictions: Sequence[Predicted], longest: int) -> tuple[float, float]:
    """Of the losses after the first twentieth, and of all intervals."""
    seen: list[FloatArray] = [c.losses[c.steps > _EARLY * longest] for c in (own.thinned(_LOGGED) for own in curves)]
    seen += [np.array([p.prediction.low, p.prediction.high]) for p in predictions]
    seen += [p.losses[p.steps > _EARLY * longest] for p in predictions]
    values = np.concatenate(seen)
    lo, hi = float(values.min()), float(values.max())
    pad = 0.04 * (hi - lo) or 0.1 * hi
    return lo - pad, hi + pad
