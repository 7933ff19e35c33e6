"""The law of one peak on one seed, refitted as runs are finished, for `lrdecay.verbs.forecast_order`.

Of the laws the first of `lrdecay.losslaws.choosing.LAWS` is fitted, the one of least error on public runs: a choice
among all takes several times as long, and two curves cannot make it. A fit takes a second or two, so it is made at two
curves, at four, at eight, and of no more than `MOST` of them.
"""

from __future__ import annotations

import time

from attrs import define, field

from lrdecay.errors import InputError
from lrdecay.losslaws.choosing import LAWS
from lrdecay.losslaws.curve import Curve
from lrdecay.losslaws.forecaster import Forecaster, forecaster
from lrdecay.losslaws.support import check_fit, support
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.verbs.order_curves import TRAINING, curve_of, loss_of

__all__ = ["LAW", "MOST", "PeakLaw"]

LAW = LAWS[0].name

MOST = 4
"""Curves that a law is fitted to: the first two, and the last ones."""


@define(eq=False)
class PeakLaw:
    """Finished runs of one peak on one seed, and what a law fitted to them says.

    Attributes:
        of: the loss it reads, as `lrdecay.verbs.order_curves.loss_of` says it.
        refused: why the last fit does not count; None: it does, or there was none.
        fits: how many were made.
        seconds: that they took.
    """

    of: str = TRAINING
    refused: str | None = None
    fits: int = 0
    seconds: float = 0.0
    made: Forecaster | None = None
    _curves: list[Curve] = field(factory=list)
    _fitted: int = 0  # curves there were at the last fit

    @property
    def curves(self) -> int:
        """Of finished runs that a law can read."""
        return len(self._curves)

    def add(self, run: RunSpec, result: RunResult, name: str) -> Curve | None:
        """A run is finished; gives its curve, unless it has none that a law could read."""
        if not self._curves:
            self.of = loss_of(result)
        curve = curve_of(run, result, name, self.of)
        if curve is not None:
            self._curves.append(curve)
        return curve

    def refit(self) -> Forecaster | None:
        """What a law says now; None before two curves, and where none fits."""
        if len(self._curves) >= max(2, 2 * self._fitted):
            self._fitted = len(self._curves)
            self._fit([*self._curves[:2], *self._curves[2:][2 - MOST :]])
        return self.made

    def _fit(self, curves: list[Curve]) -> None:
        began = time.perf_counter()
        try:
            support(curves)
            made = forecaster(curves, LAW)
            self.fits += 1
            check_fit(made)
            self.made, self.refused = made, None
        except InputError as problem:
            self.made, self.refused = None, str(problem)
        self.seconds += time.perf_counter() - began
