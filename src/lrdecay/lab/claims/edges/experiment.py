"""Both edges of the learning rate, seed by seed: the largest that trains, the smallest that gets there in time.

Edges are in doublings from the tuned rate, log2(rate/tuned).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import numpy as np
from attrs import evolve, frozen

from lrdecay.lab.arms import Arm, Runs
from lrdecay.lab.claims.edges.bisection import PER_DOUBLING, edge, rate_at
from lrdecay.lab.evidence import ArmRow, Evidence
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.tuning import tuned
from lrdecay.tasks.quadratic import Quadratic

__all__ = ["Edges", "Extent", "measure", "quadratic_loss", "quadratic_shift", "statistics_of"]

TASK = "lrdecay.lab.subjects.signals:signals"

CHANCE = math.log(10)
"""The training loss of one who knows nothing but that there are ten classes, in nats."""

TRAINS = 0.9
"""A run trains if its mean loss over the last epoch is below this share of `CHANCE`."""

REACHES = 0.95
"""A run gets there if it ends with this share of the tuned rate's mean accuracy."""

LONGER = 4
HIGHEST, LOWEST = 8 * PER_DOUBLING, -10 * PER_DOUBLING
"""Grid indices between which edges are looked for."""

_BEYOND = 2 * PER_DOUBLING

Values = list[float | None]


@frozen
class Extent:
    """What a scale trains: training signals, epochs, peaks tried, pilot seeds."""

    images: int
    epochs: int
    peaks: tuple[float, ...]
    pilots: tuple[int, ...]


SIZES: Mapping[str, Extent] = {
    "smoke": Extent(200, 4, (0.1, 0.3), (100,)),
    "small": Extent(2000, 5, (0.01, 0.03, 0.1, 0.3, 1.0), (100, 101, 102)),
    "full": Extent(4000, 40, (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), (100, 101, 102)),
}


@frozen
class Edges:
    """What was found in one seed, in doublings from the tuned rate; None: the property was never lost.

    Attributes:
        upper: the largest rate that trains.
        upper_again: the same in another data order.
        lower: the smallest rate that gets there in the budget.
        lower_again: the same in another data order.
        lower_longer: the smallest that gets there in four times the budget.
        beyond: training loss at four times the upper edge minus `CHANCE`, nats; inf after a divergence.
        at_tuned: the same at the tuned rate.
    """

    upper: float | None
    upper_again: float | None
    lower: float | None
    lower_again: float | None
    lower_longer: float | None
    beyond: float | None
    at_tuned: float


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Tune on pilots, then look for the edges of each seed."""
    size = SIZES[scale]
    own: dict[str, Any] = {"images": size.images, "split": "validation"}
    bare = Arm("constant", TASK, "constant({0!r})", own, epochs=size.epochs, evaluations=1)
    found = tuned(lab, [bare], size.peaks, size.pilots)["constant"]
    search = _Search(lab, found.peak, size)
    target = REACHES * float(np.mean([search.accuracy(seed, 0) for seed in seeds]))
    edges = [_edges_of(search, seed, target) for seed in seeds]
    notes = (
        f"Rate chosen on pilots: {found.peak:g}{found.edge}; the target is an accuracy of {target:.3f}.",
        *(_said(name, [getattr(e, name) for e in edges], found.peak) for name in ("upper", "lower", "lower_longer")),
    )
    return Evidence(statistics_of(edges), arms=search.rows(), notes=notes)


def statistics_of(edges: Sequence[Edges]) -> dict[str, Values]:
    """Every statistic, one value a seed; where an edge was not found, none."""

    def each(take: Callable[[Edges], float | None]) -> Values:
        return [take(e) for e in edges]

    def minus(one: float | None, other: float | None) -> float | None:
        return None if one is None or other is None else one - other

    factor = each(lambda e: e.upper)
    order = each(lambda e: minus(e.upper, e.upper_again))
    shift = each(lambda e: minus(e.lower, e.lower_longer))
    none = each(lambda e: minus(e.lower, e.lower_again))
    below = each(lambda e: minus(e.upper, e.lower))
    exact: Values = [quadratic_shift()] * len(edges)

    def less(values: Values, by: float) -> Values:
        return [None if v is None else v - by for v in values]

    return {
        "edge over the tuned rate": factor,
        "edge over the tuned rate, ten": factor,
        "edge over a rate that is too small": below,
        "edge over the edge in another order": order,
        "loss beyond the edge": each(lambda e: None if e.beyond is None else min(e.beyond, CHANCE)),
        "loss at the tuned rate": each(lambda e: min(e.at_tuned, CHANCE)),
        "loss of a quadratic beyond its edge": [min(quadratic_beyond(), CHANCE)] * len(edges),
        "shift, slow": less(shift, math.log2(LONGER)),
        "shift, stuck": shift,
        "no longer, slow": less(none, math.log2(LONGER)),
        "no longer, stuck": none,
        "quadratic, slow": less(exact, math.log2(LONGER)),
        "quadratic, stuck": exact,
    }


def quadratic_loss(rate: float, steps: int) -> float:
    """1/2 sum_i h_i (1 - rate h_i)^(2 steps): `quadratic` without noise and momentum after so many updates."""
    h = Quadratic().curvatures
    return float(0.5 * np.sum(h * (1 - rate * h) ** (2 * steps)))


def quadratic_shift() -> float:
    """How far the lower edge of a noise-free quadratic moves in four times the updates, in doublings: nearly two.

    Its tuned rate is 1, its target a loss of a hundredth of the first, its budget 400 updates.
    """

    def lower(steps: int) -> float:
        target = 0.01 * quadratic_loss(1.0, 0)
        found = edge(lambda index: quadratic_loss(rate_at(1.0, index), steps) <= target, 0, LOWEST)
        return math.nan if found is None else found / PER_DOUBLING

    return lower(400) - lower(LONGER * 400)


def quadratic_beyond() -> float:
    """How far the loss of a noise-free quadratic is above its first after 40 updates at four times its edge of 2."""
    return quadratic_loss(8.0, 40) - quadratic_loss(8.0, 0)


@final
class _Search:
    """Runs at rates of the grid, one seed at a time.

    Args:
        lab: trains.
        peak: the tuned rate.
        size: of the runs.
    """

    def __init__(self, lab: Laboratory, peak: float, size: Extent) -> None:
        self._lab, self._peak, self._size = lab, peak, size
        self._made: dict[tuple[str, int], Runs] = {}

    def _run(self, seed: int, index: int, order: int, longer: int) -> tuple[str, Runs]:
        rate = rate_at(self._peak, index)
        name = f"{rate:.3g}" + (f", order {order}" if order else "") + (f", {longer} times as long" * (longer > 1))
        if (name, seed) not in self._made:
            own = {"images": self._size.images, "split": "test", "order": order}
            arm = Arm(name, TASK, f"constant({rate!r})", own, epochs=longer * self._size.epochs, evaluations=1)
            self._made[name, seed] = self._lab.run([arm], [seed], f"seed {seed}: {name}")
        return name, self._made[name, seed]

    def accuracy(self, seed: int, index: int, order: int = 0, longer: int = 1) -> float:
        """On test signals at the end; nan after a divergence."""
        name, runs = self._run(seed, index, order, longer)
        return float(runs.end(name, "accuracy")[0])

    def loss(self, seed: int, index: int, order: int = 0) -> float:
        """The mean training loss of the last epoch minus `CHANCE`; inf after a divergence."""
        name, runs = self._run(seed, index, order, 1)
        losses = runs.losses(name)[0]
        last = losses[-max(1, losses.size // self._size.epochs) :]
        diverged = not math.isfinite(runs.end(name, "accuracy")[0]) or not np.isfinite(last).all()
        return math.inf if diverged else float(last.mean()) - CHANCE

    def rows(self) -> tuple[ArmRow, ...]:
        """Every arm, with the seeds that came by it."""
        found: dict[str, ArmRow] = {}
        for (name, _), runs in sorted(self._made.items()):
            (row,) = runs.rows()
            if name in found:
                kept = found[name]
                ends = {m: (*kept.ends.get(m, ()), *values) for m, values in row.ends.items()}
                row = evolve(kept, seeds=(*kept.seeds, *row.seeds), ends=ends)
            found[name] = row
        return tuple(found.values())


def _edges_of(search: _Search, seed: int, target: float) -> Edges:
    def highest(order: int) -> int | None:
        return edge(lambda i: search.loss(seed, i, order) < (TRAINS - 1) * CHANCE, 0, HIGHEST)

    def lowest(order: int, longer: int = 1) -> int | None:
        return edge(lambda i: search.accuracy(seed, i, order, longer) >= target, 0, LOWEST)

    def doublings(index: int | None) -> float | None:
        return None if index is None else index / PER_DOUBLING

    upper = highest(0)
    return Edges(
        upper=doublings(upper),
        upper_again=doublings(highest(1)),
        lower=doublings(lowest(0)),
        lower_again=doublings(lowest(1)),
        lower_longer=doublings(lowest(0, LONGER)),
        beyond=None if upper is None else search.loss(seed, upper + _BEYOND),
        at_tuned=search.loss(seed, 0),
    )


def _said(name: str, values: Sequence[float | None], peak: float) -> str:
    known = [v for v in values if v is not None]
    what = name.replace("lower_longer", "lower edge in four times the time").replace("_", " ")
    what = what if "edge" in what else f"{what} edge"
    if not known:
        return f"The {what} was not found."
    middle = peak * 2 ** statistics.median(known)
    seeds = f"{len(known)} of {len(values)} seeds"
    return f"The {what}: {middle:.3g} (median), {middle / peak:.3g} times the tuned rate; {seeds}."
