"""Racing and contenders: the stated error rate, by simulation; and that hopeless rows are dropped."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lrdecay.errors import InputError
from lrdecay.stats import Race, contenders, paired_difference

LOOKS = (3, 5, 8)  # seeds at each look, growing
SIX = tuple("abcdef")


def raced(effects: tuple[float, ...], sds: tuple[float, ...], alpha: float, rng: np.random.Generator) -> list[int]:
    """Who is dropped at any look, as row numbers; a larger score is better."""
    race = Race(len(effects), len(LOOKS), higher_is_better=True, alpha=alpha)
    noise = np.asarray(sds)[:, None] * rng.normal(size=(len(effects), LOOKS[-1]))
    scores = np.asarray(effects)[:, None] + 3.0 * rng.normal(size=LOOKS[-1]) + noise
    left = list(range(len(effects)))
    for seeds in LOOKS:
        lost = race.dropped({SIX[i]: scores[i, :seeds].tolist() for i in left})
        left = [i for i in left if SIX[i] not in lost]
    return [i for i in range(len(effects)) if i not in left]


@pytest.mark.parametrize(
    ("effects", "sds"),
    [
        ((0.0,) * 6, (1.0,) * 6),
        ((0.0, 0.0), (1.0, 1.0)),
        ((0.0, -0.01, -5.0), (1.0, 1.0, 1.0)),
        ((0.0, 0.0, 0.0, 0.0), (4.0, 1.0, 0.3, 0.1)),
    ],
    ids=["six-equal", "two-equal", "two-near-one-far", "unequal-spreads"],
)
def test_the_best_is_dropped_at_any_look_in_at_most_alpha_of_the_races(
    effects: tuple[float, ...], sds: tuple[float, ...]
) -> None:
    count, alpha = 600, 0.1
    rng = np.random.default_rng(len(effects))
    false = sum(0 in raced(effects, sds, alpha, rng) for _ in range(count))
    assert stats.binomtest(false, count, alpha, alternative="greater").pvalue > 0.01
    assert false / count <= alpha


def test_the_bound_is_not_idle_where_one_test_is_all_there_is() -> None:
    count, alpha = 3000, 0.1
    race = Race(2, 1, higher_is_better=True, alpha=alpha)
    rng = np.random.default_rng(0)
    false = sum("a" in race.dropped({"a": x.tolist(), "b": y.tolist()}) for x, y in rng.normal(size=(count, 2, 4)))
    interval = stats.binomtest(false, count).proportion_ci(0.9999)
    assert interval.low <= alpha <= interval.high


def test_a_row_far_behind_is_dropped_and_the_front_is_kept() -> None:
    rng = np.random.default_rng(2)
    races = [raced((0.0, -0.2, -12.0), (1.0, 1.0, 1.0), 0.05, rng) for _ in range(100)]
    assert sum(2 in lost for lost in races) >= 99
    assert sum(0 in lost for lost in races) <= 5


def test_a_row_is_dropped_exactly_where_one_rivals_test_is_below_the_level() -> None:
    scores = np.random.default_rng(5).normal((0.0, 0.5, 2.0), 1.0, (6, 3)).T
    rows = dict(zip("abc", scores.tolist(), strict=True))
    for alpha in (0.01, 0.05, 0.3, 0.7):
        race = Race(3, 2, higher_is_better=False, alpha=alpha)
        lost = [
            name
            for i, name in enumerate("abc")
            if any(
                stats.ttest_rel(scores[i], scores[j], alternative="greater").pvalue <= alpha / 4
                for j in range(3)
                if j != i
            )
        ]
        assert race.level == alpha / 4
        assert race.dropped(rows) == tuple(lost)


def test_the_confidence_set_holds_the_best_in_its_level_of_all_studies_and_shrinks_where_it_can() -> None:
    rng = np.random.default_rng(9)
    count, missed, sizes = 800, 0, []
    for _ in range(count):
        effects = rng.normal(0.0, 1.5, 5)
        scores = effects[:, None] + 2.0 * rng.normal(size=5) + rng.normal(size=(5, 5))
        kept = contenders(dict(zip(SIX, scores.tolist(), strict=False)), higher_is_better=True, level=0.9)
        missed += SIX[int(effects.argmax())] not in kept
        sizes.append(len(kept))
    assert missed / count <= 0.1
    assert np.mean(sizes) < 3.5


def test_the_row_with_the_best_mean_is_always_a_contender_and_a_lone_one_is_alone() -> None:
    rows = {"a": [0.9, 0.93, 0.91], "b": [0.7, 0.74, 0.71], "lost": [0.99, math.nan, 0.99]}
    assert contenders(rows, higher_is_better=True, resolution=0.001) == ("a",)
    assert contenders({"lost": [None]}, higher_is_better=True) == ()
    assert contenders({"a": [1.0], "b": [9.0]}, higher_is_better=True) == ("a", "b")
    assert contenders({"a": [1.0, 2.0], "same": [1.0, 2.0]}, higher_is_better=True) == ("a", "same")


def test_diverged_candidates_drop_nobody_and_are_not_dropped() -> None:
    race = Race(3, 1, higher_is_better=True)
    rows = {"a": [1.0, 2.0, 3.0], "lost": [None, 99.0, 99.0], "b": [0.5, 1.6, 2.4]}
    assert "lost" not in race.dropped(rows)
    assert race.dropped({"lost": [None, None]}) == ()


def test_equal_differences_are_judged_by_the_resolution() -> None:
    rows = {"a": [0.95] * 10, "b": [0.91] * 10}
    assert Race(2, 1, higher_is_better=True).dropped(rows) == ()
    assert Race(2, 1, higher_is_better=True, resolution=0.01).dropped(rows) == ("b",)
    assert paired_difference(rows["a"], rows["b"], resolution=0.01).p_value < 1e-6


def test_bad_input_is_one_clear_line() -> None:
    for call, says in (
        (lambda: Race(0, 1, higher_is_better=True), "`Race(candidates=...)` must be a positive integer, got 0"),
        (lambda: Race(2, 0, higher_is_better=True), "`Race(looks=...)` must be a positive integer, got 0"),
        (lambda: Race(2, 1, higher_is_better=True, alpha=5.0), "`Race(alpha=...)` must be strictly between 0 and 1"),
        (lambda: Race(1, 1, higher_is_better=True).dropped({"a": [1.0], "b": [2.0]}), "at most the 1 candidates"),
        (lambda: Race(2, 1, higher_is_better=True).dropped({"a": [1.0], "b": []}), "must have one score per seed"),
        (lambda: contenders({"a": [1.0]}, higher_is_better=True, level=95), "`contenders(level=...)` must be strictly"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert says in str(refused.value)
        assert "\n" not in str(refused.value)
