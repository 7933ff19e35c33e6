"""What a drop gains with what drives the model after it: the part that two laws share.

B Σ_k drop_k G(r_k^-γ since_k(s)),    G(x) = 1 - (1 + C x)^-β        (Luo et al., 2025, arXiv:2503.12811, eq. 2)
"""

from __future__ import annotations

import numpy as np

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import Parameter

__all__ = ["RETAINED", "gained", "gained_gradient"]

RETAINED = (
    Parameter("C", 1e-2, 1e6, 0.03, 0.5, (1.0, 0.1), per=-1),
    Parameter("beta", 0.02, 5.0, 0.5, 0.25),
    Parameter("gamma", 0.01, 1.5, 0.7, 0.15),
)
"""Their priors were set on the 25M and 100M curves of Luo et al.; C is per update at the peak."""


def gained(theta: FloatArray, seen: Exposure) -> FloatArray:
    """By each step, shape (n,), at (B, C, β, γ)."""
    b, c, beta, gamma = theta
    x = seen.since * seen.rate ** (-gamma)
    return np.asarray(b * ((seen.past * (1 - (1 + c * x) ** (-beta))) @ seen.drop))


def gained_gradient(theta: FloatArray, seen: Exposure) -> list[FloatArray]:
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
