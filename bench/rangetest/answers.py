"""Every finder's answers, from the journal: by finder and draw, as log10 of the rate, None where there was none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.rangetest.journal import Journal
from bench.rangetest.peers import RULES
from bench.rangetest.protocol import DRAWS, KNOWN_DRAWS, REPEATS, Cell

__all__ = [
    "FIND",
    "KNOWN",
    "KNOWN_LOSS",
    "ONCE",
    "PEER_RULES",
    "draws_of",
    "given",
    "interval_of",
    "log_or_none",
    "mean_or_none",
    "steps_of",
]

FIND = "find"
KNOWN = "find(schedule=)"
KNOWN_LOSS = "find(schedule=, metric='loss')"
ONCE = ", once"
"""Marks a peer at its defaults: one test."""

PEER_RULES = {rule: peer for peer, rules in RULES.items() for rule in rules if not peer.endswith("epoch")}
"""Rule -> the finder that gives it."""

_KINDS = {KNOWN: "known", KNOWN_LOSS: "known loss"}

Answer = float | None


def log_or_none(rate: float | None) -> Answer:
    """log10 of an answer that there is."""
    return None if rate is None else math.log10(rate)


def mean_or_none(logs: Iterable[Answer]) -> Answer:
    """Of those there are; None of none."""
    seen = [v for v in logs if v is not None]
    return math.fsum(seen) / len(seen) if seen else None


def given(answers: Sequence[Answer]) -> list[float]:
    """Those there are."""
    return [a for a in answers if a is not None]


def draws_of(journal: Journal, finder: str, cell: Cell) -> list[Answer]:
    """A finder's answers for a cell, one per draw that was made; only a known schedule tells cells apart."""
    if finder in _KINDS:
        made = journal.of(_KINDS[finder], *cell)
        return [log_or_none(made[draw,]["suggestion"]) for draw in range(KNOWN_DRAWS[cell.length]) if (draw,) in made]
    task, optimizer = cell.task, cell.optimizer
    if finder == FIND:
        tests = journal.of("find", task, optimizer)
        return [log_or_none(tests[draw,]["suggestion"]) for draw in range(DRAWS) if (draw,) in tests]
    rule = finder.removesuffix(ONCE)
    peer = PEER_RULES[rule]
    if finder.endswith(ONCE):
        name = "ignite, an epoch" if peer == "ignite" else peer
        wanted = [[(name, draw, 0)] for draw in range(DRAWS)]
    else:
        wanted = [[(peer, draw, repeat) for repeat in range(REPEATS)] for draw in range(DRAWS)]
    made = journal.of("peer", task, optimizer)
    whole = [keys for keys in wanted if all(key in made for key in keys)]
    return [mean_or_none(log_or_none(made[key]["answers"][rule]) for key in keys) for keys in whole]


def steps_of(journal: Journal, finder: str, cell: Cell) -> list[int]:
    """Updates that each draw cost."""
    if finder in _KINDS:
        return [row["steps"] for row in journal.of(_KINDS[finder], *cell).values()]
    task, optimizer = cell.task, cell.optimizer
    if finder == FIND:
        return [row["steps"] for row in journal.of("find", task, optimizer).values()]
    peer = PEER_RULES[finder.removesuffix(ONCE)]
    once = finder.endswith(ONCE)
    name = "ignite, an epoch" if once and peer == "ignite" else peer
    made = journal.of("peer", task, optimizer, name)
    by_draw = [
        [row["steps"] for (d, r), row in made.items() if d == draw and (r == 0 or not once)] for draw in range(DRAWS)
    ]
    return [sum(steps) for steps in by_draw if steps]


def interval_of(journal: Journal, finder: str, cell: Cell) -> list[tuple[float, float] | None]:
    """The intervals of a known schedule's draws, or of the plain range test, log10; None where there is none."""
    if finder in _KINDS:
        ends = [row["interval"] for row in journal.of(_KINDS[finder], *cell).values()]
    else:
        rows = journal.of("find", cell.task, cell.optimizer).values()
        ends = [row["repeatability"]["t"]["interval"] if row["suggestion"] is not None else None for row in rows]
    return [None if e is None else (math.log10(e[0]), math.log10(e[1])) for e in ends]
