"""What `find` says in words: the peak and how sure it is, all rules, and the schedule's peak with what it rests on."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from attrs import evolve, frozen
from rich.console import Console

from lrdecay.rangetest.beside import Beside
from lrdecay.rangetest.compressed import Design
from lrdecay.rangetest.extrapolation import Law, Rung, law_of, rung_of
from lrdecay.rangetest.repeatability import Repeatability
from lrdecay.rangetest.whole import Whole, WholeRun
from lrdecay.report.drawing import save
from lrdecay.report.finding import answer_text, rules_table, schedule_text
from lrdecay.report.schedule_figure import schedule_figure
from lrdecay.stats import Interval

SURE = Repeatability((0.1, 0.2), Interval(0.05, 0.5), Interval(0.1, 0.2))


PLAN = Design(1000, (50, 100, 200), 3)


@frozen
class Found:
    """What the short runs of a schedule gave."""

    rungs: tuple[Rung, ...]
    law: Law | None
    why_not: str | None = None
    spec: str = "linear(peak)"
    plan: Design = PLAN
    scored_by: str = "loss"
    steps_used: int = 2500
    held: str = "weight decay held"
    whole: Whole | None = None

    @property
    def suggestion(self) -> float | None:
        """Of the full runs, or the law's."""
        if self.law is None or self.why_not:
            return None
        return self.law.peak if self.whole is None else self.whole.peak


def found() -> Found:
    rungs = []
    for steps, best in ((50, 0.3), (100, 0.25), (200, 0.2)):
        scores = {p: (1 + (math.log(p / best)) ** 2,) * 3 for p in (0.05, 0.1, 0.2, 0.4, 0.8)}
        rungs.append(rung_of(steps, scores))
    return Found(tuple(rungs), law_of(rungs, 1000))


def test_an_answer_has_both_intervals_and_says_what_they_are_by() -> None:
    text = answer_text(0.123, None, SURE)
    assert text.startswith("peak: 0.12 ")
    assert "0.05 to 0.5, 1.00 decades, by t on log10; 0.1 to 0.2, 0.30 decades, by bootstrap" in text


def test_without_an_answer_or_repeats_that_is_said() -> None:
    assert answer_text(None, "raise --high", None) == "no clear answer: raise --high"
    assert "nobody knows" in answer_text(0.1, None, None)


def test_every_rule_is_in_the_table_and_a_peer_without_answers_has_a_dash() -> None:
    written = io.StringIO()
    console = Console(width=100, file=written)
    peers = [Beside("fastai steep", (0.1, 0.4)), Beside("lightning (broken)", (None, None))]
    console.print(rules_table({"lrdecay": 0.1, "steepest": 0.2}, peers))
    lines = written.getvalue().splitlines()
    assert any(line.split() == ["fastai", "steep", "0.2", "4x", "2", "of", "2"] for line in lines)
    assert any(line.split() == ["lightning", "(broken)", "–", "–", "0", "of", "2"] for line in lines)
    assert any(line.split() == ["lrdecay", "0.1", "averaged"] for line in lines)


def test_the_schedules_peak_comes_with_its_law_and_what_was_held() -> None:
    text = schedule_text(found())
    assert text.startswith("peak for linear(peak) over 1000 updates: 0.1")
    assert "0.3 at 50, 0.25 at 100, 0.2 at 200 updates (3 seeds, by held-out loss)" in text
    assert "p = 0.29 (95% by t:" in text
    assert "2.5 full runs; weight decay held" in text


def test_without_a_recommendation_its_reason_stands_in_its_place() -> None:
    text = schedule_text(evolve(found(), law=None, why_not="every candidate diverged"))
    assert text.startswith("linear(peak): no recommendation for 1000 updates: every candidate diverged")
    assert "length^-p" not in text


@pytest.mark.parametrize("law", [True, False])
def test_the_figure_has_a_line_per_length_and_the_full_run_only_with_a_law(tmp_path: Path, law: bool) -> None:
    shown = found() if law else evolve(found(), law=None, why_not="too wide")
    left, right = schedule_figure(shown).axes
    assert [t.get_text() for t in left.get_legend().get_texts()] == ["50 updates", "100 updates", "200 updates"]
    assert any(list(line.get_xdata()) == [1000, 1000] for line in right.lines) == law
    save(schedule_figure(shown), tmp_path / "runs.svg")


def test_a_run_that_overfits_is_told_with_its_full_runs_and_has_no_interval() -> None:
    law = found().law
    peaks, ends = [law.peak / f for f in (1, 2, 4, 8)], [1.2, 1.1, 1.0, 1.3]
    runs = tuple(WholeRun(p, e, min(e, 1.05), 600, 1000) for p, e in zip(peaks, ends, strict=True))
    shown = evolve(found(), whole=Whole("loss", runs))
    text = schedule_text(shown)
    assert "(the best of four full runs)" in text
    assert "overfits: held-out loss 1.05 after 600 updates, 1.2 at the end; full runs: 1.2 at" in text
    assert "updates in short and full runs" in text
    drawn = [line for line in schedule_figure(shown).axes[1].lines if line.get_marker() == "s"]
    assert float(drawn[0].get_ydata()[0]) == shown.whole.peak
