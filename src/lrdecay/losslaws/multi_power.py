"""The multi-power law: Luo et al., 2025, arXiv:2503.12811, equations 1 and 2.

    L(s) = L0 + A S(s)^-α - B Σ_k drop_k G(r_k^-γ since_k(s)),    G(x) = 1 - (1 + C x)^-β

S is the area of the rates with the warmup's; drops are those after the warmup. What a drop gains comes with what drives
the model after it, not with time: at a rate of zero nothing moves.
"""

from __future__ import annotations

from typing import final

import numpy as np

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import ALPHA, GAIN, HEIGHT, LEAST, LossLaw, powered
from lrdecay.losslaws.retained import RETAINED, gained, gained_gradient

__all__ = ["MultiPower"]


@final
class MultiPower(LossLaw):
    """Seven parameters: L0, A, α, B, C, β, γ."""

    name = "multi_power"
    source = "Luo et al., 2025, arXiv:2503.12811"
    parameters = (LEAST, HEIGHT, ALPHA, GAIN, *RETAINED)

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        return np.asarray(theta[0] + powered(theta[1], theta[2], seen.area)[0] - gained(theta[3:], seen))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, by_a, by_alpha, _ = powered(theta[1], theta[2], seen.area)
        less = [-g for g in gained_gradient(theta[3:], seen)]
        return np.stack([np.ones_like(seen.area), by_a, by_alpha, *less], axis=1)
