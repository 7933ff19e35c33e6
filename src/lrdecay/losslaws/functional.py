"""The functional scaling law's ansatz for language models: Li et al., 2025, arXiv:2509.19189.

    L(s) = L0 + A S(s)^-α - B Σ_k drop_k (c + S(k)^-α) (1 - (1 + C since_k(s))^-γ)

A drop gains the more the earlier it comes, as S(k)^-α: the noise that a rate keeps up is larger where the loss is.
"""

from __future__ import annotations

from typing import final

import numpy as np
from attrs import evolve

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import ALPHA, GAIN, HEIGHT, LEAST, LossLaw, Parameter, powered

__all__ = ["Functional"]


@final
class Functional(LossLaw):
    """Seven parameters: L0, A, α, B, c, C, γ."""

    name = "functional"
    source = "Li et al., 2025, arXiv:2509.19189"
    parameters = (
        LEAST,
        HEIGHT,
        ALPHA,
        evolve(GAIN, centre=0.01),
        Parameter("c", 1e-3, 1e3, 5.0, 0.5),
        Parameter("C", 1e-2, 1e6, 0.2, 0.75, (1.0, 0.1), per=-1),
        Parameter("gamma", 0.02, 5.0, 0.4, 0.2),
    )

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        l0, a, alpha, b, c, rate, gamma = theta
        come = seen.past * (1 - (1 + rate * seen.since) ** (-gamma))
        weight = seen.drop * (c + seen.start ** (-alpha))
        return np.asarray(l0 + powered(a, alpha, seen.area)[0] - b * (come @ weight))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, a, alpha, b, c, rate, gamma = theta
        base = 1 + rate * seen.since
        left = base ** (-gamma) * seen.past
        come = seen.past - left
        early = seen.start ** (-alpha)
        weight = seen.drop * (c + early)
        _, by_a, by_alpha, _ = powered(a, alpha, seen.area)
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
