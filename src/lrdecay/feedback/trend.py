"""How fast a noisy series changes, and how sure that is: slopes under autocorrelated noise, for one series or many.

A contrast is a weighted sum θ̂ = Σ_i k_i y_i of the last values, such as a slope. With AR(1) noise of variance γ and
correlation φ from one value to the next,

    Var θ̂ = γ Σ_ij k_i k_j φ^|i-j|.

γ and φ come from the residuals e = My of a parabola, bent at one place, through a stretch of n values. What it takes
out of the noise makes residuals look less correlated than the noise is; that is solved exactly: with G = (φ^|i-j|),

    E Σ e_i² = γ tr(MGM),    E Σ e_i e_(i+1) = γ tr₁(MGM)        tr₁: the sum of the first off-diagonal,

and φ is the one for which their ratio is the one seen plus 1 standard error, up to 2.5 of them where n < 200, for which
an AR(1) cannot be told from the parabola's own waves: a φ that is too small fires falsely, one that is too large only
waits. Noise with a longer memory than AR(1), such as a drift that comes and goes, is not
covered. Series stand along the last axis: arrays of shape (..., n), float64.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["Contrast", "Noise", "critical", "noise_of", "slope", "slowdown", "spread"]

FloatArray = NDArray[np.float64]

_PHIS = np.linspace(0.0, 0.97, 98)
"""Correlations that are told apart; more is taken as 0.97."""


@final
@frozen(eq=False)
class Contrast:
    """Weights k of the last values, shape (m,), and Σ_i k_i k_(i+j) for each lag j, twice for j > 0, shape (m,)."""

    weights: FloatArray
    lags: FloatArray

    def of(self, y: FloatArray) -> FloatArray:
        """θ̂ of the last m values; shape (...)."""
        found: FloatArray = y[..., y.shape[-1] - len(self.weights) :] @ self.weights
        return found


@final
@frozen(eq=False)
class Noise:
    """What noise is in a stretch: its variance γ, correlation φ in [0, 0.97], degrees of freedom; shapes (...)."""

    variance: FloatArray
    correlation: FloatArray
    freedom: FloatArray

    def sd_of(self, contrast: Contrast) -> FloatArray:
        """The standard deviation of θ̂; shape (...)."""
        powers = self.correlation[..., None] ** np.arange(len(contrast.lags))
        return np.sqrt(np.maximum(0.0, self.variance * (powers @ contrast.lags)))


def noise_of(y: FloatArray, bend: int) -> Noise:
    """The noise in y, taken around a parabola that may change its slope before the last ``bend`` values.

    Degrees of freedom are of the variance of an AR(1): (n - p)(1 - φ²)/(1 + φ²), at least 3.
    """
    n = y.shape[-1]
    q = _basis(n, bend)
    e = y - (y @ q) @ q.T
    sums = (e * e).sum(axis=-1)
    seen = (e[..., 1:] * e[..., :-1]).sum(axis=-1) / np.where(sums > 0, sums, 1.0)
    expected, squares = _expected(n, bend)
    error = np.sqrt(np.maximum(0.05, 1 - seen**2) / n)
    phi = np.interp(seen + min(2.5, max(1.0, 200 / n)) * error, expected, _PHIS)
    freedom = np.maximum(3.0, (n - q.shape[1]) * (1 - phi**2) / (1 + phi**2))
    return Noise(sums / np.interp(phi, _PHIS, squares), phi, freedom)


def spread(y: FloatArray, change: FloatArray) -> FloatArray:
    """The sd of y around its line, whose slope is ``change``; n - 2 degrees of freedom; shape (...)."""
    n = y.shape[-1]
    squares = ((y - y.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) - change**2 * (n**3 - n) / 12
    return np.asarray(np.sqrt(np.maximum(0.0, squares) / (n - 2)))


@cache
def slope(w: int) -> Contrast:
    """The least-squares slope of the last w values."""
    u = np.arange(w) - (w - 1) / 2
    return _contrast(u / (u @ u))


@cache
def slowdown(w: int, share: float) -> Contrast:
    """The slope of the last w values less ``share`` of that of the w before, of two lines that meet between them."""
    t = np.arange(2 * w) - (w - 0.5)
    lines = np.stack([np.ones(2 * w), np.minimum(t, 0.0), np.maximum(t, 0.0)], axis=1)
    _, before, after = np.linalg.pinv(lines)
    return _contrast(after - share * before)


def critical(alpha: float, freedom: FloatArray) -> FloatArray:
    """The 1 - alpha quantile of Student's t (Wallace, 1959, doi 10.1214/aoms/1177706197).

    To about 1% from 8 degrees of freedom on; with 3 it is up to a quarter too large, which only waits.
    """
    z = NormalDist().inv_cdf(1 - alpha)
    scaled = z * (8 * freedom + 3) / (8 * freedom + 1)
    return np.sqrt(freedom * np.expm1(scaled**2 / freedom))


def _contrast(k: FloatArray) -> Contrast:
    lags = np.correlate(k, k, "full")[len(k) - 1 :]
    lags[1:] *= 2
    return Contrast(k, lags)


@cache
def _basis(n: int, bend: int) -> FloatArray:
    """Orthonormal columns that span a parabola, and a bend where it leaves 4 values on both sides; shape (n, p)."""
    u = np.linspace(-1.0, 1.0, n)
    columns = [np.ones(n), u, u * u]
    if 4 <= bend <= n - 4:
        columns.append(np.maximum(0.0, np.arange(n) - (n - bend - 0.5)))
    return np.linalg.qr(np.stack(columns, axis=1))[0]


@cache
def _expected(n: int, bend: int) -> tuple[FloatArray, FloatArray]:
    """For each φ of the table: tr₁(MGM)/tr(MGM), made rising, and tr(MGM).

    M = 1 - QQ', so that both are sums over the lagged products of the columns of Q, which cost n² and not n³.
    """
    q = _basis(n, bend)
    none = np.zeros((1, q.shape[1]))
    ahead, behind = np.concatenate([q[1:], none]), np.concatenate([none, q[:-1]])
    powers = _PHIS[:, None] ** np.abs(np.arange(-n + 1, n))

    def form(a: FloatArray, b: FloatArray) -> FloatArray:  # a'Gb for each φ
        found: FloatArray = powers @ np.correlate(a, b, "full")
        return found

    inner = np.array([[form(a, b) for b in q.T] for a in q.T])  # Q'GQ, shape (p, p, 98)
    shifted = sum(form(a, b) + form(a, c) for a, b, c in zip(q.T, ahead.T, behind.T, strict=True))
    products = (n - 1) * _PHIS - shifted + np.einsum("ab,bak->k", q.T @ ahead, inner)
    squares = n - np.trace(inner)
    rising = np.maximum.accumulate(products / squares) + 1e-9 * np.arange(len(_PHIS))
    return rising, squares
