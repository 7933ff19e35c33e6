"""A run's stages: the stretches between the drops of its rates. Pure numbers.

The rule, which stands on the page: a drop is an update whose rate is at most 0.7 times that of the one before, between
updates at which it changes by less than a tenth; where there are more than five, the five deepest. A schedule without
any, such as a cosine, is cut where its rate first falls to 1/2 and to 1/10 of its peak, after the last update at the
peak. Around each cut a window is watched: two epochs, or a twentieth of the run where nothing says what an epoch is,
and at most half of the shorter stage beside it.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal

__all__ = ["DROP", "Cut", "Stages", "drawn", "stages_of"]

FloatArray = NDArray[np.float64]

DROP = 0.7
"""A rate of at most so much of the one before is a drop."""

_MOST = 5
_CALM = 0.1  # of the rate
_SHARES = ((2, "1/2"), (10, "1/10"))
_LEAST = 4  # updates in a stage


@frozen
class Cut:
    """Where one stage ends and the next begins.

    Attributes:
        at: the first update of the next stage; so many were made before it.
        window: updates that are watched on either side.
        before: the rate of the last update before it.
        after: the rate of its first.
        end: where the stage after it ends.
        says: what happens, in words.
    """

    at: int
    window: int
    before: float
    after: float
    end: int
    says: str


@frozen
class Stages:
    """The stages of a run.

    Attributes:
        steps: updates of the run.
        epoch: updates in an epoch; None where nothing says so.
        smooth: whether there are no drops and the rate's fall is cut at shares of its peak.
        cuts: in order; the stages are what is between.
        left_out: drops that are not looked at, because deeper ones are.
        window: of the averages of weights, in updates.
    """

    steps: int
    epoch: float | None
    smooth: bool
    cuts: tuple[Cut, ...]
    left_out: int
    window: int

    @property
    def bounds(self) -> tuple[int, ...]:
        """0, every cut, the end."""
        return (0, *(cut.at for cut in self.cuts), self.steps)

    @property
    def rule(self) -> str:
        """How the stages were chosen, in a sentence or two."""
        if self.smooth:
            return (
                "The rate has no drop, so the run is cut where the rate first falls to 1/2 and to 1/10 of its peak; "
                "a stage is what lies between."
            )
        more = f" {self.left_out} shallower drops are not looked at by themselves." if self.left_out else ""
        return (
            f"A drop is an update whose rate is at most {DROP:g} times the one before, between updates at which it "
            f"hardly changes; a stage lies between drops.{more}"
        )

    def to_json(self) -> dict[str, object]:
        """All of it, with the rule in words."""
        return asdict(self) | {"rule": self.rule}


def stages_of(rates: FloatArray, epoch: Fraction | float | None, spec: str) -> Stages:
    """The stages of a run.

    Args:
        rates: of every update, shape (steps,).
        epoch: updates in an epoch; None where it is not known.
        spec: the schedule as it was written, for the message.

    Raises:
        InputError: the rate never falls so far that there is a stage after it.
    """
    steps = len(rates)
    falls_here = np.flatnonzero(rates[1:] <= DROP * rates[:-1]) + 1
    drops = [int(t) for t in falls_here if _LEAST <= t <= steps - _LEAST and _flat(rates, int(t))]
    falls = {t: float(rates[t] / rates[t - 1]) if rates[t - 1] else 1.0 for t in drops}
    deepest = sorted(sorted(drops, key=lambda t: (falls[t], t))[:_MOST])
    kept = [t for i, t in enumerate(deepest) if i == 0 or t - deepest[i - 1] >= _LEAST]
    says = {t: f"drop at {t}" for t in kept}
    smooth = not kept
    if smooth:
        peak = float(rates.max())
        last = int(np.flatnonzero(rates == peak)[-1])
        for part, text in _SHARES:
            below = np.flatnonzero(rates[last:] <= peak / part) + last
            if below.size and _LEAST <= below[0] <= steps - _LEAST and not _near(int(below[0]), kept):
                kept.append(int(below[0]))
                says[kept[-1]] = f"{text} of the peak"
    if not kept:
        cure = "There is nothing to explain where the rate does not fall; give a schedule that does."
        msg = refusal("lab explain -s SPEC", "must fall to half of its peak, or drop, well before its end", spec, cure)
        raise InputError(msg)
    bounds = [0, *kept, steps]
    wide = max(2, round(2 * float(epoch)) if epoch is not None else round(steps / 20))
    windows = [min(wide, (b - a) // 2, (c - b) // 2) for a, b, c in zip(bounds, bounds[1:], bounds[2:], strict=False)]
    cuts = tuple(
        Cut(at, window, float(rates[at - 1]), float(rates[at]), end, says[at])
        for at, window, end in zip(kept, windows, bounds[2:], strict=True)
    )
    shortest = min(b - a for a, b in itertools.pairwise(bounds))
    known = None if epoch is None else float(epoch)
    return Stages(steps, known, smooth, cuts, len(drops) - len(kept) if drops else 0, min(wide, max(2, shortest // 2)))


def drawn(rates: FloatArray, stages: Stages) -> dict[str, list[float]]:
    """The rates as a picture needs them: "step" and "rate", some hundreds, with both sides of every cut."""
    some = np.linspace(0, len(rates) - 1, min(len(rates), 400)).round().astype(int)
    sides = [t for cut in stages.cuts for t in (cut.at - 1, cut.at)]
    steps = np.unique([*some, *sides])
    return {"step": steps.astype(float).tolist(), "rate": rates[steps].tolist()}


def _flat(rates: FloatArray, t: int) -> bool:
    """Whether the rate hardly changes just before and after an update: at a drop, not at the end of a smooth rate."""
    before, after = rates[t - 1] - rates[t - 2], rates[t + 1] - rates[t]
    return bool(abs(before) < _CALM * rates[t - 2] and abs(after) < _CALM * rates[t])


def _near(t: int, others: list[int]) -> bool:
    return any(abs(t - other) < _LEAST for other in others)
