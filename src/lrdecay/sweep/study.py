"""What came of a comparison: rows, tables, and everything a report needs. Values only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from lrdecay.runs.protocol import finite
from lrdecay.runs.spec import RunResult
from lrdecay.runs.trainable import Goal
from lrdecay.stats.intervals import Interval, t_interval
from lrdecay.stats.paired import Ranking, Standing, compare_to_best, paired_difference
from lrdecay.sweep.evidence import Evidence, evidence
from lrdecay.sweep.foretold import Forecasted
from lrdecay.sweep.pilots import PeakChoice
from lrdecay.sweep.racing import Dropped, Raced, smallest_gap

__all__ = ["Row", "Study", "Table", "rank"]


@frozen(eq=False)
class Row:
    """One schedule, scored."""

    written: str  # as the user wrote it
    spec: str  # with its peak filled in
    peak: float
    results: tuple[RunResult, ...] = field(repr=False)  # one per scoring seed, in order
    dropped: Dropped | None = None  # where it left a race: it has the first seeds only

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
    """Schedules side by side, on the same seeds; best first, those that a race dropped last."""

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
                    "dropped": None if row.dropped is None else {"after": row.dropped.after, "by": row.dropped.by},
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
    raced: Raced | None = None  # in rounds of seeds; None: every schedule has every seed
    forecast: Forecasted | None = None  # what ordered its training; None: nothing did

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
            "race": None if self.raced is None else self.raced.to_json(),
            "forecast": None if self.forecast is None else self.forecast.to_json(),
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }


def rank(title: str, rows: Sequence[Row], goal: Goal, raced: Raced | None = None) -> Table:
    """Rows compared with the best, paired by seed, and put in order.

    Of a race, the rows that are left are compared as if there were no others: ranking, p values, the probability of
    being best and the set that holds it. A dropped row has only its difference to the best, on the seeds it has.

    Args:
        title: of the table.
        rows: on the same seeds; a dropped one on the first of them.
        goal: of the metric.
        raced: the race in which rows were dropped for these very scores; None: there was none, or for other scores.
    """
    left = [row for row in rows if row.dropped is None]
    resolution = smallest_gap(v for row in rows for v in row.values)
    scores = {row.spec: row.values for row in left}
    ranking = compare_to_best(scores, higher_is_better=goal == "max", resolution=resolution)
    by_spec = {row.spec: row for row in rows}
    best = None if ranking.best is None else by_spec[ranking.best]
    lost = [_dropped(row, best, resolution) for row in rows if row.dropped is not None]
    lost.sort(key=lambda one: _behind(one, goal))
    results = {row.spec: row.results for row in left}
    fewer = {one.name: by_spec[one.name].results for one in lost}
    found = evidence(results, ranking.best, goal, resolution, fewer)
    standings = (*ranking.standings, *lost)
    ranking = evolve(ranking, standings=standings, winner=_winner(ranking, raced))
    return Table(title, tuple(by_spec[s.name] for s in standings), ranking, found)


def _winner(ranking: Ranking, raced: Raced | None) -> str | None:
    """The only one left of a race is its winner; a race that errs more often than tests do names none."""
    if raced is None:
        return ranking.winner
    if not raced.names_winners(ranking.level):
        return None
    return ranking.best if raced.left == 1 else ranking.winner


def _dropped(row: Row, best: Row | None, resolution: float) -> Standing:
    """A row that left a race, beside the best on the seeds that both have."""
    if row.diverged:
        return Standing(row.spec, None, None, None)
    if best is None:
        return Standing(row.spec, row.mean, None, None)
    common = best.values[: len(row.values)]
    return Standing(row.spec, row.mean, paired_difference(row.values, common, resolution=resolution), None)


def _behind(standing: Standing, goal: Goal) -> tuple[float, str]:
    """Order of those that were dropped: how far behind, then by name."""
    mean = math.inf if standing.difference is None else standing.difference.mean
    return (mean if goal == "min" or math.isinf(mean) else -mean, standing.name)
