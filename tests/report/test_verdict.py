"""The verdict's words: who is best, why nobody is, and nothing beyond what the seeds say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from lrdecay.report.verdict import FIXED_PEAK, updates_saved, verdict
from lrdecay.stats.intervals import Interval
from lrdecay.stats.power import seeds_needed
from lrdecay.stats.steps_saved import StepsSaved
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]

BEST = {"cosine(peak)": [0.91, 0.92, 0.93], "linear(peak)": [0.90, 0.911, 0.92], "constant(peak)": [0.8, 0.81, 0.805]}
NEAR = {"cosine(peak)": [0.91, 0.92, 0.93, 0.92], "linear(peak)": [0.90, 0.915, 0.922, 0.92]}
nan = math.nan


def test_a_winner_is_named_with_its_lead_and_interval(study_of: StudyOf) -> None:
    study = study_of(BEST)
    words = verdict(study)
    assert study.main.winner is not None
    assert words.startswith("cosine(peak) at peak 0.1 is best on digits, with these 3 seeds: mean accuracy 0.9200 (95%")
    difference = study.main.ranking[study.main.rows[1].spec].difference
    assert difference is not None
    lo, hi = -difference.interval.hi, -difference.interval.lo
    assert f"linear(peak), is {-difference.mean:.4f} behind (95% interval {lo:.4f} to {hi:.4f})" in words
    assert "Each of the 2 others differs from the best" in words
    assert "No clear winner" not in words


def test_no_winner_says_why_what_could_be_seen_and_what_it_would_take(study_of: StudyOf) -> None:
    study = study_of(NEAR)
    words = verdict(study)
    assert study.main.winner is None
    assert words.startswith("No clear winner on digits, with these 4 seeds: ")
    assert "linear(peak) is 0.0058 behind (95% interval -0.0012 to 0.0127), and that interval holds zero." in words
    assert f"that 4 seeds find, 4 times in 5, is {study.main.detectable:.4f}." in words
    difference = study.main.ranking[study.main.rows[1].spec].difference
    assert difference is not None
    needed = seeds_needed(difference.mean, difference.sd)
    assert f"To find the difference seen, 0.0058, would take about {needed} seeds." in words


def test_a_difference_that_counts_alone_but_not_among_many_is_said_to(study_of: StudyOf) -> None:
    rows = {"cosine(peak)": [0.5, 0.6, 0.7, 0.8], "linear(peak)": [0.46, 0.585, 0.665, 0.785]}
    more = {f"constant(peak, over={n})": [0.3 + 0.1 * n, 0.4, 0.2, 0.3] for n in (1, 2, 3)}
    words = verdict(study_of(rows | more))
    alone = study_of(rows)
    assert alone.main.winner is not None
    assert "No clear winner" in words
    assert "which would count alone but not among 4 comparisons" in words


def test_some_rows_that_cannot_be_told_apart_are_counted(study_of: StudyOf) -> None:
    words = verdict(study_of(NEAR | {"constant(peak)": [0.5, 0.51, 0.52, 0.51]}))
    assert "1 of the 2 others cannot be told from the best with these seeds." in words


@pytest.mark.parametrize("scores", [BEST, NEAR], ids=["far", "near"])
def test_one_seed_never_gives_a_winner(study_of: StudyOf, scores: dict[str, list[float]]) -> None:
    words = verdict(study_of({name: values[:1] for name, values in scores.items()}))
    assert words.startswith("No clear winner on digits, with this one seed: one seed never gives a winner.")
    assert "is best" not in words
    assert "interval" not in words
    assert "inf" not in words


def test_a_schedule_alone_has_nothing_to_win_against(study_of: StudyOf) -> None:
    words = verdict(study_of({"cosine(peak)": [0.9, 0.91]}))
    assert words == (
        "No winner on digits, with these 2 seeds: cosine(peak) at peak 0.1 has a mean accuracy 0.9050, "
        "and there is nothing to compare it with."
    )


def test_diverged_runs_are_said_and_limit_the_claim(study_of: StudyOf) -> None:
    words = verdict(study_of({**BEST, "linear(peak)": [0.95, nan, 0.95]}))
    assert words.startswith("Of the schedules that finished on every seed, cosine(peak) at peak 0.1 is best")
    assert "linear(peak) diverged on 1 of 3 seeds at peak 0.1 and is not ranked." in words


def test_the_only_one_that_finished_is_no_winner(study_of: StudyOf) -> None:
    words = verdict(study_of({"cosine(peak)": [0.9, 0.91], "linear(peak)": [nan, 0.9]}))
    assert words.startswith("No winner on digits")
    assert "no other finished on every seed" in words


def test_where_everything_diverged_nothing_is_ranked(study_of: StudyOf) -> None:
    words = verdict(study_of({"cosine(peak)": [nan, 0.9], "linear(peak)": [nan, nan]}))
    assert words.startswith("No winner on digits, with these 2 seeds: every schedule diverged on at least one seed.")


def test_a_fixed_peak_says_exactly_what_it_ranks(study_of: StudyOf) -> None:
    assert FIXED_PEAK == "This ranks schedules at one peak, not schedules."
    assert FIXED_PEAK in verdict(study_of(BEST, fixed=True))
    assert FIXED_PEAK not in verdict(study_of(BEST))
    assert "shared peak" not in verdict(study_of(BEST, fixed=True))


def test_a_peak_at_the_edge_is_said(study_of: StudyOf) -> None:
    words = verdict(study_of(BEST, edges={"linear(peak)": "highest", "cosine(peak)": "lowest"}))
    assert "The best peak of cosine(peak) (0.1) is the lowest one tried: a lower one may be better still." in words
    assert "The best peak of linear(peak) (0.1) is the highest one tried: a higher one may be better still." in words
    both = verdict(study_of(BEST, edges={"linear(peak)": "lowest", "cosine(peak)": "lowest"}))
    assert "of cosine(peak) (0.1) and linear(peak) (0.1) are the lowest ones tried: lower ones may" in both
    assert " tried" not in verdict(study_of(BEST, shared=BEST))


def test_another_first_at_the_shared_peak_is_said_with_what_it_means(study_of: StudyOf) -> None:
    swapped = {**BEST, "cosine(peak)": BEST["linear(peak)"], "linear(peak)": BEST["cosine(peak)"]}
    words = verdict(study_of(BEST, shared=swapped))
    assert "At one shared peak, 0.05, the ranking differs: linear(peak) comes first there, clearly;" in words
    assert "a shared peak favours the schedules it happens to suit." in words


def test_where_neither_order_is_clear_their_difference_may_be_chance(study_of: StudyOf) -> None:
    swapped = {"cosine(peak)": NEAR["linear(peak)"], "linear(peak)": NEAR["cosine(peak)"]}
    assert "neither order is clear, so this may be chance." in verdict(study_of(NEAR, shared=swapped))


def test_the_same_first_at_the_shared_peak_is_said(study_of: StudyOf) -> None:
    assert "At one shared peak, 0.05, cosine(peak) comes first too, clearly, in the same order." in verdict(
        study_of(BEST, shared=BEST)
    )


def test_no_shared_peak_is_said(study_of: StudyOf) -> None:
    assert "so there is no comparison at a shared peak." in verdict(study_of(BEST))


def test_a_smaller_loss_is_better_and_behind_means_above(study_of: StudyOf) -> None:
    losses = {"cosine(peak)": [1.1, 1.2, 1.3], "linear(peak)": [1.2, 1.301, 1.4]}
    words = verdict(study_of(losses, goal="min"))
    assert words.startswith("cosine(peak) at peak 0.1 is best on digits, with these 3 seeds: mean loss 1.200 ")
    gap = re.search(r"linear\(peak\), is ([\d.]+) behind \(95% interval ([\d.]+) to ([\d.]+)\)", words)
    assert gap is not None
    assert float(gap[2]) < float(gap[1]) < float(gap[3])


def test_equal_means_are_level_and_ask_for_no_seeds(study_of: StudyOf) -> None:
    words = verdict(study_of({"cosine(peak)": [0.91, 0.92], "linear(peak)": [0.92, 0.91]}))
    assert "linear(peak) is level with it" in words
    assert "would take" not in words


def test_it_never_claims_beyond_this_task_and_these_seeds(study: Study, diverging: Study, study_of: StudyOf) -> None:
    for words in map(verdict, (study, diverging, study_of(BEST), study_of(NEAR, fixed=True))):
        assert re.search(r"on (quadratic|digits), with these \d seeds", words)
        assert not re.search(r"always|never|proves|proven|in general|significant", words)
        assert not re.search(r"\bnan\b|\binf\b|None(?! of)", words)


def test_the_effect_in_updates_is_that_of_the_nearest_rival(study: Study, study_of: StudyOf) -> None:
    words = verdict(study)
    first, second = study.main.rows[:2]
    saved = study.main.evidence.saved[second.spec]
    assert f"{first.written} reaches the final accuracy of {second.written} {updates_saved(saved)}." in words
    assert "the updates" not in verdict(study_of(BEST))  # measured at the end only


def test_updates_saved_in_words() -> None:
    def said(updates: float | None, interval: Interval | None, *per_seed: float | None) -> str:
        return updates_saved(StepsSaved(updates, 100, interval, per_seed))

    assert said(72, Interval(66, 80), 70.0, 73.0) == "in 0.72x the updates (95% interval 0.66 to 0.80)"
    assert said(72, None, 70.0) == "in 0.72x the updates"
    assert said(90, Interval(60, math.inf), 80.0, None, 88.0) == (
        "in 0.90x the updates (95% interval from 0.60 up, without a sure end; on 2 of 3 seeds)"
    )
    assert said(None, Interval(math.inf, math.inf), None, None) == "on 0 of 2 seeds, and not in the mean"
