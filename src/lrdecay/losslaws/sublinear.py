"""The multi-power law with sublinear progress: this project's change to Luo et al., 2025, arXiv:2503.12811.

    L(s) = L0 + A P(s)^-α - B Σ_k drop_k G(r_k^-γ since_k(s)),    P(s) = Σ_{k<s} r_k^p,    G(x) = 1 - (1 + C x)^-β

Every published law lets the model's progress go with the sum of the rates, p = 1. Fitted to all nine schedules of Luo
et al.'s 25M and 100M models together, p is .60 and .59, and the final losses' mean error is half of what p = 1 leaves;
a half-rate step makes two thirds of a step's progress. So long cooldowns lose less progress than the sum of their rates
says, which is where p = 1 goes wrong. The prior of p is from those two models; docs/forecast.md has what it is worth on
others.
"""

from __future__ import annotations

from typing import final

import numpy as np

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import ALPHA, GAIN, HEIGHT, LEAST, LossLaw, Parameter, powered
from lrdecay.losslaws.retained import RETAINED, gained, gained_gradient

__all__ = ["Sublinear"]


@final
class Sublinear(LossLaw):
    """Eight parameters: L0, A, α, B, C, β, γ, p."""

    name = "sublinear"
    source = "this project, after Luo et al., 2025, arXiv:2503.12811"
    parameters = (LEAST, HEIGHT, ALPHA, GAIN, *RETAINED, Parameter("p", 0.1, 1.2, 0.6, 0.075))

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        made, _ = seen.progress(theta[7])
        return np.asarray(theta[0] + powered(theta[1], theta[2], made)[0] - gained(theta[3:7], seen))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        made, by_p = seen.progress(theta[7])
        _, by_a, by_alpha, by_made = powered(theta[1], theta[2], made)
        less = [-g for g in gained_gradient(theta[3:7], seen)]
        return np.stack([np.ones_like(made), by_a, by_alpha, *less, by_made * by_p], axis=1)
