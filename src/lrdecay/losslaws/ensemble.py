"""Near-equal fits: many sets of parameters that the curves and the prior allow, and what each says of a schedule.

Randomise, then optimise (Bardsley, Solonen, Haario and Laine, 2014, SIAM J. Sci. Comput. 36): every member is fitted
to the observations plus fresh noise of their scale, under a prior centred at a fresh draw from it. For a linear law
members are exact draws from the posterior; for these they are near it, and follow its long, bent valleys, which a
covariance at the best fit does not. Points of a curve are never resampled: their scale says what they are worth
together.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.fitting import Fit

__all__ = ["MEMBERS", "members"]

MEMBERS = 40


def members(fit: Fit, count: int = MEMBERS, seed: int = 0) -> FloatArray:
    """Parameters of near-equal fits, shape (count, P)."""
    problem = fit.problem
    rng = np.random.default_rng(seed)
    widths = np.array([p.width for p in problem.law.parameters])
    start = np.log(fit.theta)
    found = []
    for _ in range(count):
        noisy = evolve(
            problem,
            observed=problem.observed + problem.scale * rng.standard_normal(len(problem.observed)),
            prior=problem.prior + widths * rng.standard_normal(len(widths)),
        )
        found.append(np.exp(noisy.solved(start, 40)[0]))
    return np.stack(found)
