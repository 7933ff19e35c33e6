"""How a table of rates falls: inside epochs or between them, by equal amounts or not; and what Keras' ``decay=`` was.

With e updates in an epoch and the rates r_0, r_1, ..., epoch k begins at r_(ke). Its fall is r_(ke) - r_((k+1)e), and
of this r_(ke) - r_((k+1)e - 1) is made inside the epoch, the rest at its end.

``decay=d`` multiplied the rate by 1 / (1 + d · iterations), where every update is an iteration: `get_updates` of Keras
1 and 2, kept in tensorflow/python/keras/optimizer_v1.py. Keras 3 warns that it ignores the argument.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal

__all__ = ["falls", "inside", "legacy", "unequal"]

FloatArray = NDArray[np.float64]


def legacy(rate: float, decay: float, steps: int) -> FloatArray:
    """What the optimizer used at each update under ``decay=``, as its source has it; float64, shape (steps,)."""
    return np.array([rate * (1.0 / (1.0 + decay * iterations)) for iterations in range(steps)])


def falls(rates: FloatArray, epoch: int) -> FloatArray:
    """By how much the rate falls from the start of each epoch to that of the next; shape (epochs - 1,).

    Raises:
        InputError: there are fewer than three epochs, or a part of one.
    """
    if len(rates) % epoch or len(rates) < 3 * epoch:
        msg = refusal("falls(rates=...)", f"must be three or more whole epochs of {epoch} updates", len(rates))
        raise InputError(msg)
    return -np.diff(rates[::epoch])


def inside(rates: FloatArray, epoch: int) -> float:
    """The share of the first epoch's fall that is made inside it, in [0, 1] for falling rates."""
    return float((rates[0] - rates[epoch - 1]) / falls(rates, epoch)[0])


def unequal(rates: FloatArray, epoch: int) -> float:
    """The natural logarithm of the largest fall of an epoch over the smallest; 0: a fixed amount."""
    own = falls(rates, epoch)
    return float(np.log(own.max() / own.min()))
