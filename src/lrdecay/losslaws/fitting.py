"""Fitting a law to curves: least squares on the log of the loss, robust, from many starts, with a prior.

    minimise   Σ_i ρ(r_i / s) + Σ_p ((log θ_p - centre_p) / width_p)²,     r_i = log L(θ; i) - log observed_i

ρ is Huber's, linear beyond one s; s is the size of the residuals' noise, times the square root of the number of
neighbours that share it, so that a thousand correlated points do not pass for a thousand. It is estimated from a first
fit in which s = 0.001, Luo et al.'s choice. Gradients are analytic. Solver: `scipy.optimize.least_squares`, trust
region, in the logarithms of the parameters and within their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from lrdecay.losslaws.curve import Curve, FloatArray
from lrdecay.losslaws.exposure import Exposure
from lrdecay.losslaws.law import LossLaw
from lrdecay.losslaws.noise import Noise, noise_of
from lrdecay.losslaws.units import Units, units_of

__all__ = ["Data", "Fit", "Problem", "data_of", "fit"]

FIRST = 1e-3
POINTS = 80
"""Points of a curve that are fitted: means of neighbours."""

EARLY = 0.03
"""Of the span, after the warmup: the first losses, which fall faster than any power law, are not fitted."""

_FEWEST = 12
_EDGE = 1e-3  # in the logarithm: nearer to a bound is at it


@frozen(eq=False)
class Data:
    """Curves made ready: what is fitted.

    Attributes:
        units: of all.
        curves: thinned.
        exposures: one per curve.
    """

    units: Units
    curves: tuple[Curve, ...]
    exposures: tuple[Exposure, ...] = field(repr=False)

    @property
    def observed(self) -> FloatArray:
        """Log of the losses in units of the level, all curves in a row."""
        return np.log(np.concatenate([c.losses for c in self.curves]) / self.units.level)


def data_of(curves: Sequence[Curve], units: Units | None = None, points: int = POINTS) -> Data:
    """Leave out the first losses, thin curves, and work out what their schedules did."""
    own = units or units_of(curves)
    late = [c.steps > c.warmup + EARLY * own.span for c in curves]
    kept = [
        c.after(c.warmup + int(EARLY * own.span)) if m.sum() >= _FEWEST else c
        for c, m in zip(curves, late, strict=True)
    ]
    thin = tuple(c.thinned(points) for c in kept)
    return Data(own, thin, tuple(own.exposure(c.rates, c.steps, c.warmup) for c in thin))


@frozen(eq=False)
class Problem:
    """A law, data and what the residuals are worth, as least squares see them.

    Attributes:
        law: that is fitted.
        data: that it is fitted to.
        scale: s of each residual, shape (n,).
        observed: log loss of each, shape (n,).
        prior: log centres, shape (P,).
    """

    law: LossLaw
    data: Data
    scale: FloatArray
    observed: FloatArray
    prior: FloatArray

    def residuals(self, u: FloatArray) -> FloatArray:
        """Of the data and of the prior, at log parameters."""
        theta = np.exp(u)
        loss = np.concatenate([self.law.loss(theta, e) for e in self.data.exposures])
        off = (np.log(np.maximum(loss, 1e-12)) - self.observed) / self.scale
        return np.concatenate([off, (u - self.prior) / self._widths])

    def jacobian(self, u: FloatArray) -> FloatArray:
        """Its derivatives, shape (n + P, P)."""
        theta = np.exp(u)
        loss = np.concatenate([self.law.loss(theta, e) for e in self.data.exposures])
        slope = np.concatenate([self.law.gradient(theta, e) for e in self.data.exposures])
        by_log = slope * theta / (np.maximum(loss, 1e-12) * self.scale)[:, None]
        return np.concatenate([by_log, np.diag(1 / self._widths)])

    def solved(self, start: FloatArray, most: int = 200) -> tuple[FloatArray, float]:
        """Log parameters at the nearest minimum, and the objective there."""
        low, high = self.bounds
        inside = np.clip(start, low + 1e-6, high - 1e-6)
        found = least_squares(
            self.residuals, inside, self.jacobian, bounds=(low, high), loss="huber", x_scale="jac", max_nfev=most
        )
        return found.x, float(found.cost)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """In the logarithm."""
        own = self.law.parameters
        return np.log([p.low for p in own]), np.log([p.high for p in own])

    @property
    def _widths(self) -> FloatArray:
        return np.array([p.width for p in self.law.parameters])


@frozen(eq=False)
class Fit:
    """A law with its parameters.

    Attributes:
        law: that was fitted.
        units: of its parameters.
        theta: parameters, shape (P,).
        cost: the objective.
        noise: of the residuals.
        problem: what was solved.
    """

    law: LossLaw
    units: Units
    theta: FloatArray
    cost: float
    noise: Noise
    problem: Problem = field(repr=False)

    def at(self, rates: FloatArray, steps: ArrayLike, warmup: int = 0) -> FloatArray:
        """The loss that a schedule leads to at some steps, shape (n,)."""
        return self.units.level * self.law.loss(self.theta, self.units.exposure(rates, steps, warmup))

    @property
    def bounded(self) -> tuple[str, ...]:
        """Parameters that stopped at a bound."""
        low, high = self.problem.bounds
        u = np.log(self.theta)
        return tuple(
            p.name
            for p, x, a, b in zip(self.law.parameters, u, low, high, strict=True)
            if x < a + _EDGE or x > b - _EDGE
        )


def fit(law: LossLaw, data: Data, starts: Sequence[FloatArray] | None = None) -> Fit:
    """The best of many starts, twice: for the size of the noise, and with it.

    Args:
        law: to be fitted.
        data: to which.
        starts: log parameters to begin with; None: those of the law.
    """
    observed = data.observed
    centres = np.log([p.centred(data.units.span) for p in law.parameters])
    begin = _starts(law, centres) if starts is None else list(starts)
    first = Problem(law, data, np.full(len(observed), FIRST), observed, centres)
    u, _ = min((first.solved(s, 60) for s in begin), key=lambda found: found[1])
    noise = noise_of(data.curves, first.residuals(u)[: len(observed)] * FIRST)
    second = Problem(law, data, noise.scale, observed, centres)
    u, cost = min((second.solved(s) for s in [u, begin[0]]), key=lambda found: found[1])
    return Fit(law, data.units, np.exp(u), cost, noise, second)


def _starts(law: LossLaw, centres: FloatArray) -> list[FloatArray]:
    grids = np.meshgrid(*[np.log(p.starts) for p in law.parameters], indexing="ij")
    return list(centres + np.stack([g.ravel() for g in grids], axis=1))
