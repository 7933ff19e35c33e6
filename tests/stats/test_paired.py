"""Paired comparison: against scipy, by simulation of whole studies, and under changes that must not matter."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from lrdecay.errors import InputError
from lrdecay.stats import Interval, compare_to_best, detectable, holm, paired_difference, t_interval

SIX = ("constant", "step", "exponential", "inverse_time", "linear", "cosine")
Rows = dict[str, list[float]]


@st.composite
def studies(draw: st.DrawFn) -> Rows:
    """Up to five rows of small whole numbers on the same seeds: sums and shifts of them are exact."""
    n = draw(st.integers(1, 5))
    scores = st.lists(st.integers(-50, 50).map(float), min_size=n, max_size=n)
    return {f"row{i}": draw(scores) for i in range(draw(st.integers(1, 5)))}


def simulated(rng: np.random.Generator, effects: tuple[float, ...], seeds: int, count: int) -> NDArray[np.float64]:
    """Scores, shape (count, rows, seeds): effect of the row + effect of the seed (sd 3) + noise (sd 1)."""
    shared = 3.0 * rng.normal(size=(count, 1, seeds))
    return np.asarray(effects)[:, None] + shared + rng.normal(size=(count, len(effects), seeds))


def winners(scores: NDArray[np.float64], **options: float) -> list[str | None]:
    """The winner of each study, higher being better."""
    names = SIX[: scores.shape[1]]
    return [
        compare_to_best(dict(zip(names, study, strict=True)), higher_is_better=True, **options).winner
        for study in scores
    ]


# ---- whole studies, simulated --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_six_equal_schedules_have_a_winner_in_at_most_one_study_in_twenty(seeds: int) -> None:
    count = 2500
    found = winners(simulated(np.random.default_rng(seeds), (0.0,) * 6, seeds, count))
    false = sum(winner is not None for winner in found)
    assert false / count <= 0.05
    assert stats.binomtest(false, count).proportion_ci(0.99).high <= 0.05


@pytest.mark.parametrize("effects", [(0.0, 0.0), (0.0, 0.0, -20.0, -20.0)], ids=["two", "two-and-two-far-behind"])
def test_two_schedules_tied_at_the_top_have_a_winner_in_one_study_in_twenty(effects: tuple[float, ...]) -> None:
    count = 2500
    found = winners(simulated(np.random.default_rng(11), effects, 5, count))
    share = stats.binomtest(sum(winner is not None for winner in found), count).proportion_ci(0.9999)
    assert share.low <= 0.05 <= share.high


def test_an_effect_of_four_standard_deviations_is_found_in_most_studies() -> None:
    count = 1000
    found = winners(simulated(np.random.default_rng(3), (0.0, 0.0, 4.0, 0.0, 0.0, 0.0), 5, count))
    assert found.count("exponential") / count > 0.75
    assert found.count("exponential") + found.count(None) == count


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0], ids=lambda noise: f"noise-{noise}-steps")
def test_equal_schedules_scored_in_whole_steps_do_not_win_by_equal_differences(seeds: int, noise: float) -> None:
    count = 2000
    rng = np.random.default_rng(17)
    level = rng.uniform(size=(count, 1, 1))  # where between two steps the true score lies
    scores = np.round(level + noise * rng.normal(size=(count, 2, seeds)))
    false = sum(winner is not None for winner in winners(scores, resolution=1.0))
    assert stats.binomtest(false, count, 0.05, alternative="greater").pvalue > 1e-4


def test_a_single_seed_never_gives_a_winner_or_a_detectable_difference() -> None:
    ranking = compare_to_best({"cosine": [0.99], "constant": [0.10]}, higher_is_better=True, resolution=0.001)
    assert ranking.best == "cosine"
    assert ranking.winner is None
    assert ranking.detectable == math.inf
    assert ranking["constant"].difference is not None
    assert ranking["constant"].difference.interval == Interval(-math.inf, math.inf)


# ---- one difference ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5, 40])
def test_the_paired_test_agrees_with_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(0.2, 1.0, n), rng.normal(0.0, 1.0, n)
    reference = stats.ttest_rel(a, b)
    difference = paired_difference(a, b, 0.9)
    assert difference.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    expected = reference.confidence_interval(0.9)
    assert (difference.interval.lo, difference.interval.hi) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert difference.mean == pytest.approx((a - b).mean())
    assert difference.sd == pytest.approx((a - b).std(ddof=1))
    assert difference.n == n


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=8))
def test_the_p_value_and_the_interval_tell_the_same_story(pairs: list[tuple[float, float]]) -> None:
    a, b = zip(*pairs, strict=True)
    difference = paired_difference(a, b, resolution=1e-3)
    if abs(difference.p_value - 0.05) > 1e-9:
        assert (0.0 in difference.interval) == (difference.p_value > 0.05)


@pytest.mark.parametrize("n", [1, 2, 3, 20])
@pytest.mark.parametrize("shift", [0.0, 0.01, 5.0])
def test_equal_differences_prove_nothing_where_the_resolution_is_unknown(n: int, shift: float) -> None:
    b = np.random.default_rng(n).uniform(size=n)
    difference = paired_difference(b + shift, b)  # float rounding leaves a spread of some 1e-17
    assert difference.p_value == 1.0
    assert difference.sd == math.inf
    assert difference.interval == Interval(-math.inf, math.inf)
    assert difference.mean == pytest.approx(shift)


def test_equal_differences_are_judged_by_the_rounding_of_the_metric() -> None:
    difference = paired_difference([0.92, 0.94], [0.91, 0.93], resolution=0.01)
    sd = 0.01 / math.sqrt(12)
    assert difference.sd == pytest.approx(sd)
    assert difference.p_value == pytest.approx(2 * stats.t.sf(0.01 / sd * math.sqrt(2), 1))
    assert difference.p_value > 0.05
    many = paired_difference([0.95] * 10, [0.91] * 10, resolution=0.01)  # four steps, on every one of ten seeds
    assert many.p_value < 1e-6


def test_a_resolution_finer_than_float_rounding_changes_nothing() -> None:
    b = np.random.default_rng(0).uniform(size=4)
    assert paired_difference(b + 0.01, b, resolution=1e-20) == paired_difference(b + 0.01, b)


# ---- many p values -------------------------------------------------------------------------------------------------


def test_holm_agrees_with_an_example_worked_by_hand() -> None:
    # sorted: 0.005 · 4 = 0.02, 0.01 · 3 = 0.03, 0.03 · 2 = 0.06, 0.04 · 1 = 0.04 raised to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([0.25]) == (0.25,)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.001, 0.2))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float], alpha: float) -> None:
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert sorted(adjusted) == [adjusted[i] for i in order]
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    still = True
    for rank, i in enumerate(order):
        still = still and (len(order) - rank) * p_values[i] <= alpha
        assert (adjusted[i] <= alpha) == still


# ---- the ranking ---------------------------------------------------------------------------------------------------


def test_the_ranking_says_all_of_it_by_name() -> None:
    rows = {
        "step": [0.70, 0.74, 0.71],
        "lost": [0.99, math.nan, 0.99],
        "cosine": [0.90, 0.93, 0.91],
        "none": [None] * 3,
    }
    ranking = compare_to_best(rows, higher_is_better=True, resolution=0.001)
    assert [standing.name for standing in ranking.standings] == ["cosine", "step", "lost", "none"]
    assert (ranking.best, ranking.winner, ranking.n, ranking.level) == ("cosine", "cosine", 3, 0.95)
    assert ranking["cosine"].difference is None
    assert ranking["cosine"].p_adjusted is None
    assert ranking["cosine"].mean == pytest.approx(0.9133, abs=1e-4)
    expected = paired_difference(rows["step"], rows["cosine"], resolution=0.001)
    assert ranking["step"].difference == expected
    assert expected.mean < 0
    assert ranking["step"].p_adjusted == expected.p_value  # one comparison needs no correction
    assert ranking.detectable == detectable(expected.sd, 3)
    for name in ("lost", "none"):
        assert ranking[name].diverged
        assert ranking[name].mean is ranking[name].difference is ranking[name].p_adjusted is None


def test_a_winner_must_beat_every_rival_not_only_the_far_ones() -> None:
    near = {"a": [1.0, 2.0, 3.0, 4.0], "b": [0.9, 2.1, 2.9, 4.05], "far": [-9.0, -8.1, -7.0, -6.2]}
    ranking = compare_to_best(near, higher_is_better=True)
    assert ranking["far"].p_adjusted is not None
    assert ranking["far"].p_adjusted < 0.01
    assert ranking.best is not None
    assert ranking.winner is None
    del near["b"]
    assert compare_to_best(near, higher_is_better=True).winner == "a"


def test_the_p_values_of_a_ranking_are_corrected_for_their_number() -> None:
    scores = simulated(np.random.default_rng(5), (2.0, 0.0, 1.0, 0.5), 5, 1)[0]
    ranking = compare_to_best(dict(zip(SIX, scores, strict=False)), higher_is_better=True)
    compared = [s for s in ranking.standings if s.difference is not None]
    raw = [s.difference.p_value for s in compared if s.difference is not None]
    assert tuple(s.p_adjusted for s in compared) == holm(raw)
    pooled = math.sqrt(sum(s.difference.sd**2 for s in compared if s.difference is not None) / 3)
    assert ranking.detectable == pytest.approx(detectable(pooled, 5, level=1 - 0.05 / 3))


def test_an_identical_row_is_no_loser_and_does_not_hide_what_is_detectable() -> None:
    rows = {"a": [1.0, 2.0, 4.0], "same": [1.0, 2.0, 4.0], "c": [0.1, 0.2, 0.5]}
    ranking = compare_to_best(rows, higher_is_better=True)
    assert ranking.winner is None
    assert ranking["same"].p_adjusted == 1.0
    assert ranking["c"].difference is not None
    assert ranking.detectable == pytest.approx(detectable(ranking["c"].difference.sd, 3, level=0.975))


@pytest.mark.parametrize(
    "rows", [{"a": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": [math.inf, 0.0]}], ids=["alone", "survivor"]
)
def test_there_is_no_winner_without_a_comparison(rows: Rows) -> None:
    ranking = compare_to_best(rows, higher_is_better=False)
    assert (ranking.best, ranking.winner, ranking.detectable) == ("a", None, math.inf)


def test_where_every_run_diverged_nothing_is_best() -> None:
    ranking = compare_to_best({"b": [math.nan], "a": [None]}, higher_is_better=False)
    assert (ranking.best, ranking.winner, ranking.detectable) == (None, None, math.inf)
    assert [standing.name for standing in ranking.standings] == ["a", "b"]


@given(studies(), st.booleans(), st.randoms())
def test_the_order_of_rows_and_of_seeds_does_not_matter(rows: Rows, higher: bool, random: Random) -> None:
    names, seeds = list(rows), list(range(len(rows["row0"])))
    random.shuffle(names)
    random.shuffle(seeds)
    shuffled = {name: [rows[name][seed] for seed in seeds] for name in names}
    assert compare_to_best(shuffled, higher_is_better=higher) == compare_to_best(rows, higher_is_better=higher)


@given(studies(), st.booleans(), st.lists(st.integers(-50, 50), min_size=5, max_size=5))
def test_what_a_seed_does_to_every_row_cancels_in_the_differences(rows: Rows, higher: bool, effects: list[int]) -> None:
    moved = {name: [x + e for x, e in zip(scores, effects, strict=False)] for name, scores in rows.items()}
    before = compare_to_best(rows, higher_is_better=higher, resolution=1.0)
    after = compare_to_best(moved, higher_is_better=higher, resolution=1.0)
    assert (after.best, after.winner, after.detectable) == (before.best, before.winner, before.detectable)
    for one, other in zip(before.standings, after.standings, strict=True):
        assert (one.name, one.difference, one.p_adjusted) == (other.name, other.difference, other.p_adjusted)


@given(studies(), st.booleans(), st.integers(-20, 20), st.sampled_from([0.0, 1.0]))
def test_a_change_of_unit_changes_numbers_but_no_conclusion(
    rows: Rows, higher: bool, power: int, resolution: float
) -> None:
    unit = 2.0**power
    before = compare_to_best(rows, higher_is_better=higher, resolution=resolution)
    after = compare_to_best(
        {name: [x * unit for x in scores] for name, scores in rows.items()},
        higher_is_better=higher,
        resolution=resolution * unit,
    )
    assert (after.best, after.winner) == (before.best, before.winner)
    assert after.detectable == before.detectable * unit
    for one, other in zip(before.standings, after.standings, strict=True):
        assert (one.name, one.p_adjusted) == (other.name, other.p_adjusted)


@given(studies())
def test_a_loss_is_an_accuracy_upside_down(rows: Rows) -> None:
    upside_down = {name: [-x for x in scores] for name, scores in rows.items()}
    one, other = compare_to_best(rows, higher_is_better=True), compare_to_best(upside_down, higher_is_better=False)
    assert (one.best, one.winner, one.detectable) == (other.best, other.winner, other.detectable)
    assert [s.p_adjusted for s in one.standings] == [s.p_adjusted for s in other.standings]


@given(studies(), st.booleans())
def test_the_best_has_the_best_mean_and_a_winner_is_the_best(rows: Rows, higher: bool) -> None:
    ranking = compare_to_best(rows, higher_is_better=higher, resolution=1.0)
    means = [s.mean for s in ranking.standings if s.mean is not None]
    assert means == sorted(means, reverse=higher)
    assert ranking.standings[0].name == ranking.best
    assert ranking.winner in (None, ranking.best)
    for standing in ranking.standings[1:]:
        assert standing.difference is not None
        if ranking.winner is not None and standing.p_adjusted is not None:
            assert standing.p_adjusted <= 1 - 0.95
            assert 0.0 not in standing.difference.interval


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({}, "must hold at least one item, got {}"),
        ({"a": [], "b": []}, "must have one score per seed, the same number in each row, got {'a': 0, 'b': 0}"),
        ({"a": [1.0, 2.0], "b": [1.0]}, "must have one score per seed, the same number in each row"),
    ],
)
def test_rows_without_the_same_seeds_are_refused(rows: Rows, says: str) -> None:
    with pytest.raises(InputError) as refused:
        compare_to_best(rows, higher_is_better=True)
    assert str(refused.value).startswith("`compare_to_best(rows=...)` ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_difference([1.0], [1.0, 2.0]), "must have one score per seed in both, got (1, 2)"),
        (lambda: paired_difference([1.0, math.nan], [1.0, 2.0]), "`paired_difference(a=...)` must be finite numbers"),
        (lambda: paired_difference([1.0], [math.inf]), "`paired_difference(b=...)` must be finite numbers"),
        (lambda: paired_difference([1.7e308], [-1.7e308]), "`paired_difference(a - b)` must be finite numbers"),
        (
            lambda: paired_difference([1.0], [1.0], 95),
            "`paired_difference(level=...)` must be strictly between 0 and 1",
        ),
        (lambda: paired_difference([1.0], [1.0], resolution=-1.0), "(resolution=...)` must be a number >= 0, got -1.0"),
        (lambda: holm([0.5, 1.5]), "`holm(p_values=...)` must be in [0, 1], got 1.5"),
        (lambda: holm([math.nan]), "`holm(p_values=...)` must be in [0, 1], got nan"),
        (lambda: compare_to_best({"a": [1.0]}, higher_is_better=True, level=1.0), "`compare_to_best(level=...)` must"),
        (lambda: compare_to_best({"a": [1.0]}, higher_is_better=True, resolution=-1.0), "(resolution=...)` must be"),
    ],
)
def test_bad_input_is_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as refused:
        call()
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_interval_of_a_difference_is_the_t_interval_of_the_differences() -> None:
    a, b = [0.5, 0.9, 0.4, 0.7], [0.1, 0.8, 0.3, 0.3]
    expected = t_interval(np.subtract(a, b), 0.9)
    assert paired_difference(a, b, 0.9).interval == expected
