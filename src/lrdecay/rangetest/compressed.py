"""Which short runs to make to find the peak of a long one: lengths, candidate peaks, what is kept. Pure.

A schedule is *compressed* when the same shape runs over a shorter horizon. Its best peak there is cheap to find and is
not the long run's; so it is found at three lengths, and `rangetest.extrapolation` says what follows for the full one.

    lengths      L, √(L s) and s, with s = L/4 or `SHORTEST` updates where that is more
    candidates   `COUNTS` = 5, 4, 3 from the shortest length to the longest, even on a logarithmic axis; each length
                 keeps those around the best of the one before (successive halving; Jamieson and Talwalkar 2016,
                 arXiv:1502.07943), and grows by one where its best stands at an edge
    cost         repeats · (5 s + 4 √(L s) + 3 L) updates, plus the edges; L is the longest that the budget allows

The first candidates reach from half the lower end of the range test's interval to eight times its upper one: on short
runs the best peak of a decayed schedule is up to six times the suggestion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, positive, refusal

__all__ = ["BUDGET", "COUNTS", "FARTHEST", "GROWTH", "SHORTEST", "Design", "around", "design", "first_candidates"]

BUDGET = 2.0
"""Full runs that the short ones may cost together, unless told otherwise."""

COUNTS = (5, 4, 3)
"""Candidates at each length, shortest first."""

GROWTH = (3, 1, 1)
"""How often each length may grow past an edge."""

FARTHEST = 10
"""Times the longest measured length: nothing is said of longer runs."""

SHORTEST = 20
"""Updates; below it momentum (β = 0.9) has hardly begun."""

_REPEATS = (3, 2)  # as many as the budget allows
_APART = 2.0  # longest over shortest length, at least
_BELOW, _ABOVE = 2.0, 8.0


@frozen
class Design:
    """The short runs of one search."""

    full: int  # updates of the run the peak is wanted for
    lengths: tuple[int, ...]  # updates, rising
    repeats: int  # seeds at each length, the same at all of them

    @property
    def cost(self) -> int:
        """Updates, without candidates beyond an edge."""
        return self.repeats * sum(n * c for n, c in zip(self.lengths, COUNTS, strict=True))

    @property
    def ratio(self) -> float:
        """The full run over the longest of the short ones."""
        return self.full / self.lengths[-1]


def design(full: int, budget: float = BUDGET) -> Design:
    """The longest lengths that a budget allows, with three repeats, or two where three do not fit.

    Args:
        full: updates of the full run.
        budget: what the short runs may cost together, in full runs.

    Raises:
        InputError: the full run is too short to be compressed, or no design within the budget comes within `FARTHEST`
            of it.
    """
    positive.check("find(budget=...)", budget)
    least = math.ceil(max(full / FARTHEST, _APART * SHORTEST))
    if least > full // 2:
        cure = "Runs this short are compared whole: `lrdecay compare`."
        msg = refusal("find(schedule=...)", f"must be for a run of at least {4 * SHORTEST} updates", full, cure)
        raise InputError(msg)
    for repeats in _REPEATS:
        fits = [n for n in range(least, full // 2 + 1) if _of(full, n, repeats).cost <= budget * full]
        if fits:
            return _of(full, fits[-1], repeats)
    needed = _of(full, least, _REPEATS[-1]).cost / full
    cure = f"A shorter run could not be extrapolated from: at most {FARTHEST}x, and from {SHORTEST} updates on."
    msg = refusal("find(budget=...)", f"must be at least {math.ceil(100 * needed) / 100} full runs here", budget, cure)
    raise InputError(msg)


def _of(full: int, longest: int, repeats: int) -> Design:
    shortest = max(longest / 4, SHORTEST)
    lengths = (round(shortest), round(math.sqrt(shortest * longest)), longest)
    return Design(full, lengths, repeats)


def first_candidates(lo: float, hi: float) -> tuple[float, ...]:
    """Even on a logarithmic axis from ``lo``/2 to 8 ``hi``; a factor of two apart where the interval is a point."""
    return tuple(np.geomspace(lo / _BELOW, hi * _ABOVE, COUNTS[0]).tolist())


def around(peaks: Sequence[float], best: float, count: int) -> tuple[float, ...]:
    """As many neighbours, on the grid of ``peaks`` and beyond its ends, as near to ``best`` as can be.

    An even number leans to the low side, since longer runs want lower peaks.

    Args:
        peaks: rising, even on a logarithmic axis, at least two.
        best: the rate they are to surround.
        count: how many.
    """
    step = math.log(peaks[-1] / peaks[0]) / (len(peaks) - 1)
    place = math.log(best / peaks[0]) / step
    first = round(place - (count - 1) / 2) if count % 2 else math.floor(place - (count - 1) / 2)
    return tuple(peaks[0] * math.exp(step * (first + i)) for i in range(count))
