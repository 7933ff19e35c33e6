"""Which law: by whole curves that were held out, where there are enough; otherwise by what is known of laws.

The end of a logged curve lies near what was fitted, so every law is good there, and which is best there says nothing of
other schedules: over 19 sets of public logs the law of least error at held-out ends was the best elsewhere in 5.
So ends are reported and decide nothing. Whole curves are other schedules; with three or more each is held out once.
Differences below `lrdecay.losslaws.noise.MISSES`, which laws are off by anyway, do not count, and the first law of
`LAWS` wins among the rest. The order is that of their errors on final losses over public runs (docs/forecast.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from lrdecay.errors import one_of
from lrdecay.losslaws.curve import Curve
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
    least = min(c.elsewhere for c in candidates)
    near = [c for c in candidates if c.elsewhere <= least + MISSES]
    return Choice(candidates, near[0])
