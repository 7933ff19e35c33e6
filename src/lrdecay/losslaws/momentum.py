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

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import Law, Parameter, power

__all__ = ["Momentum"]


@final
class Momentum(Law):
    """Five parameters: L0, A, α, D, τ (in spans of updates)."""

    name = "momentum"
    source = "Tissue, Wang and Wang, 2024, arXiv:2408.11029"
    parameters = (
        Parameter("L0", 1e-4, 1e4, 2.0, 2.0, (0.7, 0.9)),
        Parameter("A", 1e-6, 1e4, 0.5, 2.0, (0.3, 0.1)),
        Parameter("alpha", 0.02, 3.0, 0.5, 0.7, (0.5,)),
        Parameter("D", 1e-6, 1e3, 0.2, 1.5, (0.05, 0.15)),
        Parameter("tau", 1e-4, 3.0, 0.05, 1.5, (0.02, 0.1, 0.3)),
    )

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        l0, a, alpha, d, tau = theta
        come = seen.past * -np.expm1(-seen.age / tau)
        return np.asarray(l0 + power(a, alpha, seen.area)[0] - d * (come @ seen.drop))

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        _, a, alpha, d, tau = theta
        left = seen.past * np.exp(-seen.age / tau)
        _, by_a, by_alpha = power(a, alpha, seen.area)
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
