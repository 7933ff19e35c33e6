"""The functional scaling law's ansatz for language models: Li et al., 2025, arXiv:2509.19189.

    L(s) = L0 + A S(s)^-α - B Σ_k drop_k (c + S(k)^-α) (1 - (1 + C since_k(s))^-γ)

A drop gains the more the earlier it comes, as S(k)^-α: the noise that a rate keeps up is larger where the loss is.
"""

from __future__ import annotations

from typing import final

import numpy as np

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import Law, Parameter, power

__all__ = ["Functional"]


@final
class Functional(Law):
    """Seven parameters: L0, A, α, B, c, C, γ."""

    name = "functional"
    source = "Li et al., 2025, arXiv:2509.19189"
    parameters = (
        Parameter("L0", 1e-4, 1e4, 2.0, 2.0, (0.7, 0.9)),
        Parameter("A", 1e-6, 1e4, 0.5, 2.0, (0.3, 0.1)),
        Parameter("alpha", 0.02, 3.0, 0.5, 0.7, (0.5,)),
        Parameter("B", 1e-6, 1e3, 0.2, 1.5, (0.03, 0.1)),
        Parameter("c", 1e-4, 1e2, 0.5, 1.5, (0.5,)),
        Parameter("C", 1e-3, 1e5, 30.0, 2.0, (10.0, 100.0)),
        Parameter("gamma", 0.02, 3.0, 0.5, 0.5, (0.5,)),
    )

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        l0, a, alpha, b, c, rate, gamma = theta
        come = seen.past * (1 - (1 + rate * seen.since) ** (-gamma))
        weight = seen.drop * (c + seen.start ** (-alpha))
        return np.asarray(l0 + power(a, alpha, seen.area)[0] - b * (come @ weight))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, a, alpha, b, c, rate, gamma = theta
        base = 1 + rate * seen.since
        left = base ** (-gamma) * seen.past
        come = seen.past - left
        early = seen.start ** (-alpha)
        weight = seen.drop * (c + early)
        _, by_a, by_alpha = power(a, alpha, seen.area)
        return np.stack(
            [
                np.ones_like(seen.area),
                by_a,
                by_alpha + b * (come @ (seen.drop * early * np.log(seen.start))),
                -(come @ weight),
                -b * (come @ seen.drop),
                -b * ((gamma * left / base * seen.since) @ weight),
                -b * ((left * np.log(base)) @ weight),
            ],
            axis=1,
        )
