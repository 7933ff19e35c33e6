"""`compare --forecast`: which scoring runs are trained first, by what a forecast expects of them.

Seed by seed, since verdicts are paired by seed; within a seed the most promising first:

1. by the scores that the schedules have on other seeds, of pilots at the same peaks or scored before: what a schedule
   itself has scored says more of it than any law (`lrdecay.verbs.order_scores`).
2. where most of those left have none yet, by a law of `lrdecay.losslaws` fitted to the finished runs of the seed: first
   the two that tell most (`lrdecay.verbs.order_curves.telling`), then all others by predicted final loss. A law holds
   for one peak, so that each peak has its own.
3. where no law fits (`lrdecay.losslaws.support`), as the schedules stand. That is said, with the reason.

Schedules of which nothing can be said stand behind the others: those under rules, whose rates nobody knows before, and
those that are alone or two at their peak. Runs at a shared peak come last within a seed. Nothing here decides what a
run is, only when it is made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import final

from attrs import evolve

from lrdecay.losslaws.curve import Curve, warmup_of
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.trainable import Goal
from lrdecay.sweep.foretold import Forecasted, Foretold
from lrdecay.verbs.order_curves import ending, peak_rate, telling
from lrdecay.verbs.order_fits import LAW, PeakLaw
from lrdecay.verbs.order_scores import Scores
from lrdecay.verbs.tuning import Tuned

__all__ = ["ORDERED", "ForecastOrder", "order_of"]

ORDERED = "a forecast orders the scoring runs, so that more snapshots than planned may live at once; no number changes"
"""Of a plan."""

_OTHERS = "from other seeds"
_BY = f"by {LAW}"
_Place = tuple[int, float]  # a stage, and what decides within it
_UNKNOWN: _Place = (2, 0.0)


@final
class ForecastOrder:
    """The order of a study's scoring runs, as it stands; see `lrdecay.sweep.priority.Priority`.

    Args:
        pilots: schedule as it was written -> pilot seed -> its score there at its peak; none where peaks are fixed.
        goal: of the metric; None: not known yet.
    """

    def __init__(self, pilots: Mapping[str, Mapping[int, float]], goal: Goal | None = None) -> None:
        """Nothing is known but the pilots."""
        self._scores = Scores(pilots, goal)
        self._runs: dict[str, RunSpec] = {}  # identity -> those at their own peaks, then at the shared one
        self._names: dict[str, str] = {}  # identity -> as it was written; those at their own peaks only
        self._laws: dict[str, PeakLaw] = {}  # by `_peak`
        self._done: set[str] = set()
        self._expected: dict[str, Foretold] = {}  # identity -> its last prediction, without an outcome
        self._told: list[Foretold] = []
        self._said: dict[int, str] = {}  # seed -> by what it was ordered
        self._cached: tuple[Sequence[RunSpec], int, list[int]] | None = None

    def expect(self, runs: Mapping[str, RunSpec], names: Mapping[str, str]) -> None:
        """These runs are to be scored, by identity; ``names``: those at their own peaks, as they were written."""
        self._runs |= runs
        self._names |= names
        self._cached = None

    def told(self, run: RunSpec, result: RunResult) -> None:
        """A run is finished, now or before."""
        identity = result.identity
        if identity in self._done:
            return
        self._done.add(identity)
        name = self._names.get(identity)
        curve = self._law(run).add(run, result, run.schedule if name is None else name)
        if name is not None:
            self._scores.add(name, run.seed, result)
        expected = self._expected.pop(identity, None)
        if expected is not None:
            of = result.metric if expected.by == _OTHERS else expected.of
            self._told.append(evolve(expected, of=of, observed=_outcome(expected, result, curve)))

    def ranks(self, runs: Sequence[RunSpec]) -> Sequence[int]:
        """The place of each of these runs, best first; a law is fitted here when there is one to fit."""
        if self._cached is None or self._cached[0] is not runs or self._cached[1] != len(self._done):
            self._cached = (runs, len(self._done), self._ranked(runs))
        return self._cached[2]

    def outcome(self) -> Forecasted:
        """By what the study was ordered, and what was predicted beside what came."""
        laws = self._laws.values()
        seeds: dict[str, list[int]] = {}
        for seed, text in sorted(self._said.items()):
            seeds.setdefault(text, []).append(seed)
        said = [f"Seed{'s' if len(own) > 1 else ''} {_listed(own)}: {text}" for text, own in seeds.items()]
        if not said:
            said = ["No run was put into another order."]
        fits, seconds = sum(law.fits for law in laws), sum(law.seconds for law in laws)
        return Forecasted(tuple(said), tuple(self._told), fits, seconds)

    def _ranked(self, runs: Sequence[RunSpec]) -> list[int]:
        identities = [run.identity() for run in runs]
        pending = [i for i in identities if i in self._names and i not in self._done]
        places: dict[str, _Place] = {}
        for seed in sorted({self._runs[i].seed for i in pending}):
            own = [i for i in pending if self._runs[i].seed == seed]
            if len(own) > 1:
                places |= self._places(seed, own)
        late = [identity not in self._names for identity in identities]
        keys = [
            (run.seed, late[n], *places.get(identity, _UNKNOWN), n)
            for n, (run, identity) in enumerate(zip(runs, identities, strict=True))
        ]
        ranks = [0] * len(runs)
        for rank, n in enumerate(sorted(range(len(runs)), key=keys.__getitem__)):
            ranks[n] = rank
        return ranks

    def _places(self, seed: int, pending: Sequence[str]) -> dict[str, _Place]:
        """Of the runs of a seed that are not finished."""
        names = {self._names[i] for i in self._names if self._runs[i].seed == seed}
        seen = self._scores.elsewhere(names, seed)
        if seen is None or 2 * sum(self._names[i] in seen for i in pending) < len(pending):
            return self._by_law(seed, pending)
        self._said[seed] = f"ordered by what the same schedules scored on {self._scores.where}."
        found: dict[str, _Place] = {}
        for identity in pending:
            name = self._names[identity]
            behind = seen.get(name)
            if behind is not None:
                found[identity] = (0, behind) if math.isfinite(behind) else (3, 0.0)
                mean = self._scores.mean(name, seed)
                if math.isfinite(mean):
                    self._expected[identity] = Foretold(name, seed, _OTHERS, "score", mean, math.nan)
        return found

    def _by_law(self, seed: int, pending: Sequence[str]) -> dict[str, _Place]:
        found: dict[str, _Place] = {}
        peaks: dict[str, list[str]] = {}
        for identity in (i for i in self._names if self._runs[i].seed == seed and self._runs[i].rule is None):
            peaks.setdefault(_peak(self._runs[identity]), []).append(identity)
        refused, of = None, None
        for peak, group in peaks.items():
            left = [i for i in group if i in pending]
            law = self._laws.setdefault(peak, PeakLaw())
            made = law.refit() if left else None
            if made is not None:
                of = law.of
                found |= {i: (1, self._expect(i, law, seed)) for i in left}
                continue
            refused = law.refused or refused
            first = [group[i] for i in telling([self._runs[i] for i in group])]
            found |= {i: (0, float(first.index(i))) for i in left if i in first}
        self._say(seed, of, refused, sum(found.get(i, _UNKNOWN)[0] != 1 for i in pending))
        return found

    def _expect(self, identity: str, law: PeakLaw, seed: int) -> float:
        """The predicted final loss of a run; kept until it is finished."""
        run, name = self._runs[identity], self._names[identity]
        assert law.made is not None  # noqa: S101  # the caller has a fit
        ahead = law.made.predict(run.rates, warmup_of(run.rates))
        row = Foretold(name, seed, _BY, law.of, ahead.loss, math.nan, ahead.low, ahead.high)
        self._expected[identity] = row
        return ahead.loss

    def _say(self, seed: int, of: str | None, refused: str | None, silent: int) -> None:
        if of is not None:
            text = f"ordered by the {of} that the law {LAW} predicts"
            text += f", with {silent} of which it says nothing last." if silent else "."
            self._said[seed] = text
        elif refused is not None:
            self._said[seed] = f"in the usual order, for no law fits. {refused}"
        else:
            self._said.setdefault(seed, "in the usual order, for no peak had two finished runs and one to forecast.")

    def _law(self, run: RunSpec) -> PeakLaw:
        return self._laws.setdefault(_peak(run), PeakLaw())


def _peak(run: RunSpec) -> str:
    """What a law holds for: one source, one seed, one peak."""
    view = None if run.view is None else run.view.average
    return json.dumps([dict(run.source.identity()), view, run.seed, peak_rate(run)], sort_keys=True)


def _outcome(expected: Foretold, result: RunResult, curve: Curve | None) -> float:
    if expected.by == _OTHERS:
        return result.score
    return math.nan if curve is None else ending(curve)


def _listed(seeds: Sequence[int]) -> str:
    """Such as "0", "1 and 2" or "1 to 4"."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return " and ".join([", ".join(map(str, seeds[:-1])), str(seeds[-1])]) if len(seeds) > 1 else str(seeds[0])


def order_of(tuned: Tuned | None, pilot_seeds: Sequence[int]) -> ForecastOrder:
    """The order of a study whose peaks were chosen; None: they are fixed."""
    if tuned is None:
        return ForecastOrder({})
    pilots = {n: dict(zip(pilot_seeds, c.scores[c.peak], strict=True)) for n, c in tuned.choices.items()}
    return ForecastOrder(pilots, tuned.goal)
