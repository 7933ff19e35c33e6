"""How often a race errs and what it saves. Simulated comparisons whose truth is known.

Each study draws an effect of each seed with an sd of 3 and noise of 1, and is raced as `compare --race 0.05` does:
a look after 3 seeds and after each later one but the last. A line gives, for m schedules on n seeds with scores rounded
to a step: how often schedule 1, a best one, was dropped (promised: at most 0.05), how often a winner was named that is
not truly better than all others, with the race and without, and the share of runs that were made.

    python bench/racing.py [studies]

Effects are `equal`, or `spread`: each schedule one noise worse than the one before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from lrdecay.stats import compare_to_best
from lrdecay.sweep.racing import RaceRule, smallest_gap

NAMES = "abcdef"
RULE = RaceRule(0.05)


def winner(scores: np.ndarray, left: Sequence[int]) -> str | None:
    """The winner of the rows left, by the tests of a comparison."""
    rows = {NAMES[i]: scores[i].tolist() for i in left}
    gap = smallest_gap(scores[left].ravel().tolist())
    return compare_to_best(rows, higher_is_better=True, resolution=gap).winner


def raced(scores: np.ndarray) -> tuple[list[int], int]:
    """The rows left and the runs made."""
    m, n = scores.shape
    left, made, runs = list(range(m)), 0, 0
    for batch in RULE.rounds(range(n)):
        if made:
            rows = {NAMES[i]: scores[i, :made].tolist() for i in left}
            lost = RULE.drops(rows, candidates=m, seeds=n, goal="max")
            left = [i for i in left if NAMES[i] not in lost]
            if len(left) == 1:
                break
        made += len(batch)
        runs += len(batch) * len(left)
    return left, runs


def measured(m: int, n: int, step: float, gap: float, studies: int) -> str:
    """One line of the table."""
    rng = np.random.default_rng(0)
    effects = -gap * np.arange(m)
    lost = wrong = plain = runs = 0
    for _ in range(studies):
        scores = effects[:, None] + 3.0 * rng.normal(size=n) + rng.normal(size=(m, n))
        scores = np.round(scores / step) * step if step else scores
        left, made = raced(scores)
        named = NAMES[left[0]] if len(left) == 1 else winner(scores, left)
        true = {None} if gap == 0 else {None, "a"}
        lost, runs = lost + (0 not in left), runs + made
        wrong, plain = wrong + (named not in true), plain + (winner(scores, list(range(m))) not in true)
    kind = "spread" if gap else "equal"
    rates = "  ".join(f"{count / studies:.3f}" for count in (lost, wrong, plain))
    return f"{m} {n:>2} {step:4.1f} {kind:>7}   {rates}   {runs / studies / m / n:.2f}"


def main() -> None:
    """Print the table."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    print("m  n step effects  dropped wrong  plain   runs")
    for m in (2, 3, 6):
        for n in (5, 8, 12):
            for step, gap in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
                print(measured(m, n, step, gap, studies), flush=True)


if __name__ == "__main__":
    main()
