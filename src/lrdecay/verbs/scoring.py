"""Scoring: every schedule at its peak on the same seeds, in one go or as a race in rounds of seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrdecay.runs.spec import RunResult
from lrdecay.sweep.racing import Dropped, Raced, RaceRule
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row
from lrdecay.verbs.forecast_order import ForecastOrder
from lrdecay.verbs.tuning import Candidate, make_spec, members_of

__all__ = ["score"]


def score(
    runner: Runner,
    candidates: Sequence[Candidate],
    own: Mapping[str, float],
    common: float | None,
    seeds: tuple[int, ...],
    rule: RaceRule | None,
    order: ForecastOrder | None = None,
) -> tuple[list[Row], list[Row], Raced | None]:
    """Train the candidates on the scoring seeds.

    A race is run on the scores at the candidates' own peaks; what it drops is not trained at the shared peak either.

    Args:
        runner: trains what is not kept yet.
        candidates: of all arms.
        own: written schedule -> its own peak.
        common: a peak at which all are scored too; None: there is none.
        seeds: all of them.
        rule: how to race; None: every candidate has every seed.
        order: says which runs are trained first; None: as they stand.

    Returns:
        The rows at their own peaks, those at the shared one (none where there is none), and the race.

    Raises:
        RunError: a script failed, or the disk is full. Finished runs are kept.
    """
    rounds = [seeds] if rule is None else rule.rounds(seeds)
    left, made = list(candidates), 0
    at_own: dict[str, list[RunResult]] = {c.written: [] for c in candidates}
    at_common: dict[str, list[RunResult]] = {c.written: [] for c in candidates}
    dropped: dict[str, Dropped] = {}
    for batch in rounds:
        if rule is not None and made:
            scores = {c.written: [r.score for r in at_own[c.written]] for c in left}
            goal = at_own[left[0].written][0].goal
            lost = rule.drops(scores, candidates=len(candidates), seeds=len(seeds), goal=goal)
            dropped |= lost
            left = [c for c in left if c.written not in lost]
            if len(left) == 1:
                break
        wanted = [(c, own[c.written]) for c in left]
        wanted += [] if common is None else [(c, common) for c in left]
        what = "scoring: the same seeds for every schedule"
        if rule is not None:
            what = f"scoring, {made + len(batch)} of {len(seeds)} seeds: {len(left)} of {len(candidates)} schedules"
        found = _results(runner, wanted, batch, what, order, len(left))
        for c, results in zip(left, found[: len(left)], strict=True):
            at_own[c.written] += results
        for c, results in zip(left, found[len(left) :], strict=False):  # none without a shared peak
            at_common[c.written] += results
        made += len(batch)
    raced = None if rule is None else Raced(rule, len(seeds), made, len(candidates), dropped)
    rows = [_row(c, own[c.written], at_own, dropped) for c in candidates]
    return rows, [] if common is None else [_row(c, common, at_common, dropped) for c in candidates], raced


def _results(
    runner: Runner,
    wanted: Sequence[tuple[Candidate, float]],
    seeds: Sequence[int],
    what: str,
    order: ForecastOrder | None,
    own: int,
) -> list[list[RunResult]]:
    """Of each candidate at its peak, the results on these seeds; the first ``own`` are at their own peaks."""
    specs = [make_spec(c, peak, seed) for c, peak in wanted for seed in seeds]
    members, n = members_of(wanted, specs, "score"), len(seeds)
    if order is not None:
        runs = dict(zip((m.identity for m in members), specs, strict=True))
        order.expect(runs, {m.identity: m.name for m in members[: own * n]})
    results = runner.run(specs, what, members, order)
    return [results[i * n : (i + 1) * n] for i in range(len(wanted))]


def _row(c: Candidate, peak: float, results: Mapping[str, list[RunResult]], dropped: Mapping[str, Dropped]) -> Row:
    spec = c.arm.named(str(c.at(peak)))
    return Row(c.written, spec, peak, tuple(results[c.written]), dropped.get(c.written))
