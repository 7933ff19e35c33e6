"""The gradient noise scale: how many samples a batch must have before its noise is as large as the gradient itself.

    B_simple = tr(Σ) / |G|²

with G the mean gradient at fixed weights and Σ the covariance of one sample's gradient (McCandlish, Kaplan, Amodei and
the OpenAI Dota Team, An Empirical Model of Large-Batch Training, 2018, arXiv:1812.06162, and its appendix A.1). With
E|g_B|² = |G|² + tr(Σ)/B, gradients of two batch sizes give both parts without bias. Here the small batches have B
samples and each of J groups of m of them is a large one, whose mean gradient is h_j:

    |G|²    = mean over j != k of h_j·h_k        groups are independent, so that noise drops out
    tr(Σ)/B = mean |g|² - |G|²

The ratio of the two has a bias of order 1/J, which the jackknife over groups (Quenouille 1956, Tukey 1958) removes; its
standard errors are given. Where |G|² is not at least twice its standard error above zero nothing is known of the ratio
but a lower end, from |G|² plus twice its standard error: such an answer is called not measurable and has no value.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from lrdecay.errors import InputError, positive, refusal
from lrdecay.runs.protocol import finite

__all__ = ["NoiseScale", "noise_scale"]

FloatArray = NDArray[np.float64]

_SURE = 2.0
"""Standard errors above zero at which |G|² counts as measured."""


@frozen
class NoiseScale:
    """B_simple with what it is made of.

    Attributes:
        value: in the unit of the batch (samples, or batches where that was 1); nan where it is not measurable.
        error: standard error of it; nan where it is not measurable.
        at_least: a lower end where it is not measurable; nan where it is, or where not even that is known.
        squared: |G|², which may come out below zero.
        squared_error: standard error of it.
        trace: tr(Σ), of one unit of the batch.
        trace_error: standard error of it.
        groups: J.
    """

    value: float
    error: float
    at_least: float
    squared: float
    squared_error: float
    trace: float
    trace_error: float
    groups: int

    @property
    def measurable(self) -> bool:
        """Whether |G|² is at least two standard errors above zero."""
        return math.isfinite(self.value)

    def to_json(self) -> dict[str, float | int | None]:
        """By name; null for what is not known."""
        names = ("value", "error", "at_least", "squared", "squared_error", "trace", "trace_error")
        return {name: finite(getattr(self, name)) for name in names} | {"groups": self.groups}


def noise_scale(squares: ArrayLike, products: ArrayLike, batch: float = 1.0) -> NoiseScale:
    """The noise scale at fixed weights.

    Args:
        squares: mean |g|² of the small batches of each group, shape (groups,).
        products: h_j·h_k of the groups' mean gradients, shape (groups, groups).
        batch: size of a small batch, > 0; 1 where it is not known.

    Raises:
        InputError: there are fewer than 4 groups, the shapes do not agree, or a number is not finite.
    """
    a, gram = np.asarray(squares, dtype=np.float64), np.asarray(products, dtype=np.float64)
    positive.check("noise_scale(batch=...)", batch)
    if a.ndim != 1 or len(a) < 4 or gram.shape != (len(a), len(a)):
        msg = refusal("noise_scale(products=...)", "must be of 4 groups or more", f"shapes {a.shape} and {gram.shape}")
        raise InputError(msg)
    if not (np.isfinite(a).all() and np.isfinite(gram).all()):
        msg = refusal("noise_scale(products=...)", "must be finite", "nan or inf", "The run has diverged there.")
        raise InputError(msg)
    squared, trace = _parts(a, gram, batch)
    left = [_parts(np.delete(a, j), np.delete(np.delete(gram, j, 0), j, 1), batch) for j in range(len(a))]
    squares_left, traces_left = (np.array(part) for part in zip(*left, strict=True))
    squared_error, trace_error = _jackknife(squares_left), _jackknife(traces_left)
    high = squared + _SURE * squared_error
    if squared <= _SURE * squared_error or not np.all(squares_left > 0):
        at_least = max(trace, 0.0) / high if high > 0 else math.nan
        value = error = math.nan
    else:
        ratios = traces_left / squares_left
        value = len(a) * trace / squared - (len(a) - 1) * float(ratios.mean())
        error, at_least = _jackknife(ratios), math.nan
    return NoiseScale(value, error, at_least, squared, squared_error, trace, trace_error, len(a))


def _parts(a: FloatArray, gram: FloatArray, batch: float) -> tuple[float, float]:
    """|G|² and tr(Σ), each without bias."""
    groups = len(a)
    squared = float(gram.sum() - np.trace(gram)) / (groups * (groups - 1))
    return squared, batch * (float(a.mean()) - squared)


def _jackknife(left: FloatArray) -> float:
    """The standard error, from the values with one group left out."""
    return math.sqrt((len(left) - 1) / len(left) * float(np.sum((left - left.mean()) ** 2)))
