"""The last-iterate bound of convex optimisation: what a decay is worth before anything was fitted.

For a convex, nonsmooth f, subgradients of norms G_t, a start at distance D from a minimiser, and rates η_1..η_T,

    f(x_T) - f* <= (D² + Q_1) / 2A_1 + ½ Σ_{k<T} η_k Q_k / (A_{k+1} A_k),   A_k = Σ_{t>=k} η_t, Q_k = Σ_{t>=k} η_t² G_t²

With η = γ · shape the first part is t1/γ and the rest γ (t2 + t3), so the best base rate is γ* = √(t1/(t2+t3)), and the
bound there 2 √(t1 (t2+t3)). Everything costs O(T): A and Q are sums from the end.

Rates of zero at the end move nothing and are left out. That the rate η_T counts although x_T does not feel it is the
theorem's: it weighs the last iterate.

Source: Schaipp, Hägele, Taylor, Simsekli, Bach, 2025, arXiv:2501.18965, theorem 1, which is theorem 10 of Defazio,
Cutkosky, Mehta, Mishchenko, 2023, arXiv:2310.07831. The theory is of convex functions; that its γ* moves as measured
best rates of language models do is Schaipp et al.'s finding (section 5), and no promise for a task.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from lrdecay.errors import Constraint, InputError, positive, refusal
from lrdecay.losslaws.curve import FloatArray

__all__ = ["BaseRate", "best_base_rate", "bound", "bound_gradient", "bound_parts", "scaled_base_rate"]

_rates = Constraint(
    "must be finite rates >= 0, one per update and one above 0",
    lambda v: v.ndim == 1 and bool(np.isfinite(v).all() and (v >= 0).all() and (v > 0).any()),
    "Give `schedule.bind(horizon).values()`.",
)


@frozen
class BaseRate:
    """The best base rate of a shape.

    Attributes:
        rate: γ*, for the shape's highest value.
        bound: at it.
    """

    rate: float
    bound: float


def bound(rates: ArrayLike, gradient_norms: ArrayLike = 1.0, distance: float = 1.0) -> float:
    """The bound on f(x_T) - f*.

    Args:
        rates: of every update, shape (T,).
        gradient_norms: of every update, shape (T,), or one for all.
        distance: D, > 0.

    Raises:
        InputError: an argument is out of range.

    >>> round(20 * bound([0.05] * 400), 3)  # times √T; at its best base rate it is 2.751
    4.284
    """
    return sum(bound_parts(rates, gradient_norms, distance))


def bound_parts(rates: ArrayLike, gradient_norms: ArrayLike = 1.0, distance: float = 1.0) -> tuple[float, float]:
    """t1, from the distance, which falls with the rate; and t2 + t3, from the gradients, which grows with it.

    Raises:
        InputError: as for `bound`.
    """
    r, g = _checked(rates, gradient_norms, distance)
    ahead, squares = _from_the_end(r), _from_the_end((r * g) ** 2)
    last = float(np.sum(r[:-1] / ahead[1:] * (squares[:-1] / ahead[:-1])))
    return distance**2 / (2 * float(ahead[0])), (float(squares[0] / ahead[0]) + last) / 2


def bound_gradient(rates: ArrayLike, gradient_norms: ArrayLike = 1.0, distance: float = 1.0) -> FloatArray:
    """The derivatives of the bound by the rates, shape (T,); 0 for rates of zero at the end.

    Raises:
        InputError: as for `bound`.
    """
    r, g = _checked(rates, gradient_norms, distance)
    ahead, squares = _from_the_end(r), _from_the_end((r * g) ** 2)
    factor = squares[:-1] / (ahead[1:] * ahead[:-1]) / 2  # of η_k in the sum
    term = r[:-1] * factor
    by_ahead, by_squares = np.zeros_like(r), np.zeros_like(r)
    by_ahead[:-1] -= term / ahead[:-1]
    by_ahead[1:] -= term / ahead[1:]
    by_ahead[0] -= (distance**2 + squares[0]) / (2 * ahead[0] ** 2)
    by_squares[:-1] += r[:-1] / (ahead[1:] * ahead[:-1]) / 2
    by_squares[0] += 1 / (2 * ahead[0])
    slope = np.cumsum(by_ahead) + 2 * r * g**2 * np.cumsum(by_squares)
    slope[:-1] += factor
    return np.concatenate([slope, np.zeros(np.size(rates) - len(r))])


def best_base_rate(rates: ArrayLike, gradient_norms: ArrayLike = 1.0, distance: float = 1.0) -> BaseRate:
    """The base rate at which a schedule's bound is least, in closed form; its own height does not matter.

    Raises:
        InputError: as for `bound`; or no gradient was above 0, so that no rate is too high.

    >>> best = best_base_rate([1 - t / 400 for t in range(400)])
    >>> round(20 * best.rate, 3), round(20 * best.bound, 3)
    (0.991, 2.013)
    """
    r = np.asarray(rates, dtype=np.float64)
    _rates.check("best_base_rate(rates)", r)
    falls, grows = bound_parts(r / r.max(), gradient_norms, distance)
    if not grows > 0:
        rule = "must be above 0 somewhere while the rate is"
        raise InputError(refusal("best_base_rate(gradient_norms=...)", rule, gradient_norms))
    return BaseRate(float(np.sqrt(falls / grows)), float(2 * np.sqrt(falls * grows)))


def scaled_base_rate(rates_from: ArrayLike, rates_to: ArrayLike) -> float:
    """By what factor the base rate should change with the cooldown, the shape or the horizon.

    A rate tuned for one schedule, times this, is where the bound puts the best one of the other: γ*(to) / γ*(from),
    with gradients of one norm; the norm and D cancel. Each schedule is an array of its own length.

    Raises:
        InputError: as for `bound`.

    >>> from lrdecay import Horizon, parse
    >>> h = Horizon(steps=10_000)
    >>> short, long = (parse(f'wsd(1, warmup=0, cooldown="{c}%")').bind(h).values() for c in (20, 60))
    >>> round(scaled_base_rate(short, long), 2)
    1.38
    """
    return best_base_rate(rates_to).rate / best_base_rate(rates_from).rate


def _checked(rates: ArrayLike, gradient_norms: ArrayLike, distance: float) -> tuple[FloatArray, FloatArray]:
    """Up to the last rate above 0."""
    r, g = np.asarray(rates, dtype=np.float64), np.asarray(gradient_norms, dtype=np.float64)
    _rates.check("bound(rates)", r)
    positive.check("bound(distance=...)", distance)
    if g.shape not in ((), r.shape) or not (np.isfinite(g).all() and (g >= 0).all()):
        rule = f"must be one finite norm >= 0, or {len(r)} of them, one per update"
        raise InputError(refusal("bound(gradient_norms=...)", rule, gradient_norms))
    moved = int(np.flatnonzero(r)[-1]) + 1
    return r[:moved], np.broadcast_to(g, r.shape)[:moved]


def _from_the_end(values: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(values[::-1])[::-1])
