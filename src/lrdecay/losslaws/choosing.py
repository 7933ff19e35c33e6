"""Which law: by whole curves that were held out, where there are enough; otherwise by what is known of laws.

The end of a logged curve lies near what was fitted, so every law is good there, and which is best there says nothing of
other schedules: over 19 sets of public logs the law of least error at held-out ends was the best elsewhere in 5.
So ends are reported and decide nothing. Whole curves are other schedules; with three or more each is held out once.
Differences below `lrdecay.losslaws.noise.MISSES`, which laws are off by anyway, do not count, and the first law of
`LAWS` wins among the rest. The order is that of their errors on final losses over public runs (docs/forecast.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.errors import one_of
from lrdecay.losslaws.curve import Curve, FloatArray
from lrdecay.losslaws.fitting import Fit, data_of, fit
from lrdecay.losslaws.functional import Functional
from lrdecay.losslaws.heldout import Fold, held_out, root_mean_square
from lrdecay.losslaws.law import LossLaw
from lrdecay.losslaws.momentum import Momentum
from lrdecay.losslaws.multi_power import MultiPower
from lrdecay.losslaws.noise import MISSES
from lrdecay.losslaws.noise_floor import NoiseFloor

__all__ = ["LAWS", "Candidate", "Choice", "choose"]

LAWS: tuple[LossLaw, ...] = (NoiseFloor(), MultiPower(), Momentum(), Functional())
"""Best first, by the public record."""


@frozen(eq=False)
class Candidate:
    """A law, fitted to all curves, and what it was off on what it was not shown.

    Attributes:
        fit: to all.
        folds: of held-out points.
    """

    fit: Fit
    folds: tuple[Fold, ...] = field(repr=False)

    @property
    def error(self) -> float:
        """Root mean square over folds, in the logarithm of the loss; inf where there are none."""
        return root_mean_square(self.folds)

    @property
    def elsewhere(self) -> float:
        """The same over whole curves alone."""
        return root_mean_square([fold for fold in self.folds if fold.whole])

    @property
    def ahead(self) -> float:
        """The same over the ends of curves, where a decay was among what was kept; 0 where there are none."""
        ends = [fold for fold in self.folds if not fold.whole and fold.told]
        return root_mean_square(ends) if ends else 0.0


@frozen(eq=False)
class Choice:
    """The law that was chosen, and the others.

    Attributes:
        candidates: all, best known first.
        chosen: one of them.
    """

    candidates: tuple[Candidate, ...]
    chosen: Candidate

    @property
    def elsewhere(self) -> float:
        """What choosing was off on whole curves: on each, by the law that the other curves choose; root mean square.

        So a law that was taken for having been right there does not say itself how right it is. inf where no whole
        curve was held out.
        """
        off = np.array([[fold.error for fold in c.folds if fold.whole] for c in self.candidates])
        if not off.size:
            return float("inf")
        found = [off[_first(np.delete(off, k, axis=1)), k] for k in range(off.shape[1])]
        return float(np.sqrt(np.mean(np.square(found))))


def _first(off: FloatArray) -> int:
    """The first law within `MISSES` of the least root mean square error; errors of shape (laws, curves)."""
    errors = np.sqrt(np.mean(off**2, axis=1)) if off.size else np.zeros(len(off))
    return int(np.flatnonzero(errors <= errors.min() + MISSES)[0])


def choose(curves: Sequence[Curve], law: str = "auto") -> Choice:
    """Fit laws, and choose.

    Args:
        curves: of one peak.
        law: a name, or "auto" for the choice.

    Raises:
        InputError: there is no such law, or the curves have different peaks.
    """
    names = [own.name for own in LAWS]
    one_of([*names, "auto"]).check("forecast(law=...)", law)
    data = data_of(curves)
    candidates = tuple(
        Candidate(found := fit(own, data), tuple(held_out(found, curves))) for own in LAWS if law in ("auto", own.name)
    )
    off = np.array([[fold.error for fold in c.folds if fold.whole] for c in candidates])
    return Choice(candidates, candidates[_first(off)])
