"""The law with annealing momentum: Tissue, Wang and Wang, 2024, arXiv:2408.11029.

    L(s) = L0 + A S(s)^-α - C M(s),    M(s) = Σ_k drop_k (1 - λ^(s-k)) / (1 - λ)

M sums m_i = λ m_{i-1} + drop_i. It is written here with the time constant τ = 1/(1-λ) and the whole gain of a drop
D = C τ: M's part is D Σ_k drop_k (1 - exp(-(s-k)/τ)), which differs from the paper's by O(1/τ). The paper has λ = 0.999
(τ = 1,000 steps) everywhere; here τ is fitted. What a drop gains comes with time, even at a rate of zero: the law's
best schedule is degenerate (Luo et al., 2025, theorem 2), so it ranks schedules like those it saw and no others.
"""

from __future__ import annotations

from typing import final

import numpy as np
from attrs import evolve

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import ALPHA, GAIN, HEIGHT, LEAST, LossLaw, Parameter, powered

__all__ = ["Momentum"]


@final
class Momentum(LossLaw):
    """Five parameters: L0, A, α, D, τ (in spans of updates)."""

    name = "momentum"
    source = "Tissue, Wang and Wang, 2024, arXiv:2408.11029"
    parameters = (
        LEAST,
        HEIGHT,
        ALPHA,
        evolve(GAIN, name="D"),
        Parameter("tau", 1e-5, 5.0, 500.0, 0.5, (1.0, 4.0), per=1),
    )

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        l0, a, alpha, d, tau = theta
        come = seen.past * -np.expm1(-seen.age / tau)
        return np.asarray(l0 + powered(a, alpha, seen.area)[0] - d * (come @ seen.drop))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, a, alpha, d, tau = theta
        left = seen.past * np.exp(-seen.age / tau)
        _, by_a, by_alpha, _ = powered(a, alpha, seen.area)
        return np.stack(
            [
                np.ones_like(seen.area),
                by_a,
                by_alpha,
                -((seen.past - left) @ seen.drop),
                d * ((left * seen.age / tau**2) @ seen.drop),
            ],
            axis=1,
        )
