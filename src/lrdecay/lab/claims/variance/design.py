"""Fractional factorial designs of three levels, and the shares of variance that are read off them exactly.

A run is a point of GF(3)^d; factor j has the level c_j · point mod 3, with c_j its column, a vector of GF(3)^d. An
effect belongs to a vector v up to sign, its sum of squares is that of the three means over the points with v · point =
0, 1, 2, and the (3^d - 1)/2 of them add up to the total: an exact analysis of variance. Factor j has one, c_j; the
interaction of j and k two, c_j + c_k and c_j - c_k. `COLUMNS` are five factors in 3^4 = 81 runs, the fifth column the
sum of the others: no effect of one or two factors coincides with another of them (resolution V; Box, Hunter and Hunter,
Statistics for Experimenters, 2005); interactions of three coincide with those of two, and what belongs to none is the
rest.

The first-order share of a factor is its sum of squares over the total, the share with interactions adds those of its
pairs (Sobol' indices on the design's grid; Hutter, Hoos and Leyton-Brown 2014 for hyperparameters). With R runs of pure
noise a factor has an expected share of 2/(R - 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrdecay.errors import InputError, refusal

__all__ = ["COLUMNS", "LEVELS", "Shares", "levels", "shares"]

LEVELS = 3

Column = tuple[int, ...]
Shares = Mapping[str, tuple[float, float]]
"""Factor -> (first-order share, share with its pairs)."""

COLUMNS: tuple[Column, ...] = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (1, 1, 1, 1))
"""Of five factors in 81 runs."""


def levels(columns: Sequence[Column]) -> NDArray[np.int64]:
    """The levels 0, 1, 2 of each factor in each run; shape (3^d, factors).

    Raises:
        InputError: columns differ in length, or two factors would always change together.
    """
    if len({len(c) for c in columns}) != 1 or len({_up_to_sign(c) for c in columns}) != len(columns):
        msg = refusal("levels(columns=...)", "must be of one length, no two the same up to sign", columns)
        raise InputError(msg)
    return _points(len(columns[0])) @ np.array(columns, dtype=np.int64).T % LEVELS


def shares(values: ArrayLike, factors: Mapping[str, Column], idle: Sequence[str] = ()) -> Shares:
    """The shares of variance of each factor.

    Args:
        values: one a run, in the order of `levels`, shape (3^d,).
        factors: name -> column.
        idle: factors that have no pairs: their share with interactions is the first-order one, and nobody pairs
            with them.

    Raises:
        InputError: there are not 3^d values, or they are all the same.
    """
    found = np.asarray(values, dtype=np.float64)
    points = _points(len(next(iter(factors.values()))))
    if found.shape != (len(points),) or not np.ptp(found) > 0:
        msg = refusal("shares(values=...)", f"must be {len(points)} finite values, not all the same", found.shape)
        raise InputError(msg)
    total = float(((found - found.mean()) ** 2).sum())

    def share(column: Column) -> float:
        own = points @ np.array(column, dtype=np.int64) % LEVELS
        means = np.array([found[own == level].mean() for level in range(LEVELS)])
        return float(((means - found.mean()) ** 2).sum()) * len(points) / LEVELS / total

    pairs = dict.fromkeys(factors, 0.0)
    for (one, a), (two, b) in itertools.combinations(factors.items(), 2):
        if one not in idle and two not in idle:
            both = sum(share(tuple(int(v) for v in np.add(a, np.multiply(sign, b)) % LEVELS)) for sign in (1, 2))
            pairs[one] += both
            pairs[two] += both
    return {name: (share(column), share(column) + pairs[name]) for name, column in factors.items()}


def _points(dimension: int) -> NDArray[np.int64]:
    return np.array(list(itertools.product(range(LEVELS), repeat=dimension)), dtype=np.int64)


def _up_to_sign(column: Column) -> Column:
    first = next((v for v in column if v % LEVELS), 0)
    return tuple(v * first % LEVELS for v in column)  # 2 · 2 = 1 in GF(3)
