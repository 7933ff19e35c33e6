"""What it costs to take the decay that is best in another cell, cross-fitted over seeds. Pure.

In a cell, a decay has a score in each seed, larger is better. For seed i the best decays of the cells, a* and
b*, are chosen by the mean over all other seeds; the regret of the pair of cells A, B in seed i is

    1/2 [B(b*, i) - B(a*, i)] + 1/2 [A(a*, i) - A(b*, i)]

No score stands in the choice it is read by. If both cells are truly the same, its expectation is 0 whichever decays are
chosen, ties and noise included; chosen and read on the same seeds, it would be above 0 by the luck of the choice.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["best", "pair_regret"]

FloatArray = NDArray[np.float64]


def best(cell: Mapping[str, FloatArray], without: int | None = None) -> str:
    """The decay with the best mean, the first of equals.

    Args:
        cell: decay -> score of each seed.
        without: a seed's place that is left out; None: none is.
    """

    def mean(scores: FloatArray) -> float:
        return float(np.mean(scores if without is None else np.delete(scores, without)))

    return max(cell, key=lambda decay: mean(cell[decay]))


def pair_regret(one: Mapping[str, FloatArray], other: Mapping[str, FloatArray]) -> list[float]:
    """The regret of a pair of cells in each seed.

    Args:
        one: decay -> score of each seed, at least 2; of the same decays as ``other``.
        other: the same of the other cell, in the same seeds or in others as many.
    """
    seeds = len(next(iter(one.values())))
    found = []
    for i in range(seeds):
        a, b = best(one, i), best(other, i)
        found.append(float(other[b][i] - other[a][i] + one[a][i] - one[b][i]) / 2)
    return found
