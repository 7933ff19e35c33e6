"""A law of loss curves: parameters, and the loss with its gradient, as functions of them and of an exposure."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from attrs import frozen

from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.exposure import Exposure

__all__ = ["Law", "Parameter"]


@frozen
class Parameter:
    """A positive parameter of a law, in units in which the peak is 1 and a run's area about 1.

    Attributes:
        name: as in the paper.
        low: least that is allowed.
        high: most that is allowed.
        centre: of its prior, which is normal in the logarithm.
        width: of the prior: its standard deviation in the logarithm.
        starts: where searches begin.
    """

    name: str
    low: float
    high: float
    centre: float
    width: float
    starts: tuple[float, ...]


class Law(ABC):
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


def power(scale: float, exponent: float, area: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A S^-α, and its derivatives by A and α; each of the shape of S."""
    curve = area ** (-exponent)
    return scale * curve, curve, -scale * curve * np.log(area)
