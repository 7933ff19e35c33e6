"""The noise of a fit's residuals, and how long neighbours share it.

Along a curve residuals r_i of a good fit are noise and what the law misses; both last. With the autocorrelations ρ_k,
summed while they are above zero (Geyer's initial positive sequence, in its simplest form),

    τ = 1 + 2 Σ_k ρ_k          neighbours that share one piece of news

n points are worth n/τ, so each is given the scale sd √τ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.losslaws.curve import Curve, FloatArray

__all__ = ["Noise", "noise_of"]

MISSES = 2e-3
PIECES = 4
LEAST = 1e-5
"""In the logarithm of the loss: below is rounding."""


@frozen(eq=False)
class Noise:
    """Of residuals, by curve.

    Attributes:
        sd: of each curve's, in the logarithm of the loss, shape (curves,).
        shared: τ of each, >= 1.
        scale: sd √τ, one per residual.
        residuals: all in a row.
        lengths: residuals of each curve.
    """

    sd: FloatArray
    shared: FloatArray
    scale: FloatArray = field(repr=False)
    residuals: FloatArray = field(repr=False)
    lengths: tuple[int, ...]


def noise_of(curves: Sequence[Curve], residuals: FloatArray) -> Noise:
    """Measure it: sd by the median of |r|, which a few bad points do not move, all curves together."""
    lengths = tuple(len(c.steps) for c in curves)
    parts = np.split(residuals, np.cumsum(lengths)[:-1])
    sd = np.array([max(1.4826 * float(np.median(np.abs(p))), LEAST) for p in parts])
    shared = np.array([_shared(p) for p in parts])
    scale = np.concatenate([np.full(n, np.hypot(s * np.sqrt(t), MISSES * np.sqrt(n / PIECES))) for n, s, t in zip(lengths, sd, shared, strict=True)])
    return Noise(sd, shared, scale, residuals, lengths)


def _shared(r: FloatArray) -> float:
    n = len(r)
    power = float(r @ r)
    total = 1.0
    for k in range(1, n // 2):
        rho = float(r[:-k] @ r[k:]) / power if power else 0.0
        if rho <= 0:
            break
        total += 2 * rho
    return total
