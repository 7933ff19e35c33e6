"""What other finders would answer, from the losses of one curve: their smoothing, their stop, their window, their rule.

    fastai           moving average (β = 0.98, debiased), stop above 4x its best, points n/10 to -5;
                     valley, slide, minimum, steep                                   (fastai 2.8)
    torch-lr-finder  moving average (β = 0.95, from the first loss), stop above 5x its best, points 10 to -5;
                     steepest by index                                               (torch-lr-finder 0.2.2)
    ignite           the same average and stop; steepest central difference before the lowest point   (ignite 0.5.5)
    lightning        as fastai's average and stop, points 10 to -1; the slope is taken with respect to the rate on
                     points even in its logarithm, which multiplies it by 1/rate: broken, the answer sticks to the left
                     edge (Lightning 2.6, issue 21141)

All of them read a single curve as it came, so each is given one repeat, not the average that ours reads. Where the peer
would raise or say nothing, the answer is None. What a peer would have measured differs only in when it stops.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from attrs import frozen

from lrdecay.runs.trainable import FloatArray

__all__ = ["PEERS", "Peer", "peer_answers"]

Rule = Callable[[FloatArray, FloatArray], float | None]


@frozen
class Peer:
    """How one finder records a curve, and one of its rules."""

    beta: float  # of the moving average; the share of the past
    debiased: bool  # else it starts from the first loss
    stop: float  # multiple of the best average
    first: Callable[[int], int]  # points asked for -> the first point that is read
    last: int  # points at the end that are not read
    rule: Rule

    def answer(self, rates: FloatArray, losses: FloatArray) -> float | None:
        """The rate this finder would suggest for the raw losses of one repeat; None where it would have none.

        Args:
            rates: of every point asked for, rising, shape (points,).
            losses: of the points that were made, shape (made,), made <= points; the last may be inf or nan.
        """
        recorded = self.record(losses)
        begin, end = self.first(len(rates)), max(len(recorded) - self.last, 0)
        seen, at = recorded[begin:end], rates[begin:end]
        broken = np.flatnonzero(np.isnan(seen))
        keep = broken[0] if broken.size else len(seen)
        return self.rule(at[:keep], seen[:keep]) if keep >= 2 else None

    def record(self, losses: FloatArray) -> FloatArray:
        """The averages this finder keeps, up to its stop."""
        kept: list[float] = []
        average, best = 0.0, np.inf
        for i, loss in enumerate(losses.tolist()):
            if self.debiased:
                average = self.beta * average + (1 - self.beta) * loss
                shown = average / (1 - self.beta ** (i + 1))
            else:
                average = loss if i == 0 else self.beta * average + (1 - self.beta) * loss
                shown = average
            kept.append(shown)
            best = min(best, shown) if not np.isnan(shown) else best
            if i and shown > self.stop * best:
                break
        return np.array(kept)


def peer_answers(rates: FloatArray, losses: FloatArray) -> dict[str, float | None]:
    """Every peer's suggestion for one repeat, by "library rule"."""
    return {name: peer.answer(rates, losses) for name, peer in PEERS.items()}


def valley(rates: FloatArray, losses: FloatArray) -> float | None:
    """Fastai's default: half-way along the longest strictly decreasing (not contiguous) subsequence.

    The subsequence ends at e, where the first longest one is complete, and has n points; s = e - n is taken for its
    start (0 where nothing decreases), and the answer is point s + ⌊(e - s)/3⌋ + ⌊(e - s)/6⌋; -1 means the last point.
    """
    tails: list[float] = []  # tails[k]: the largest possible end of a decreasing run of k + 1 points, negated
    longest, end = 0, 0
    for i, value in enumerate(losses.tolist()):
        k = bisect_left(tails, -value)
        tails[k : k + 1] = [-value]
        if k + 1 > longest:
            longest, end = k + 1, i
    start = end - longest if longest > 1 else 0
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def slide(rates: FloatArray, losses: FloatArray) -> float | None:
    """Fastai's interval slide: from the right, 15 points apart, until two slopes by index differ by at most .005."""
    slope = np.gradient(losses)
    right, left = -1, -16
    if len(rates) < 16:
        return None
    found = rates[left]
    while left >= -len(losses) and abs(slope[right] - slope[left]) > 0.005:
        found = rates[left]
        right, left = right - 1, left - 1
    return float(found)


def minimum(rates: FloatArray, losses: FloatArray) -> float | None:
    """fastai's: a tenth of the rate of the lowest point."""
    return float(rates[int(np.argmin(losses))]) / 10


def steep(rates: FloatArray, losses: FloatArray) -> float | None:
    """fastai's: where one point to the next falls steepest per unit of log rate."""
    return float(rates[int(np.argmin(np.diff(losses) / np.diff(np.log(rates))))])


def steepest_by_index(rates: FloatArray, losses: FloatArray) -> float | None:
    """torch-lr-finder's: the lowest central difference by index."""
    return float(rates[int(np.argmin(np.gradient(losses)))])


def steepest_before_minimum(rates: FloatArray, losses: FloatArray) -> float | None:
    """ignite's: the lowest central difference by index up to the lowest point; an error there below three points."""
    falling = losses[: int(np.argmin(losses)) + 1]
    if len(falling) < 3:
        return None
    return float(rates[int(np.argmin(falling[2:] - falling[:-2])) + 1])


def steepest_by_rate(rates: FloatArray, losses: FloatArray) -> float | None:
    """Lightning's: the lowest d loss / d rate, on points even in log rate; points that are not finite are left out."""
    finite = np.isfinite(losses)
    if finite.sum() < 2:
        return None
    return float(rates[finite][int(np.argmin(np.gradient(losses[finite], rates[finite])))])


def _tenth(points: int) -> int:
    return points // 10


def _ten(_points: int) -> int:
    return 10


def _none(_points: int) -> int:
    return 0


PEERS: dict[str, Peer] = {
    "fastai valley": Peer(0.98, True, 4.0, _tenth, 5, valley),
    "fastai slide": Peer(0.98, True, 4.0, _tenth, 5, slide),
    "fastai minimum": Peer(0.98, True, 4.0, _tenth, 5, minimum),
    "fastai steep": Peer(0.98, True, 4.0, _tenth, 5, steep),
    "torch-lr-finder": Peer(0.95, False, 5.0, _ten, 5, steepest_by_index),
    "ignite": Peer(0.95, False, 5.0, _none, 0, steepest_before_minimum),
    "lightning (broken)": Peer(0.98, True, 4.0, _ten, 1, steepest_by_rate),
}
"""Every peer's rule, by name."""
