"""What a fit's residuals are worth: noise that neighbours share, and what no law gets right.

Along a curve residuals r_i of a good fit are noise and what the law misses; both last. With the autocorrelations ρ_k,
summed while they are above zero (Geyer's initial positive sequence, in its simplest form), neighbours share

    τ = 1 + 2 Σ_k ρ_k

so n points are worth n/τ. A law is off by something like `MISSES` of the loss, in `PIECES` independent stretches of a
curve, however many points it has. So the scale of a residual is

    s² = sd² τ + MISSES² n / PIECES

Without the second part a long quiet curve holds a law to details that it cannot have, and pays with parameters that no
other schedule bears out: the sloppy directions of Luo et al.'s law, in which stopping early fits better than the
minimum. With it the prior speaks there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.losslaws.curve import Curve, FloatArray

__all__ = ["MISSES", "PIECES", "Noise", "noise_of"]

MISSES = 2e-3
"""Of the loss: what a law is off where it was not fitted; set on public runs of language models, 25M to 124M."""

PIECES = 4
"""Stretches of a curve in which it is off independently."""

LEAST = 1e-5
"""In the logarithm of the loss: below is rounding."""


@frozen(eq=False)
class Noise:
    """Of residuals, by curve.

    Attributes:
        sd: of each curve's noise, in the logarithm of the loss, shape (curves,).
        shared: τ of each, >= 1.
        scale: s, one per residual, all curves in a row.
    """

    sd: FloatArray
    shared: FloatArray
    scale: FloatArray = field(repr=False)


def noise_of(curves: Sequence[Curve], residuals: FloatArray) -> Noise:
    """Measure it: sd by the median of |r|, which a few bad points do not move.

    Args:
        curves: as they were fitted.
        residuals: in the logarithm of the loss, all curves in a row.
    """
    lengths = [len(c.steps) for c in curves]
    parts = np.split(residuals, np.cumsum(lengths)[:-1])
    sd = np.array([max(1.4826 * float(np.median(np.abs(p))), LEAST) for p in parts])
    shared = np.array([_shared(p) for p in parts])
    scale = [
        np.full(n, np.hypot(s * np.sqrt(t), MISSES * np.sqrt(n / PIECES)))
        for n, s, t in zip(lengths, sd, shared, strict=True)
    ]
    return Noise(sd, shared, np.concatenate(scale))


def _shared(r: FloatArray) -> float:
    power = float(r @ r)
    total = 1.0
    for k in range(1, len(r) // 2):
        rho = float(r[:-k] @ r[k:]) / power if power else 0.0
        if rho <= 0:
            break
        total += 2 * rho
    return total
