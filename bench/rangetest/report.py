"""The report: tables in Markdown, of whatever has been measured by then."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from bench.rangetest.answers import FIND, KNOWN, KNOWN_LOSS, ONCE, PEER_RULES
from bench.rangetest.journal import Journal
from bench.rangetest.protocol import CHOSEN_ON, CURVATURES, SCHEDULES, TASKS
from bench.rangetest.scoring import Coverage, wilson
from bench.rangetest.tables import (
    FINDERS,
    CellScores,
    best_peaks,
    cell_scores,
    exact_peaks,
    repeatability_coverage,
    spreads,
    steps,
    tracking,
)
from bench.rangetest.truth import metrics_of

__all__ = ["report"]

_HALF_STEP = math.log10(2) / 2


def report(journal: Journal) -> None:
    """Print everything there is."""
    made = Counter(key[0] for key in journal.of())
    commits = {row["commit"] for kind in ("find", "known", "known loss") for row in journal.of(kind).values()}
    print(f"pieces: {dict(made)}; find at commit {', '.join(sorted(commits))}\n")
    _print_spreads(journal)
    scores = cell_scores(journal)
    _print_regrets(scores)
    _print_cells(scores)
    _print_intervals(journal, scores)
    _print_steps(journal)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")
    print()


def _print_spreads(journal: Journal) -> None:
    print("Spread (sd of log10 of the answers, pooled over task x optimizer), and tracking (should be -1)\n")
    moved, rows = tracking(journal), []
    for finder, (each, together) in spreads(journal).items():
        if together is None:
            continue
        worst = max(each.items(), key=lambda item: item[1].sd)
        ratios = [s.ratio for s in each.values()]
        rows.append(
            (
                finder,
                f"{together.sd:.3f} ({together.lo:.3f} to {together.hi:.3f})",
                f"{worst[1].sd:.3f} {' '.join(worst[0])}",
                f"{sum(s.sd <= 0.055 for s in each.values())} of {len(each)}",
                f"{min(ratios):.2f} to {max(ratios):.3g}x, median {together.ratio:.2f}x",
                str(together.answers),
                _number(moved[finder]),
            )
        )
    rows += [(name, "", "", "", "", "", _number(v)) for name, v in moved.items() if name not in FINDERS]
    _table(("finder", "sd", "worst", "sd <= .055", "range", "answers", "tracking"), rows)
    print("Quadratic with the schedule known: suggestions, intervals and the exact best peak of a full run\n")
    rows = []
    for schedule in SCHEDULES:
        for curvature, exact in zip(CURVATURES, exact_peaks(schedule), strict=True):
            made = journal.of("known", "quadratic", f"{curvature:g}", schedule, 1).values()
            given = [f"{row['suggestion']:.3g}" if row["suggestion"] else "none" for row in made]
            ends = ["none" if row["interval"] is None else "{:.2g} to {:.2g}".format(*row["interval"]) for row in made]
            rows.append((f"{schedule}, curvature {curvature:g}", ", ".join(given), "; ".join(ends), f"{10**exact:.3g}"))
    _table(("schedule", "suggestions", "intervals", "exact"), rows)


def _print_regrets(scores: Sequence[CellScores]) -> None:
    parts: list[tuple[str, list[CellScores]]] = []
    for length in (1, 4):
        for metric in ("accuracy", "loss"):
            chosen = [s for s in scores if s.cell.length == length and s.metric == metric]
            parts.append((f"{metric}, {length}x", chosen))
    own = [s for s in scores if s.metric == metrics_of(s.cell.task)[0]]
    for name, chosen in (
        ("the task's metric, all", own),
        ("held-out loss, all", [s for s in scores if s.metric == "loss"]),
        ("the task's metric, tasks find was chosen on", [s for s in own if s.cell.task in CHOSEN_ON]),
        ("the task's metric, other tasks", [s for s in own if s.cell.task not in CHOSEN_ON]),
        *((f"the task's metric, {sc}", [s for s in own if s.cell.schedule == sc]) for sc in SCHEDULES),
        *parts,
    ):
        if chosen:
            _print_regret(name, chosen)


def _print_regret(name: str, chosen: Sequence[CellScores]) -> None:
    print(f"Regret: {name}; {len(chosen)} cells\n")
    rows = []
    for finder in (KNOWN, KNOWN_LOSS, *FINDERS):
        seen = [s for s in chosen if finder in s.regrets]
        if not seen:
            continue
        means = [s.regrets[finder].mean for s in seen]
        units = [s.regrets[finder].mean / s.sd for s in seen if s.sd > 0]
        under = sum(s.under(finder) for s in seen)
        lo, hi = wilson(under, len(seen))
        asked = [s.rates[finder] for s in chosen if finder in s.rates]
        rows.append(
            (
                finder,
                f"{np.mean(means):.4f}",
                f"{np.median(units):.2f}",
                f"{under} of {len(seen)} ({lo:.2f} to {hi:.2f})",
                str(sum(s.regrets[finder].mean < s.sd for s in seen)),
                f"{sum(s.regrets[finder].outside for s in seen)} of {sum(s.regrets[finder].answers for s in seen)}",
                f"{np.mean(asked):.2f}",
            )
        )
    _table(("finder", "mean", "median, sds", "bound < 1 sd", "mean < 1 sd", "beyond the grid", "answered"), rows)
    for ours in (KNOWN, KNOWN_LOSS, FIND):
        seen = [s for s in chosen if ours in s.regrets]
        for ending, what in (("", "equal steps"), (ONCE, "defaults")):
            rules = [r + ending for r in PEER_RULES if all(r + ending in s.regrets for s in seen)]
            if seen and rules:
                below = sum(all(s.regrets[ours].mean < s.regrets[r].mean for r in rules) for s in seen)
                print(
                    f"{ours}: mean regret below every one of {len(rules)} peers' rules, {what}: {below} of {len(seen)}"
                )
    print()


def _print_cells(scores: Sequence[CellScores]) -> None:
    print("Cells: best peak, score, sd of a seed; regret and its bound with the schedule known, and without\n")
    rows = []
    for s in scores:
        cells = [" ".join(map(str, s.cell)) + f" {s.metric}", f"{10**s.best:.3g}" + (" (edge)" if s.at_edge else "")]
        cells += [f"{s.score:.4f}", f"{s.sd:.4f}"]
        for finder in (KNOWN, KNOWN_LOSS, FIND):
            r = s.regrets.get(finder)
            cells.append("" if r is None else f"{r.mean:.4f}, {r.upper:.4f}{' *' if s.under(finder) else ''}")
        rows.append(cells)
    _table(("cell", "best", "score", "sd", KNOWN, KNOWN_LOSS, FIND), rows)


def _print_intervals(journal: Journal, scores: Sequence[CellScores]) -> None:
    print("Intervals at 95%\n")
    rows = [
        (f"repeatability, {name}", "the other draws' geometric mean", *_coverage(c))
        for name, c in repeatability_coverage(journal).items()
    ]
    at_1x = [s for s in scores if s.cell.length == 1]
    wanted = [
        (KNOWN, "", "best peak, the task's metric", scores),
        (KNOWN, "", "the same, 1x", at_1x),
        (KNOWN, "", "the same, 4x", [s for s in scores if s.cell.length == 4]),
        *((KNOWN, "", f"the same, {t}", [s for s in scores if s.cell.task == t]) for t in TASKS),
        (KNOWN, "loss", "best peak, loss", scores),
        (KNOWN_LOSS, "loss", "best peak, loss", scores),
        (FIND, "", "best constant peak, 1x", [s for s in at_1x if s.cell.schedule == "constant"]),
    ]
    for finder, metric, what, chosen in wanted:
        strict = best_peaks(journal, chosen, finder, metric=metric)
        if not strict.asked:
            continue
        near = best_peaks(journal, chosen, finder, metric=metric, slack=_HALF_STEP)
        rows.append((finder, what, *_coverage(strict)))
        rows.append((finder, f"{what}, within √2", *_coverage(near)))
    _table(("interval", "of", "held", "coverage", "median width", "Winkler", "answered"), rows)


def _coverage(c: Coverage) -> tuple[str, ...]:
    lo, hi = c.share
    share = c.held / c.answered if c.answered else math.nan
    answered = f"{c.answered} of {c.asked} ({c.answered / c.asked:.2f})" if c.asked else "0 of 0"
    held = f"{c.held} of {c.answered}"
    return held, f"{share:.2f} ({lo:.2f} to {hi:.2f})", f"{c.width:.2f}", f"{c.winkler:.2f}", answered


def _print_steps(journal: Journal) -> None:
    print("Updates of a draw\n")
    rows = [
        (finder, *("" if math.isnan(n) else f"{n:.0f}" for n in used))
        for finder, used in steps(journal).items()
        if not all(math.isnan(n) for n in used)
    ]
    _table(("finder", "1x", "4x"), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
