"""Tables of what every arm of `bench.averaged_forecast` said of cooldowns that were made."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from bench.averaged_runs import LENGTHS, Run
from scipy.stats import spearmanr

from lrdecay.stats.intervals import mean, t_interval

__all__ = ["Answers", "Target", "intervals", "table"]

Answers = dict[str, tuple[float, float, float]]
"""By arm: a value, and the ends of its interval, nan where it has none."""


class Target(NamedTuple):
    """One cooldown that was made."""

    run: Run
    step: int
    share: float

    @property
    def data(self) -> str:
        """The data set."""
        return self.run.task.removesuffix("-bn")

    @property
    def loss(self) -> float:
        """Where it ended."""
        return self.run.finals[self.step, self.share]


def table(scored: list[tuple[Target, Answers]]) -> list[str]:
    """A row for each arm, and its verdict."""
    names = sorted({t.data for t, _ in scored})
    lines = [
        f"| arm | {' | '.join(names)} | times the error of averaged weights (95%) | verdict | order | within | width |",
        "| --- " * (len(names) + 6) + "|",
    ]
    for arm in dict.fromkeys(arm for _, said in scored for arm in said):
        rows = [(t, said[arm], said["averaged weights"]) for t, said in scored if arm in said]
        errors, ratios = defaultdict(list), defaultdict(list)
        for t, (value, _, _), (own, _, _) in rows:
            errors[t.data].append(abs(value / t.loss - 1))
            ratios[t.data, t.run.seed].append((abs(value - t.loss), abs(own - t.loss), t.loss))
        logs = [
            math.log(mean([e / loss for e, _, loss in r]) / mean([o / loss for _, o, loss in r]))
            for r in ratios.values()
        ]
        cells = ["", ""]
        if any(logs):
            spread = t_interval(logs)
            cells = [
                f"{math.exp(mean(logs)):.2f} ({math.exp(spread.lo):.2f} to {math.exp(spread.hi):.2f})",
                "better" if spread.lo > 0 else "worse" if spread.hi < 0 else "cannot tell",
            ]
        bounds = [(low <= t.loss <= high, (high - low) / t.loss) for t, (_, low, high), _ in rows]
        inside = ["", ""]
        if not math.isnan(bounds[0][1]):
            inside = [f"{np.mean([b for b, _ in bounds]):.2f}", f"{np.median([w for _, w in bounds]):.3f}"]
        each = " | ".join(f"{mean(errors[name]):.4f}" for name in names)
        lines.append(f"| {arm} | {each} | {' | '.join(cells)} | {ordered(rows):.2f} | {' | '.join(inside)} |")
    return lines


def intervals(scored: list[tuple[Target, Answers]]) -> list[str]:
    """Coverage and width by data set and by length."""
    kinds = [(name, [t.data == name for t, _ in scored]) for name in sorted({t.data for t, _ in scored})]
    kinds += [(f"{share:.0%}", [t.share == share for t, _ in scored]) for share in LENGTHS]
    lines = [f"| arm | {' | '.join(name for name, _ in kinds)} |", "| --- " * (len(kinds) + 1) + "|"]
    for arm in ("averaged weights", "as shipped", "as shipped, own cooldown", "law"):
        cells = []
        for _, chosen in kinds:
            rows = [(t.loss, *said[arm]) for (t, said), one in zip(scored, chosen, strict=True) if one and arm in said]
            inside = np.mean([low <= loss <= high for loss, _, low, high in rows])
            cells.append(f"{inside:.2f}, {np.median([(high - low) / loss for loss, _, low, high in rows]):.3f}")
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def ordered(rows: Sequence[tuple[Target, tuple[float, float, float], object]]) -> float:
    """Spearman's correlation of said and reached over the steps of a trunk, the mean over trunks and lengths."""
    found = defaultdict(list)
    for t, (value, _, _), _ in rows:
        found[t.run.task, t.run.peak, t.run.seed, t.share].append((value, t.loss))
    return float(np.nanmean([spearmanr(*zip(*pairs, strict=True))[0] for pairs in found.values()]))
