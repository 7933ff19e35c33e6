"""What `find` found: the curves of a range test, what was read off them, and a schedule's peak where one was given."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from lrdecay.errors import RunError
from lrdecay.rangetest.beside import Beside, peers_beside
from lrdecay.rangetest.critical import NEAR, typical
from lrdecay.rangetest.driver import Curve
from lrdecay.rangetest.reading import Reading, read
from lrdecay.rangetest.repeatability import Repeatability, repeatability
from lrdecay.runs.trainable import FloatArray
from lrdecay.stats.intervals import Interval
from lrdecay.verbs.find_schedule import ScheduleFinding

__all__ = ["Finding", "finding_of"]


@frozen(eq=False)
class Finding:
    """A range test's answer."""

    task: str
    reading: Reading = field(repr=False)
    curves: tuple[Curve, ...] = field(repr=False)  # one per repeat
    repeatability: Repeatability | None  # None: the curve gives no answer, or there is one repeat
    peers: tuple[Beside, ...]  # what other finders would have answered
    seeds: tuple[int, ...]
    notes: tuple[str, ...] = ()  # what a reader must know of how the curves were made
    schedule: ScheduleFinding | None = None  # the second stage, where a schedule was given

    @property
    def suggestion(self) -> float | None:
        """The peak to use: of the schedule where one was given, else of the range test; None: no clear answer."""
        if self.schedule is not None:
            return self.schedule.suggestion
        return None if self.why_not else self.reading.suggestion

    @property
    def why_not(self) -> str | None:
        """Why there is no clear answer, and what to do: the curve's shape, repeats that disagree, or the schedule's."""
        if self.schedule is not None:
            return self.schedule.why_not
        if self.reading.why_not is not None or self.repeatability is None:
            return self.reading.why_not
        return self.repeatability.too_wide

    @property
    def interval(self) -> Interval | None:
        """95%, of the suggestion; None without one, or of one repeat.

        Of a range test: where it would fall over repeats, by t on log10. With a schedule: of the extrapolated peak.
        """
        if self.schedule is not None:
            return self.schedule.interval
        return None if self.suggestion is None or self.repeatability is None else self.repeatability.t

    @property
    def repeats(self) -> int:
        """How many curves were averaged."""
        return len(self.curves)

    @property
    def steps_used(self) -> int:
        """Updates made, short runs of the schedule included."""
        short = 0 if self.schedule is None else self.schedule.steps_used
        return sum(len(c.losses) for c in self.curves) + short

    @property
    def restored(self) -> bool:
        """Whether every repeat left the task exactly as it was; for a script, a child process touched nothing of it."""
        return all(c.restored for c in self.curves)

    @property
    def critical_rate(self) -> float | None:
        """The largest step along the first update that does not raise its loss; geometric mean over repeats.

        None: it could not be had, see `lrdecay.rangetest.critical`; a script cannot be looked into.
        """
        return typical([c.critical for c in self.curves])

    @property
    def binding(self) -> float | None:
        """The suggestion over the critical rate: near 1 or above, the rate is what stability allows."""
        critical = self.critical_rate
        return None if self.suggestion is None or critical is None else self.suggestion / critical

    @property
    def is_binding(self) -> bool | None:
        """Whether that ratio is above `lrdecay.rangetest.critical.NEAR`."""
        return None if self.binding is None else self.binding > NEAR

    def peak(self) -> float:
        """The suggestion.

        Raises:
            RunError: there is none.
        """
        if self.suggestion is None:
            msg = f"`find` must see a curve that falls and rises, every time alike, to suggest a peak: {self.why_not}."
            raise RunError(msg)
        return self.suggestion

    def to_json(self) -> dict[str, Any]:
        """The contract of ``find --json``."""
        tested = self.range_test
        return {
            "task": self.task,
            "suggestion": self.suggestion,
            "interval": _ends(self.interval),
            "range_test": {"suggestion": tested.suggestion, "interval": _ends(tested.interval)},
            "schedule": None if self.schedule is None else self.schedule.to_json(),
            "rules": self.reading.rules,
            "restored": self.restored,
            "steps_used": self.steps_used,
            "why_not": self.why_not,
            "repeatability": None if self.repeatability is None else self.repeatability.to_json(),
            "peers": {peer.name: peer.to_json() for peer in self.peers},
            "repeats": self.repeats,
            "seeds": list(self.seeds),
            "curve": {"rates": self.reading.rates.tolist(), "losses": self.reading.losses.tolist()},
            "critical_rate": self.critical_rate,
            "binding": self.binding,
            "is_binding": self.is_binding,
            "critical": [None if c.critical is None else c.critical.to_json() for c in self.curves],
            "heldout": [_looks(c) for c in self.curves],
            "notes": list(self.notes),
        }

    @property
    def range_test(self) -> Finding:
        """What the range test alone answers."""
        return evolve(self, schedule=None)


def finding_of(
    label: str, asked: FloatArray, curves: tuple[Curve, ...], seeds: tuple[int, ...], notes: tuple[str, ...]
) -> Finding:
    """Read the curves.

    Args:
        label: of what was trained.
        asked: the rates of all points that were asked for, rising, shape (points,).
        curves: one per repeat.
        seeds: of the repeats.
        notes: what a reader must know of how the curves were made.
    """
    seen = [(c.rates, c.losses) for c in curves]
    reading = read(seen)
    sure = None if reading.suggestion is None else repeatability(seen)
    return Finding(label, reading, curves, sure, peers_beside(asked, curves), seeds, notes)


def _looks(curve: Curve) -> dict[str, list[float]] | None:
    """The held-out losses of a curve for JSON, those that are finite; None: nobody looked."""
    if curve.heldout is None:
        return None
    seen = np.isfinite(curve.heldout)
    return {"rates": curve.rates[seen].tolist(), "losses": curve.heldout[seen].tolist()}


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.lo, interval.hi]
