"""Races in rounds of seeds: the looks are known before, the best is dropped as rarely as is said, ranking is honest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from lrdecay.errors import InputError
from lrdecay.runs.spec import RunResult
from lrdecay.runs.trace import Trace
from lrdecay.stats import compare_to_best, paired_difference, probability_best
from lrdecay.sweep.racing import Dropped, Raced, RaceRule, smallest_gap
from lrdecay.sweep.study import Row, rank

NAMES = "abcdef"


def raced(rule: RaceRule, scores: np.ndarray, *, looks_said: int | None = None) -> dict[str, Dropped]:
    """A race as a comparison runs it; scores have the shape (schedules, seeds), larger is better.

    ``looks_said`` lies about the number of seeds, and so of looks: what a race would do that did not share its level
    out.
    """
    m, n = scores.shape
    left, dropped, made = list(range(m)), {}, 0
    for batch in rule.rounds(range(n)):
        if made:
            rows = {NAMES[i]: scores[i, :made].tolist() for i in left}
            seeds = n if looks_said is None else rule.after + looks_said
            dropped |= rule.drops(rows, candidates=m, seeds=seeds, goal="max")
            left = [i for i in left if NAMES[i] not in dropped]
        made += len(batch)
    return dropped


def share_dropped(rule: RaceRule, effects: Sequence[float], seeds: int, count: int, **lies: int) -> int:
    """In how many of ``count`` races the first schedule, a best one, is dropped."""
    rng = np.random.default_rng(7)
    shape = (len(effects), seeds)
    lost = 0
    for _ in range(count):
        scores = np.asarray(effects)[:, None] + 3.0 * rng.normal(size=seeds) + rng.normal(size=shape)
        lost += "a" in raced(rule, scores, **lies)
    return lost


def test_the_looks_are_known_before_and_none_is_after_the_last_seed() -> None:
    rule = RaceRule(0.05)
    assert rule.looks(6) == (3, 4, 5)
    assert rule.rounds((0, 1, 2, 3, 4, 5)) == [(0, 1, 2), (3,), (4,), (5,)]
    assert RaceRule(0.05, 2).rounds((0, 1, 2)) == [(0, 1), (2,)]
    assert len(rule.rounds(range(9))) == len(rule.looks(9)) + 1


@pytest.mark.parametrize(
    ("effects", "seeds", "after"),
    [((0.0, 0.0), 6, 2), ((0.0, 0.0), 8, 3), ((0.0,) * 4, 6, 3), ((0.0, -0.05, -4.0), 7, 3)],
    ids=["two-early", "two", "four", "one-far-behind"],
)
def test_the_best_is_dropped_at_any_look_in_at_most_alpha_of_the_races(
    effects: tuple[float, ...], seeds: int, after: int
) -> None:
    """At most alpha: what was seen is not above it, and so far below where it is not that 600 races would show it."""
    alpha, count = 0.1, 600
    lost = share_dropped(RaceRule(alpha, after), effects, seeds, count)
    assert stats.binomtest(lost, count, alpha, alternative="greater").pvalue > 0.01
    assert lost / count <= alpha


def test_a_race_that_did_not_share_its_level_out_would_be_caught() -> None:
    alpha, count = 0.1, 600
    lost = share_dropped(RaceRule(alpha), (0.0, 0.0), 8, count, looks_said=1)
    assert stats.binomtest(lost, count, alpha, alternative="greater").pvalue < 0.001


def test_scores_known_to_a_coarse_step_drop_the_best_no_more_often() -> None:
    rule, rng, count = RaceRule(0.1), np.random.default_rng(3), 600
    lost = sum("a" in raced(rule, np.round(rng.normal(size=(2, 6)))) for _ in range(count))
    assert lost / count <= 0.1


def test_what_is_dropped_says_when_and_by_whom() -> None:
    scores = np.array([[0.5, 0.61, 0.55, 0.6], [0.4, 0.5, 0.46, 0.5], [0.1, 0.26, 0.12, 0.2]])
    lost = raced(RaceRule(0.05), scores)
    assert set(lost) == {"b", "c"}
    assert lost["c"].after == 3
    p_values = {
        name: stats.ttest_rel(scores[2, :3], scores[i, :3], alternative="less").pvalue
        for i, name in ((0, "a"), (1, "b"))
    }
    assert lost["c"].by == min(p_values, key=p_values.__getitem__)
    assert lost["c"].p_value == pytest.approx(min(p_values.values()))
    assert lost["c"].p_value <= 0.05 / 2


def test_a_diverged_schedule_goes_on_and_beats_nobody() -> None:
    rule = RaceRule(0.05)
    rows = {"a": [1.0, 2.0, 3.0], "lost": [math.nan, 99.0, 99.0], "b": [0.5, 1.51, 2.5]}
    assert set(rule.drops(rows, candidates=3, seeds=4, goal="max")) == {"b"}
    only = {"a": [1.0, 2.0, 3.0], "lost": [math.nan, 99.0, 99.0]}
    assert rule.drops(only, candidates=2, seeds=4, goal="max") == {}


def test_a_smaller_loss_is_better_and_the_front_is_never_dropped() -> None:
    rng = np.random.default_rng(0)
    for goal in ("min", "max"):
        for _ in range(200):
            rows = dict(zip("ab", rng.normal(size=(2, 3)).tolist(), strict=True))
            lost = RaceRule(0.49).drops(rows, candidates=2, seeds=4, goal=goal)  # type: ignore[arg-type]
            front = (max if goal == "max" else min)(rows, key=lambda name: sum(rows[name]))
            assert front not in lost


def test_what_cannot_be_raced_is_refused_in_one_line() -> None:
    given = {"seeds": 5, "schedules": 2}
    assert RaceRule.read(None, None, **given) is None
    assert RaceRule.read(0.05, None, **given) == RaceRule(0.05, 3)
    for race, after, more, says in (
        (2.0, None, {}, "`--race` must be above 0 and below 0.5, got 2.0"),
        (0.5, None, {}, "`--race` must be above 0 and below 0.5, got 0.5"),
        (True, None, {}, "`--race` must be above 0 and below 0.5, got True"),
        (math.nan, None, {}, "`--race` must be above 0 and below 0.5, got nan"),
        (0.05, 1, {}, "`--race-after` must be an integer >= 2, got 1"),
        (None, 2, {}, "`--race-after` must be given with --race, got 2"),
        (0.05, None, {"seeds": 3}, "`--race` must have --seeds 4 or more, to leave some out, got 3."),
        (0.05, 5, {}, "must have --seeds 6 or more, to leave some out, got 5."),
        (0.05, None, {"schedules": 1}, "`--race` must have two schedules or more, got 1"),
    ):
        with pytest.raises(InputError) as refused:
            RaceRule.read(race, after, **(given | more))
        assert says in str(refused.value)
        assert "\n" not in str(refused.value)


def row(name: str, values: Sequence[float], dropped: Dropped | None = None) -> Row:
    """A row with these scores and a trace of one update."""
    trace = Trace(np.array([0]), np.array([0.0]), np.array([0.1]), np.array([2.0]), {})
    results = [RunResult(f"{name}{i}", i, name, "loss", "min", v, {}, trace, None) for i, v in enumerate(values)]
    return Row(name, name, 0.1, tuple(results), dropped)


A, B, FAR = [0.30, 0.41, 0.35, 0.38], [0.32, 0.40, 0.37, 0.41], [0.90, 1.02, 0.94]


def test_those_left_are_compared_as_if_alone_and_those_dropped_on_common_seeds() -> None:
    race = Raced(RaceRule(0.05), 4, 4, 3, {"far": Dropped(3, "a", 1e-4)})
    rows = [row("far", FAR, Dropped(3, "a", 1e-4)), row("b", B), row("a", A)]
    table = rank("t", rows, "min", race)
    gap = smallest_gap([*A, *B, *FAR])
    alone = compare_to_best({"a": A, "b": B}, higher_is_better=False, resolution=gap)
    assert [r.spec for r in table.rows] == ["a", "b", "far"]
    assert table.ranking.standings[:2] == alone.standings
    assert (table.winner, table.detectable) == (alone.winner, alone.detectable)
    assert table.ranking["far"].difference == paired_difference(FAR, A[:3], resolution=gap)
    assert table.ranking["far"].p_adjusted is None
    assert table.evidence.p_best == probability_best({"a": A, "b": B}, higher_is_better=False, resolution=gap)
    assert "far" not in table.evidence.contenders
    entries = table.to_json()["rows"]
    assert [e["dropped"] for e in entries] == [None, None, {"after": 3, "by": "a"}]
    assert (entries[2]["p_best"], entries[2]["could_be_best"], len(entries[2]["values"])) == (None, False, 3)


def test_the_order_of_the_rows_does_not_matter() -> None:
    gone = {"far": Dropped(3, "a", 1e-4), "off": Dropped(3, "b", 1e-3)}
    rows = [row("off", [0.7, 0.8, 0.75], gone["off"]), row("far", FAR, gone["far"]), row("b", B), row("a", A)]
    race = Raced(RaceRule(0.05), 4, 4, 4, gone)
    one, other = rank("t", rows, "min", race), rank("t", rows[::-1], "min", race)
    assert [r.spec for r in one.rows] == ["a", "b", "off", "far"]
    assert one.to_json() == other.to_json()


def test_a_lone_one_left_wins_unless_the_race_only_screens() -> None:
    gone = Dropped(3, "a", 1e-4)
    rows = [row("a", A[:3]), row("far", FAR, gone)]
    assert rank("t", rows, "min", Raced(RaceRule(0.05), 6, 3, 2, {"far": gone})).winner == "a"
    assert rank("t", rows, "min", Raced(RaceRule(0.2), 6, 3, 2, {"far": gone})).winner is None
    assert rank("t", rows, "min").winner is None  # of other scores than those that were raced on


def test_a_dropped_row_never_wins_also_where_all_that_were_left_diverged() -> None:
    gone = Dropped(3, "a", 1e-4)
    rows = [row("a", [*A[:3], math.nan]), row("b", [*B[:3], math.nan]), row("far", FAR, gone)]
    table = rank("t", rows, "min", Raced(RaceRule(0.05), 4, 4, 3, {"far": gone}))
    assert (table.winner, table.ranking.best) == (None, None)
    assert [r.spec for r in table.rows] == ["a", "b", "far"]


def test_the_race_says_its_looks_and_its_error_rate() -> None:
    said = Raced(RaceRule(0.05), 5, 5, 2, {}).to_json()
    assert said["looks"] == [3, 4]
    assert said["error_rate"] == "The best schedule is dropped with a chance of at most 5%."
    assert [Raced(RaceRule(0.07), n, n, 2, {}).when for n in (4, 5, 9)] == [
        "after 3 of 4 seeds",
        "after 3 and 4 of 5 seeds",
        "after each of 3 to 8 of 9 seeds",
    ]
    assert "at most 7%." in Raced(RaceRule(0.07), 4, 4, 2, {}).error_rate
