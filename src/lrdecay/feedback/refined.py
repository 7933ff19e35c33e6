"""The refined schedule: from the gradient norms of one run, the decay that a bound calls best for the next.

    Ĝ   = running median of G over a tenth of the run
    w_t = Ĝ_t^-2  (SGD; G the 2-norms)         w_t = 1 / Ĝ_t  (Adam; G the 1-norms)
    η_t ∝ w_t Σ_{p > t} w_p,   the largest being the peak

Where gradients shrink early it warms up, where they grow late it decays earlier; constant norms give linear decay.

Source: Defazio, Cutkosky, Mehta, Mishchenko 2023, When, why and how much? Adaptive learning rate scheduling by
refinement, arXiv:2310.07831; written from the paper's formulas. What is ours:

* The paper's sum ends at the last iterate, whose rate is 0. N recorded norms are of N updates, so there is one iterate
  more; its weight is taken as the last one's, no update is wasted, and constant norms give `linear(peak)` exactly.
  ``wasted=True`` ends the sum at N as printed: the last update has the rate 0.
* At both ends the median sees the norms mirrored, the first and last ones twice.
* The width is the odd number nearest to a tenth, the larger one of two.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrdecay.errors import Constraint, InputError, factor_in_unit_interval, one_of, positive, refusal, true_or_false
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.families_listed import tabulated

__all__ = ["median_filtered", "refined"]

_norms = Constraint(
    "must be a list of finite numbers >= 0, one per update",
    lambda v: v.ndim == 1 and v.size > 0 and bool(np.isfinite(v).all() and (v >= 0).all()),
)


def refined(
    gradient_norms: ArrayLike, peak: float, optimizer: str = "sgd", *, width: float = 0.1, wasted: bool = False
) -> Schedule:
    """The refined schedule of a run (Defazio et al. 2023, arXiv:2310.07831), as `tabulated`.

    Args:
        gradient_norms: of each update of a run of the same length, shape (N,): 2-norms for "sgd", 1-norms for "adam".
        peak: the largest rate, > 0.
        optimizer: "sgd" or "adam".
        width: of the median filter, as a share of N, in (0, 1].
        wasted: whether the last rate is 0; see the module.

    Raises:
        InputError: an argument is out of range, or the filtered norms hold a 0.

    >>> refined([2.0, 2.0, 2.0, 2.0], peak=0.1)
    tabulated([0.1, 0.07500000000000001, 0.05, 0.025])
    """
    norms = _array(gradient_norms)
    positive.check("refined(peak=...)", peak)
    one_of(("sgd", "adam")).check("refined(optimizer=...)", optimizer)
    factor_in_unit_interval.check("refined(width=...)", width)
    true_or_false.check("refined(wasted=...)", wasted)
    if wasted and len(norms) < 2:
        msg = refusal("refined(wasted=True)", "must have two updates, one of them with a rate", len(norms))
        raise InputError(msg)
    smooth = median_filtered(norms, 2 * int(width * len(norms) / 2) + 1)
    if not smooth.min() > 0:
        cure = "A run whose gradients vanish has nothing to refine; cut it off before."
        msg = refusal("refined(gradient_norms)", "must have a median > 0 everywhere", float(smooth.min()), cure)
        raise InputError(msg)
    weights = (smooth / smooth.min()) ** (-2.0 if optimizer == "sgd" else -1.0)
    after = np.concatenate([np.cumsum(weights[::-1])[::-1][1:], [0.0]])  # Σ_{p > t} w_p up to N
    rates = weights * (after if wasted else after + weights[-1])
    return tabulated((float(peak) * (rates / rates.max())).tolist())


def median_filtered(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The running median over an odd ``width``, at the ends over the values mirrored there (… b a | a b …).

    A window wider than twice the series is mirrored again and again. It costs N insertions into a sorted list.
    """
    half = width // 2
    padded = np.pad(values, half, mode="symmetric").tolist()
    window = sorted(padded[:width])
    found = [window[half]]
    for leaving, coming in zip(padded, padded[width:], strict=False):
        del window[bisect_left(window, leaving)]
        insort(window, coming)
        found.append(window[half])
    return np.array(found)


def _array(given: ArrayLike) -> NDArray[np.float64]:
    try:
        norms = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        msg = refusal("refined(gradient_norms)", _norms.rule, given)
        raise InputError(msg) from None
    _norms.check("refined(gradient_norms)", norms)
    return norms
