"""A race over the scoring seeds of a comparison: when it looks, who is dropped there, and what may be said of it. Pure.

The first `after` seeds are made for every schedule, then one seed at a time. Between two such rounds the race looks at
the scores of the runs that are complete, and schedules that `lrdecay.stats.racing.Race` drops are not trained on the
seeds that are left. So it drops at forks only: a run that was begun is finished. With n seeds the looks are after
`after`, `after` + 1, ..., n - 1 of them, known before anything is trained, and the best schedule is dropped at any of
them with a chance of at most alpha. A look is a function of the scores alone, so that it comes out the same after a
kill, for any number of workers, and whether or not runs share.

Where one schedule is left the race is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from attrs import field, frozen

from lrdecay.errors import Constraint, InputError, argument, refusal
from lrdecay.runs.trainable import Goal
from lrdecay.stats.racing import Race

__all__ = ["FIRST_LOOK", "Dropped", "RaceRule", "Raced", "smallest_gap"]

FIRST_LOOK = 3
"""Seeds before the first look, by default: with two, a t test has one degree of freedom and drops next to nothing."""

_half = Constraint(
    "must be above 0 and below 0.5",
    lambda v: isinstance(v, float) and 0 < v < 0.5,
    "It is the chance that the best schedule is dropped, such as 0.05.",
)
_two = Constraint("must be an integer >= 2", lambda v: type(v) is int and v >= 2, "One seed says nothing of spread.")


@frozen
class Dropped:
    """Where a schedule left a race, and for what."""

    after: int  # seeds it has
    by: str  # the rival that beats it, as the user wrote it
    p_value: float  # one-sided, of "not behind that rival" on those seeds


@frozen
class RaceRule:
    """How to race, said before anything is trained.

    Raises:
        InputError: alpha is not in (0, 0.5), or fewer than two seeds come before the first look.

    >>> RaceRule(0.05).rounds((0, 1, 2, 3, 4))
    [(0, 1, 2), (3,), (4,)]
    """

    alpha: float = field(validator=argument(_half))  # the most chance that the best schedule is dropped, at any look
    after: int = field(default=FIRST_LOOK, validator=argument(_two))  # seeds before the first look

    @classmethod
    def read(cls, race: float | None, race_after: int | None, *, seeds: int, schedules: int) -> RaceRule | None:
        """The rule that was asked for; None: no race.

        Raises:
            InputError: a number is out of range, no seed would be left after the first look, or there is one schedule.
        """
        if race is None:
            if race_after is not None:
                msg = refusal("--race-after", "must be given with --race", race_after, "Such as --race 0.05.")
                raise InputError(msg)
            return None
        after = FIRST_LOOK if race_after is None else race_after
        _half.check("--race", race)
        _two.check("--race-after", after)
        if seeds <= after:
            fewer = ", or --race-after 2" if after > 2 and seeds > 2 else ""
            cure = f"The first look is after {after} seeds: use --seeds {max(5, after + 2)}{fewer}."
            msg = refusal("--race", f"must have --seeds {after + 1} or more, to leave some out", seeds, cure)
            raise InputError(msg)
        if schedules < 2:
            msg = refusal("--race", "must have two schedules or more", schedules)
            raise InputError(msg)
        return cls(race, after)

    def looks(self, seeds: int) -> tuple[int, ...]:
        """How many seeds are made at each look; none after the last seed, where there is nothing left to save."""
        return tuple(range(self.after, seeds))

    def rounds(self, seeds: Sequence[int]) -> list[tuple[int, ...]]:
        """The seeds in the order in which they are made; a look stands between each two rounds."""
        return [tuple(seeds[: self.after]), *((seed,) for seed in seeds[self.after :])]

    def drops(
        self, rows: Mapping[str, Sequence[float]], *, candidates: int, seeds: int, goal: Goal
    ) -> dict[str, Dropped]:
        """Who is dropped at a look.

        Args:
            rows: schedule -> its scores so far, the same seeds for all; those that were dropped before left out. nan
                where it diverged: such a one is not dropped, and drops nobody.
            candidates: how many there were at the start.
            seeds: how many seeds there are in all.
            goal: of the metric.
        """
        race = Race(
            candidates=candidates,
            looks=len(self.looks(seeds)),
            higher_is_better=goal == "max",
            alpha=self.alpha,
            resolution=smallest_gap(v for row in rows.values() for v in row),
        )
        made = len(next(iter(rows.values())))
        return {name: Dropped(made, lost.by, lost.p_value) for name, lost in race.beaten(rows).items()}


@frozen
class Raced:
    """A race that was run."""

    rule: RaceRule
    seeds: int  # that were asked for
    made: int  # of those left: fewer where one was left before the last
    candidates: int
    dropped: Mapping[str, Dropped]  # as the user wrote it -> where it left, in the order in which they did

    @property
    def looks(self) -> tuple[int, ...]:
        """How many seeds were made at each look that was planned."""
        return self.rule.looks(self.seeds)

    @property
    def left(self) -> int:
        """How many were not dropped."""
        return self.candidates - len(self.dropped)

    def names_winners(self, level: float) -> bool:
        """Whether a winner may be named: a race that errs more often than 1 - level only screens."""
        return not self.dropped or self.rule.alpha <= 1.0 - level + 1e-12

    @property
    def error_rate(self) -> str:
        """What is promised, in one sentence."""
        return f"The best schedule is dropped with a chance of at most {100 * self.rule.alpha:g}%."

    @property
    def when(self) -> str:
        """The looks that were planned: "after 3 and 4 of 5 seeds"."""
        first, last = self.looks[0], self.looks[-1]
        looks = f"each of {first} to {last}" if last > first + 1 else " and ".join(map(str, self.looks))
        return f"after {looks} of {self.seeds} seeds"

    def sentences(self) -> list[str]:
        """What was dropped, how often that is wrong, and what all that is said of the rows left takes as given."""
        gone = [f"{name} after {one.after} seeds, beaten by {one.by}" for name, one in self.dropped.items()]
        said = [f"Raced, with a look {self.when}: " + (f"dropped {'; '.join(gone)}." if gone else "none was dropped.")]
        said.append(self.error_rate)
        if self.made < self.seeds:
            said.append(f"The race ended after {self.made} seeds, with one left.")
        if gone and self.left > 1:
            given = "on the seeds they share, taking it as given that these were left"
            said.append(f"All else is said of the {self.left} left, {given}: what tests may get wrong comes on top.")
        return said

    def to_json(self) -> dict[str, Any]:
        """The contract of ``compare --json``: ``race``."""
        return {
            "alpha": self.rule.alpha,
            "looks": list(self.looks),
            "seeds_asked": self.seeds,
            "seeds_made": self.made,
            "candidates": self.candidates,
            "left": self.left,
            "dropped": [
                {"schedule": name, "after": one.after, "beaten_by": one.by, "p": one.p_value}
                for name, one in self.dropped.items()
            ],
            "error_rate": self.error_rate,
        }


def smallest_gap(scores: Iterable[float]) -> float:
    """What the resolution of a metric is taken to be: the smallest gap between two scores that were seen; 0: none."""
    seen = sorted({v for v in scores if isfinite(v)})
    return min((b - a for a, b in pairwise(seen)), default=0.0)
