"""A law of loss curves: parameters, and the loss with its gradient, as functions of them and of an exposure.

Every law here has the form

    L(s) = L0 + A X(s)^-α - Σ_k (what drop k has gained by s)

X is what drove the model (the area of the rates, or a power of it), drops are as in `lrdecay.losslaws.exposure`. Losses
are in units of the lowest one logged, X in spans, so that L0 is near 1 and A is what a run of one span lies above it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from attrs import frozen

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure

__all__ = ["ALPHA", "GAIN", "HEIGHT", "LEAST", "LossLaw", "Parameter", "powered"]


@frozen
class Parameter:
    """A positive parameter of a law, and its prior, which is normal in the logarithm.

    Attributes:
        name: as in the paper.
        low: least that is allowed.
        high: most that is allowed.
        centre: of the prior.
        width: its standard deviation, in the logarithm.
        starts: where searches begin, as multiples of the centre.
        per: power of an update that its unit has: -1 for a rate per update, 1 for a time in updates, 0 for neither.
            Only the centre is said so; low and high are in spans.
    """

    name: str
    low: float
    high: float
    centre: float
    width: float
    starts: tuple[float, ...] = (1.0,)
    per: int = 0

    def centred(self, span: float) -> float:
        """The prior's centre in spans of so many updates."""
        return float(self.centre * span**-self.per)


LEAST = Parameter("L0", 0.05, 1.5, 0.9, 0.15, (1.0, 0.8))
"""The loss that is never got below."""

HEIGHT = Parameter("A", 1e-5, 10.0, 0.06, 0.5, (1.0, 4.0))
"""What a run of one span at the peak lies above it."""

ALPHA = Parameter("alpha", 0.05, 2.0, 0.5, 0.1)
"""The exponent of the progress."""

GAIN = Parameter("B", 1e-5, 10.0, 0.05, 0.5, (1.0, 3.0))
"""What a whole drop from the peak to zero gains in the end."""


class LossLaw(ABC):
    """The loss that a schedule leads to.

    Attributes:
        name: short.
        source: author, year, arXiv id.
        parameters: in the order of every array of them.
    """

    name: str
    source: str
    parameters: tuple[Parameter, ...]

    @abstractmethod
    def loss(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """The loss at each step of an exposure, shape (n,), at parameters theta, shape (P,)."""

    @abstractmethod
    def gradient(self, theta: FloatArray, seen: Exposure) -> FloatArray:
        """Its derivatives by the parameters, shape (n, P)."""

    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(p.name for p in self.parameters)


def powered(scale: float, exponent: float, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """A X^-α, and its derivatives by A, α and X; each of the shape of X."""
    curve = x ** (-exponent)
    return scale * curve, curve, -scale * curve * np.log(x), -scale * exponent * curve / x
