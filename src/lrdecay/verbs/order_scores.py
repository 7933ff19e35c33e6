"""What schedules have scored on other seeds, for `lrdecay.verbs.forecast_order`.

Seeds differ, and schedules are not all finished on the same ones. So of each the mean is taken of

    s = its score - the mean score of the common schedules on that seed

over the seeds that it has, where the common schedules are those that have every seed that counts. A seed counts where
at least half of the schedules are finished. Turned so that smaller is better.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from lrdecay.runs.spec import RunResult
from lrdecay.runs.trainable import Goal

__all__ = ["Scores"]


class Scores:
    """Scores by schedule and seed.

    Args:
        pilots: schedule as it was written -> pilot seed -> score.
        goal: of the metric; None: said by the first run.
    """

    def __init__(self, pilots: Mapping[str, Mapping[int, float]], goal: Goal | None = None) -> None:
        """With those of the pilots."""
        self._found = {name: dict(own) for name, own in pilots.items()}
        self._sign = -1.0 if goal == "max" else 1.0
        self.where = "pilot seeds and on other seeds" if pilots else "other seeds"

    def add(self, name: str, seed: int, result: RunResult) -> None:
        """A run was scored; nan where it diverged."""
        self._sign = -1.0 if result.goal == "max" else 1.0
        self._found.setdefault(name, {})[seed] = result.score

    def mean(self, name: str, seed: int) -> float:
        """Its mean score on other seeds; nan where there are none, or it diverged on one."""
        own = [score for s, score in self._found.get(name, {}).items() if s != seed]
        return math.fsum(own) / len(own) if own else math.nan

    def elsewhere(self, names: Collection[str], seed: int) -> dict[str, float] | None:
        """How far behind each schedule was on other seeds; inf where it diverged, left out where it has none.

        None where no other seed counts.
        """
        seeds = sorted({s for name in names for s in self._found.get(name, {}) if s != seed})
        have = {s: [n for n in names if s in self._found.get(n, {})] for s in seeds}
        counted = [s for s in seeds if 2 * len(have[s]) >= len(names)]
        if not counted:
            return None
        common = self._common(names, counted)
        if not common:
            counted = [max(counted, key=lambda s: len(have[s]))]
            common = self._common(names, counted)
        level = {s: math.fsum(self._found[n][s] for n in common) / max(1, len(common)) for s in counted}
        behind: dict[str, float] = {}
        for name in names:
            own = [self._found[name][s] - level[s] for s in counted if s in self._found.get(name, {})]
            if own:
                mean = self._sign * math.fsum(own) / len(own)
                behind[name] = math.inf if math.isnan(mean) else mean
        return behind

    def _common(self, names: Collection[str], seeds: list[int]) -> list[str]:
        """Schedules with a finite score on each of these seeds."""
        return [n for n in names if all(math.isfinite(self._found.get(n, {}).get(s, math.nan)) for s in seeds)]
