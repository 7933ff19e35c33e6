"""What came of a comparison: rows, tables, and everything a report needs. Values only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import field, frozen

from lrdecay.runs.protocol import finite
from lrdecay.runs.spec import RunResult
from lrdecay.runs.trainable import Goal
from lrdecay.stats.intervals import Interval, t_interval
from lrdecay.stats.paired import Ranking, compare_to_best
from lrdecay.sweep.evidence import Evidence, evidence
from lrdecay.sweep.pilots import PeakChoice

__all__ = ["Row", "Study", "Table", "rank"]


@frozen(eq=False)
class Row:
    """One schedule, scored."""

    written: str  # as the user wrote it
    spec: str  # with its peak filled in
    peak: float
    results: tuple[RunResult, ...] = field(repr=False)  # one per scoring seed, in order

    @property
    def values(self) -> tuple[float, ...]:
        """The score of each seed; nan where the run diverged."""
        return tuple(r.score for r in self.results)

    @property
    def diverged(self) -> int:
        """How many seeds diverged."""
        return sum(math.isnan(v) for v in self.values)

    @property
    def mean(self) -> float:
        """Over seeds; nan where one diverged."""
        return math.fsum(self.values) / len(self.values)

    @property
    def interval(self) -> Interval | None:
        """A 95% t interval on the mean; None for one seed or where a seed diverged."""
        return None if self.diverged or len(self.values) < 2 else t_interval(self.values)

    def to_json(self) -> dict[str, Any]:
        """``spec, peak, values, mean, interval``, with null for what is not a number."""
        interval = None if self.interval is None else [self.interval.lo, self.interval.hi]
        return {
            "spec": self.spec,
            "peak": self.peak,
            "values": [finite(v) for v in self.values],
            "mean": finite(self.mean),
            "interval": interval,
        }


@frozen(eq=False)
class Table:
    """Schedules side by side, on the same seeds; best first."""

    title: str  # "each at its best peak"
    rows: tuple[Row, ...]
    ranking: Ranking
    evidence: Evidence

    @property
    def winner(self) -> str | None:
        """The spec of the winner, if there is one."""
        return self.ranking.winner

    @property
    def detectable(self) -> float | None:
        """The smallest true difference these seeds find 4 times in 5; None where one seed says nothing."""
        return finite(self.ranking.detectable)

    def to_json(self) -> dict[str, Any]:
        """Rows with their difference to the best, how probably each is best, the winner, and what could be detected."""
        rows = []
        for row in self.rows:
            standing = self.ranking[row.spec]
            difference = standing.difference
            rows.append(
                row.to_json()
                | {
                    "written": row.written,
                    "difference": None if difference is None else finite(difference.mean),
                    "difference_interval": None
                    if difference is None or math.isinf(difference.interval.hi)
                    else [difference.interval.lo, difference.interval.hi],
                    "p_adjusted": standing.p_adjusted,
                    "diverged": row.diverged,
                }
                | self.evidence.to_json(row.spec)
            )
        return {"title": self.title, "rows": rows, "winner": self.winner, "detectable": self.detectable}


@frozen(eq=False)
class Study:
    """A finished comparison."""

    task: str
    metric: str
    goal: Goal
    seeds: tuple[int, ...]
    pilot_seeds: tuple[int, ...]  # empty with --fixed-peak
    main: Table  # each at its best peak, or at the stated one
    shared: Table | None  # all at one peak
    choices: Mapping[str, PeakChoice]  # written schedule -> how its peak was chosen
    steps_trained: int  # updates made, pilots and range tests included
    steps_naive: int  # updates if every run that was asked for had been made apart
    seconds: float
    notes: tuple[str, ...]  # what a reader must know: edges, divergences, how a script was judged
    provenance: Mapping[str, Any]  # command, versions, machine, time
    caveats: tuple[str, ...] | None = None  # what a verdict ends with where the peaks are not what is asked about

    def to_json(self) -> dict[str, Any]:
        """The contract of ``compare --json``."""
        main = self.main.to_json()
        return {
            "task": self.task,
            "metric": self.metric,
            "goal": self.goal,
            "rows": main["rows"],
            "winner": main["winner"],
            "detectable": main["detectable"],
            "steps_trained": self.steps_trained,
            "steps_naive": self.steps_naive,
            "compared": self.main.title,
            "shared": None if self.shared is None else self.shared.to_json(),
            "seeds": list(self.seeds),
            "pilot_seeds": list(self.pilot_seeds),
            "peaks": {written: choice.to_json() for written, choice in self.choices.items()},
            "seconds": round(self.seconds, 1),
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }


def rank(title: str, rows: Sequence[Row], goal: Goal) -> Table:
    """Rows compared with the best, paired by seed, and put in order.

    The resolution of the metric is taken to be the smallest gap between two scores that were seen.
    """
    scores = {row.spec: row.values for row in rows}
    seen = sorted({v for row in rows for v in row.values if math.isfinite(v)})
    resolution = min((b - a for a, b in pairwise(seen)), default=0.0)
    ranking = compare_to_best(scores, higher_is_better=goal == "max", resolution=resolution)
    found = evidence({row.spec: row.results for row in rows}, ranking.best, goal, resolution)
    by_spec = {row.spec: row for row in rows}
    return Table(title, tuple(by_spec[s.name] for s in ranking.standings), ranking, found)
