"""What a comparison showed, in plain words: who is best and by how much, or why nobody is.

The words claim no more than the numbers: on this task, with these seeds. A winner is named only where `compare_to_best`
found one, which one seed never does. Without a winner the words give the difference that was seen with its interval,
the smallest difference these seeds find 4 times in 5, and how many seeds the seen one would take:

    the least n with detectable(sd of the differences, n) <= |difference|

both for the best and its nearest rival, at the level of Holm's first step. (A table's `detectable` pools all rivals.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lrdecay.report.digits import Digits, digits_of, rate
from lrdecay.runs.ruled import WATCHED_THE_SCORE
from lrdecay.stats.intervals import Interval
from lrdecay.stats.paired import Standing
from lrdecay.stats.power import MOST_SEEDS, detectable, seeds_needed
from lrdecay.stats.steps_saved import StepsSaved
from lrdecay.sweep.study import Row, Study, Table

__all__ = ["FIXED_PEAK", "sentences", "updates_saved", "verdict"]

FIXED_PEAK = "This ranks schedules at one peak, not schedules."
"""What a comparison without tuned peaks is."""


def verdict(study: Study) -> str:
    """A few sentences; pure."""
    return " ".join(sentences(study))


def sentences(study: Study) -> tuple[str, ...]:
    """The verdict's sentences, the most important first."""
    return (
        *_result(study, digits_of(study)),
        *(() if study.raced is None else study.raced.sentences()),
        *_in_updates(study),
        *_diverged(study),
        *(study.caveats if study.caveats is not None else () if study.pilot_seeds else (FIXED_PEAK,)),
        *_edges(study),
        *_at_shared_peak(study),
        *((f"{WATCHED_THE_SCORE.capitalize()}.",) if WATCHED_THE_SCORE in study.notes else ()),
    )


def _result(study: Study, digits: Digits) -> Iterator[str]:
    """Who is best and by how much, or why nobody is."""
    ranking, raced = study.main.ranking, study.raced
    where = f"on {study.task}, with {_seeds(ranking.n)}"
    if ranking.best is None:
        every = "every schedule" + (" left in the race" if raced is not None and raced.dropped else "")
        yield f"No winner {where}: {every} diverged on at least one seed. Start from lower peaks."
        return
    first = study.main.rows[0]
    best, value = f"{first.written} at peak {rate(first.peak)}", f"{study.metric} {digits(first.mean)}"
    rivals = _rivals(study.main)
    if raced is not None and not raced.names_winners(ranking.level):
        often = f"{100 * raced.rule.alpha:g}%"
        yield f"No winner {where}: a race that may drop the best with a chance of {often} names none."
        yield f"{best} has the best mean {value} of the {_left(study)} left."
    elif raced is not None and raced.left == 1:
        nearest = ranking.standings[1]
        yield f"{best} is best {where}: mean {value}{_with(first.interval, digits)}."
        yield f"Of {raced.candidates} it alone was left in the race."
        yield f"The nearest dropped, {_named(nearest, study)}, was {_apart(nearest, study, digits)}."
    elif not rivals:
        alone = "no other finished on every seed" if _left(study) > 1 else "there is nothing to compare it with"
        yield f"No winner {where}: {best} has a mean {value}, and {alone}."
    elif ranking.n == 1:
        yield f"No clear winner {where}: one seed never gives a winner."
        yield f"{best} has the best {value}; {_named(rivals[0], study)} is {_apart(rivals[0], study, digits)}."
        yield "Use 3 seeds or more, such as --seeds 5."
    elif ranking.winner is not None:
        among = "Of the schedules that finished on every seed, " if len(rivals) + 1 < _left(study) else ""
        yield f"{among}{best} is best {where}: mean {value}{_with(first.interval, digits)}."
        yield f"The next, {_named(rivals[0], study)}, is {_apart(rivals[0], study, digits)}."
        if len(rivals) > 1:
            worst = max(s.p_adjusted or 0.0 for s in rivals)
            p = "below 0.001" if worst < 0.001 else f"at most {worst:.2g}"
            yield f"Each of the {len(rivals)} others differs from the best (p {p}, after Holm's correction)."
    else:
        yield from _no_winner(study, rivals, f"{best} has the best mean {value}", where, digits)


def _rivals(table: Table) -> list[Standing]:
    """Those that the best is compared with, the nearest first: that finished on every seed, and were not dropped."""
    gone = {row.spec for row in table.rows if row.dropped is not None}
    return [s for s in table.ranking.standings[1:] if s.difference is not None and s.name not in gone]


def _left(study: Study) -> int:
    """How many schedules have every seed."""
    return sum(row.dropped is None for row in study.main.rows)


def _in_updates(study: Study) -> Iterator[str]:
    """What the best one saves against its nearest rival, in updates; nothing where the curves do not say."""
    table = study.main
    rivals = [s for s in _rivals(table) if s.name in table.evidence.saved]
    if rivals and study.main.ranking.n > 1:
        words = updates_saved(table.evidence.saved[rivals[0].name])
        yield f"{table.rows[0].written} reaches the final {study.metric} of {_named(rivals[0], study)} {words}."


def updates_saved(saved: StepsSaved) -> str:
    """Such as "in 0.72x the updates (95% interval 0.66 to 0.80)", and on how many seeds, if not on all."""
    n = len(saved.per_seed)
    some = "" if saved.reached == n else f"; on {saved.reached} of {n} seeds"
    if saved.ratio is None:
        return f"on {saved.reached} of {n} seeds, and not in the mean"
    interval = saved.ratio_interval
    if interval is None:
        return f"in {saved.ratio:.2f}x the updates{some}"
    if math.isinf(interval.hi):
        sure = f"from {interval.lo:.2f} up, without a sure end"
    else:
        sure = f"{interval.lo:.2f} to {interval.hi:.2f}"
    return f"in {saved.ratio:.2f}x the updates ({interval.level:.0%} interval {sure}{some})"


def _no_winner(study: Study, rivals: Sequence[Standing], lead: str, where: str, digits: Digits) -> Iterator[str]:
    """Why there is none, and what it would take."""
    ranking = study.main.ranking
    alpha = 1.0 - ranking.level
    level = [s for s in rivals if (s.p_adjusted or 0.0) > alpha]
    difference = level[0].difference
    assert difference is not None  # noqa: S101  # only the best and diverged rows have none
    if not math.isfinite(difference.sd):
        why = "and the spread of that difference could not be measured"
    elif 0.0 in difference.interval:
        why = "and that interval holds zero"
    else:
        p = f"p {level[0].p_adjusted:.2g} after Holm's correction"
        why = f"which would count alone but not among {len(rivals)} comparisons ({p})"
    yield f"No clear winner {where}: {lead}, but {_named(level[0], study)} is {_apart(level[0], study, digits)}, {why}."
    if len(rivals) > 1:
        some = f"{len(level)} of the {len(rivals)}" if len(level) < len(rivals) else f"None of the {len(rivals)}"
        yield f"{some} others can{'' if len(level) == len(rivals) else 'not'} be told from the best with these seeds."
    if math.isfinite(difference.sd):
        one = 1.0 - alpha / len(rivals)  # the level of Holm's first step
        two = "" if len(rivals) == 1 else " between these two"
        found = digits(detectable(difference.sd, ranking.n, level=one))
        yield f"The smallest difference{two} that {ranking.n} seeds find, 4 times in 5, is {found}."
        if difference.mean:
            needed = seeds_needed(difference.mean, difference.sd, level=one)
            many = f"more than {MOST_SEEDS}" if needed is None else f"about {needed}"
            yield f"To find the difference seen, {digits(abs(difference.mean))}, would take {many} seeds."


def _named(standing: Standing, study: Study) -> str:
    """A standing's schedule as the user wrote it."""
    return next(row.written for row in study.main.rows if row.spec == standing.name)


def _behind(standing: Standing, study: Study) -> tuple[float, Interval]:
    """How far a row is behind the best, larger is further, with its interval."""
    difference = standing.difference
    assert difference is not None  # noqa: S101  # only the best and diverged rows have none
    if study.goal == "min":
        return difference.mean, difference.interval
    return -difference.mean, Interval(-difference.interval.hi, -difference.interval.lo, difference.interval.level)


def _apart(standing: Standing, study: Study, digits: Digits) -> str:
    gap, interval = _behind(standing, study)
    size = f"{digits(gap)} behind" if gap else "level with it"
    return size + _with(interval, digits)


def _with(interval: Interval | None, digits: Digits) -> str:
    """An interval in brackets; nothing where there is none."""
    if interval is None or math.isinf(interval.hi):
        return ""
    return f" (95% interval {digits(interval.lo)} to {digits(interval.hi)})"


def _seeds(n: int) -> str:
    return "this one seed" if n == 1 else f"these {n} seeds"


def _diverged(study: Study) -> Iterator[str]:
    """Rows without a mean."""
    for row in study.main.rows:
        if row.diverged and study.main.ranking.best is not None:
            how = "did not finish" if any(r.failure for r in row.results) else "diverged"
            yield f"{row.written} {how} on {row.diverged} of {_count(row)} at peak {rate(row.peak)} and is not ranked."


def _count(row: Row) -> str:
    return f"{len(row.values)} seed{'' if len(row.values) == 1 else 's'}"


def _edges(study: Study) -> Iterator[str]:
    """Peaks that may not be the best ones."""
    for edge, better in (("lowest", "lower"), ("highest", "higher")):
        at_edge = [(w, c.peak) for w, c in study.choices.items() if c.at_edge == edge]
        if at_edge:
            rows = " and ".join(f"{written} ({rate(peak)})" for written, peak in at_edge)
            if len(at_edge) == 1:
                yield f"The best peak of {rows} is the {edge} one tried: a {better} one may be better still."
            else:
                yield f"The best peaks of {rows} are the {edge} ones tried: {better} ones may be better still."


def _at_shared_peak(study: Study) -> Iterator[str]:
    """Whether the ranking depends on how the peak is chosen."""
    if not study.pilot_seeds or len(study.main.rows) == 1:
        return
    shared = study.shared
    if shared is None:
        yield "No peak was tried with every schedule and none diverging, so there is no comparison at a shared peak."
        return
    peak = f"At one shared peak, {rate(shared.rows[0].peak)},"
    own, there = _order(study.main), _order(shared)
    if len(own) < len(study.main.rows):
        if len(own) == 1:
            return
        peak += " of those left,"
    if all(a.spec == b.spec for a, b in zip(study.main.rows, shared.rows, strict=True)):
        yield f"{peak} nothing changes: it is every schedule's own best."
    elif shared.ranking.best is None:
        yield f"{peak} every schedule diverged on at least one seed."
    elif own[0] == there[0]:
        clear = _clearly(shared)
        rest = "in the same order" if own == there else "with the others in another order"
        yield f"{peak} {there[0]} comes first too, {clear}, {rest}."
    else:
        suits = "a shared peak favours the schedules it happens to suit"
        means = suits if study.main.winner or shared.winner else "neither order is clear, so this may be chance"
        yield f"{peak} the ranking differs: {there[0]} comes first there, {_clearly(shared)}; {means}."


def _order(table: Table) -> list[str]:
    """The rows that have every seed, best first."""
    return [row.written for row in table.rows if row.dropped is None]


def _clearly(table: Table) -> str:
    return "clearly" if table.winner else "though not clearly"
