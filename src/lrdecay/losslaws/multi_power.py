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
from lrdecay.losslaws.law import ALPHA, GAIN, HEIGHT, LEAST, LossLaw, Parameter, powered

__all__ = ["MultiPower"]

_RETAINED = (
    Parameter("C", 1e-2, 1e6, 0.03, 0.5, (1.0, 0.1), per=-1),
    Parameter("beta", 0.02, 5.0, 0.5, 0.25),
    Parameter("gamma", 0.01, 1.5, 0.7, 0.15),
)
"""Their priors were set on the 25M and 100M curves of Luo et al.; C is per update at the peak."""


@final
class MultiPower(LossLaw):
    """Seven parameters: L0, A, α, B, C, β, γ."""

    name = "multi_power"
    source = "Luo et al., 2025, arXiv:2503.12811"
    parameters = (LEAST, HEIGHT, ALPHA, GAIN, *_RETAINED)

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        return np.asarray(theta[0] + powered(theta[1], theta[2], seen.area)[0] - _gained(theta[3:], seen))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, by_a, by_alpha, _ = powered(theta[1], theta[2], seen.area)
        less = [-g for g in _gained_gradient(theta[3:], seen)]
        return np.stack([np.ones_like(seen.area), by_a, by_alpha, *less], axis=1)


def _gained(theta: FloatArray, seen: Exposure) -> FloatArray:
    """By each step, shape (n,), at (B, C, β, γ)."""
    b, c, beta, gamma = theta
    x = seen.since * seen.rate ** (-gamma)
    return np.asarray(b * ((seen.past * (1 - (1 + c * x) ** (-beta))) @ seen.drop))


def _gained_gradient(theta: FloatArray, seen: Exposure) -> list[FloatArray]:
    """Its derivatives by B, C, β and γ, each of shape (n,)."""
    b, c, beta, gamma = theta
    x = seen.since * seen.rate ** (-gamma)
    base = 1 + c * x
    left = base ** (-beta) * seen.past
    by_x = beta * c * left / base  # dG/dx
    return [
        (seen.past - left) @ seen.drop,
        b * ((by_x * x / c) @ seen.drop),
        b * ((left * np.log(base)) @ seen.drop),
        -b * ((by_x * x) @ (seen.drop * np.log(seen.rate))),
    ]
