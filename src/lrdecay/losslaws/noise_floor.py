"""The noise floor law: this project's own, after Luo et al., 2025, arXiv:2503.12811.

    L(s) = L0 + A P(s)^-α - B Σ_k (r_{k-1}^a - r_k^a) G(since_k(s)),    P(s) = Σ_{k<s} r_k^p,    G(x) = C x / (1 + C x)

At a held rate r the loss stands above what lies at the bottom of its valley by a floor of noise that goes with r^a.
Where the rate falls so does the floor, and the loss follows as the model moves on: G of the area under the rates since.
The model's progress P goes with r^p. With a = p = 1 it is the multi-power law with γ = 0 and β = 1.

Fitted to every schedule of three public models at once, under priors too wide to matter (Luo et al.'s 25M and 100M, the
124M of Schaipp et al., 2025, arXiv:2501.18965), finals are off by .0015, .0019 and .0024, and the parameters agree:

    α .515 .517 .508      p .61 .60 .65      a .84 .85 .64      C, per update, .060 .051 .021

So a half-rate step makes two thirds of a step's progress, and the floor is concave in the rate: most of what a decay
gains comes in its last part. Given a, the multi-power law's γ comes out at .09, .07 and .02: it stood in for a. Priors
are from these three; docs/forecast.md has what the law is worth on others.
"""

from __future__ import annotations

from typing import final

import numpy as np

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import HEIGHT, LEAST, LossLaw, Parameter, powered

__all__ = ["NoiseFloor"]


@final
class NoiseFloor(LossLaw):
    """Seven parameters: L0, A, α, B, C, p, a; C is per update at the peak."""

    name = "noise_floor"
    source = "this project, after Luo et al., 2025, arXiv:2503.12811"
    parameters = (
        LEAST,
        HEIGHT,
        Parameter("alpha", 0.05, 2.0, 0.51, 0.07),
        Parameter("B", 1e-5, 10.0, 0.05, 1.0, (1.0, 3.0)),
        Parameter("C", 1e-2, 1e6, 0.025, 0.8, (1.0, 0.1), per=-1),
        Parameter("p", 0.1, 1.2, 0.61, 0.06),
        Parameter("a", 0.2, 2.0, 0.77, 0.16),
    )

    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        made, _ = seen.progress(theta[5])
        fallen, _ = seen.fallen(theta[6])
        moved = theta[4] * seen.since
        gained = (moved / (1 + moved)) @ fallen
        return np.asarray(theta[0] + powered(theta[1], theta[2], made)[0] - theta[3] * gained)

    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """See the module."""
        made, by_p = seen.progress(theta[5])
        _, by_a, by_alpha, by_made = powered(theta[1], theta[2], made)
        fallen, by_exponent = seen.fallen(theta[6])
        moved = theta[4] * seen.since
        share = moved / (1 + moved)
        columns = [
            *(np.ones_like(made), by_a, by_alpha),
            -share @ fallen,
            -theta[3] * (seen.since / (1 + moved) ** 2) @ fallen,
            by_made * by_p,
            -theta[3] * (share @ by_exponent),
        ]
        return np.stack(columns, axis=1)
