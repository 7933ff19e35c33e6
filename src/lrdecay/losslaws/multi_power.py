"""The multi-power law: Luo et al., 2025, arXiv:2503.12811, equations 1 and 2.

    L(s) = L0 + A S(s)^-α - B Σ_k drop_k G(r_k^-γ since_k(s)),    G(x) = 1 - (1 + C x)^-β

S is the area of the rates with the warmup's, drops are those after the warmup alone. What a drop gains comes with what
drives the model after it, not with time: at a rate of zero nothing moves.
"""

from __future__ import annotations

from typing import final

import numpy as np

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import Law, Parameter, power

__all__ = ["MultiPower"]


@final
class MultiPower(Law):
    """Seven parameters: L0, A, α, B, C, β, γ."""

    name = "multi_power"
    source = "Luo et al., 2025, arXiv:2503.12811"
    parameters = (
        Parameter("L0", 1e-4, 1e4, 2.0, 2.0, (0.7, 0.9)),
        Parameter("A", 1e-6, 1e4, 0.5, 2.0, (0.3, 0.1)),
        Parameter("alpha", 0.02, 3.0, 0.5, 0.7, (0.5,)),
        Parameter("B", 1e-6, 1e3, 0.3, 1.5, (0.05, 0.15)),
        Parameter("C", 1e-3, 1e5, 30.0, 2.0, (10.0, 100.0)),
        Parameter("beta", 0.02, 2.0, 0.5, 0.5, (0.5,)),
        Parameter("gamma", 0.01, 1.0, 0.5, 0.5, (0.5,)),
    )

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        l0, a, alpha, b, c, beta, gamma = theta
        x = seen.since * seen.rate ** (-gamma)
        gained = seen.past * (1 - (1 + c * x) ** (-beta))
        return np.asarray(l0 + power(a, alpha, seen.area)[0] - b * (gained @ seen.drop))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, a, alpha, b, c, beta, gamma = theta
        scaled = seen.rate ** (-gamma)
        x = seen.since * scaled
        base = 1 + c * x
        left = base ** (-beta) * seen.past
        by_x = beta * c * left / base  # dG/dx
        _, by_a, by_alpha = power(a, alpha, seen.area)
        return np.stack(
            [
                np.ones_like(seen.area),
                by_a,
                by_alpha,
                -((seen.past - left) @ seen.drop),
                -b * ((by_x * x / c) @ seen.drop),
                -b * ((left * np.log(base)) @ seen.drop),
                b * ((by_x * x) @ (seen.drop * np.log(seen.rate))),
            ],
            axis=1,
        )
