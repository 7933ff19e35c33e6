"""Best peaks of short runs and the law through them: known answers, honest intervals, refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.rangetest.extrapolation import PRIOR, Rung, law_of, rung_of

GRID = tuple(0.05 * 2**k for k in range(5))


def bowl(
    best: float, peaks=GRID, repeats: int = 3, spread: float = 0.0, seed: int = 0
) -> dict[float, tuple[float, ...]]:
    """Scores of parabolas in log rate, each repeat's own best ``spread`` decades (sd) off."""
    random = np.random.default_rng(seed)
    own = [math.log10(best) + d for d in random.normal(0, spread, repeats)]
    return {p: tuple(1 + i + 2 * (math.log10(p) - x) ** 2 for i, x in enumerate(own)) for p in peaks}


@pytest.mark.parametrize("best", [0.11, 0.2, 0.31])
def test_the_lowest_point_of_a_parabola_is_found_exactly(best: float) -> None:
    rung = rung_of(100, bowl(best))
    assert rung.peak == pytest.approx(best)
    assert rung.own == pytest.approx([best] * 3)
    assert rung.sd == pytest.approx(0, abs=1e-9)
    assert rung.at_edge is None
    assert rung.spacing == pytest.approx(math.log10(2))
    assert rung.best == min(GRID, key=lambda p: abs(math.log(p / best)))


def test_a_best_candidate_at_the_end_of_the_grid_is_said() -> None:
    assert rung_of(100, bowl(0.01)).at_edge == "lowest"
    high = rung_of(100, bowl(5.0))
    assert (high.at_edge, high.peak) == ("highest", 0.8)


def test_a_diverged_neighbour_is_worse_than_anything_and_moves_the_peak_by_less_than_half_a_step() -> None:
    scores = bowl(0.2) | {0.4: (math.nan, 2.0, 3.0), 0.8: (math.nan,) * 3}
    rung = rung_of(100, scores)
    assert rung.at_edge is None
    assert 0.2 / math.sqrt(2) < rung.peak < 0.2
    assert json.loads(json.dumps(rung.to_json(), allow_nan=False))["scores"]["0.4"] == [None, 2.0, 3.0]


def test_where_everything_diverged_there_is_no_peak() -> None:
    assert rung_of(100, dict.fromkeys(GRID, (math.nan, 1.0))) is None


def rungs(exponent: float, spread: float = 0.0, seed: int = 0, grid=GRID) -> list[Rung]:
    """Three lengths whose best peaks follow the law, .2 at 100 updates."""
    made = []
    for i, steps in enumerate((50, 100, 200)):
        best = 0.2 * (steps / 100) ** -exponent
        made.append(rung_of(steps, bowl(best, grid, spread=spread, seed=10 * seed + i)))
    return made


def test_the_measured_exponent_is_the_slope_and_has_no_prior_in_it() -> None:
    for exponent in (0.0, 0.25, 0.5):
        law = law_of(rungs(exponent), 1000)
        assert law.exponent == pytest.approx(exponent, abs=1e-9)
        assert exponent in law.exponent_interval


def test_the_exponent_used_lies_between_the_measured_one_and_what_is_known_before() -> None:
    law = law_of(rungs(0.5), 1000)
    assert PRIOR[0] < law.exponent_used < 0.5
    assert law.peak == pytest.approx(0.2 * 10**-law.exponent_used)
    fine = tuple(0.05 * 2 ** (k / 8) for k in range(33))
    assert law_of(rungs(0.5, grid=fine), 1000).exponent_used > law.exponent_used + 0.05  # sharper data weigh more


def test_where_law_and_prior_agree_the_answer_is_the_laws() -> None:
    law = law_of(rungs(0.25), 2000)
    assert law.exponent_used == pytest.approx(0.25)
    assert law.peak == pytest.approx(0.2 * 20**-0.25)
    assert law.interval.lo < law.peak < law.interval.hi


def test_farther_runs_are_less_sure() -> None:
    widths = [
        math.log10(law.interval.hi / law.interval.lo) for law in (law_of(rungs(0.3), n) for n in (200, 600, 2000))
    ]
    assert widths == sorted(widths)


def test_the_interval_holds_the_true_peak_of_the_law_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    held = 0
    for seed in range(100):
        exponent = random.normal(*PRIOR)
        law = law_of(rungs(exponent, spread=0.15, seed=seed), 2000)
        held += 0.2 * 20**-exponent in law.interval
    assert held >= 90


@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_at_the_ends_of_theory_where_the_prior_pulls_the_interval_holds_two_times_in_three(exponent: float) -> None:
    held = sum(
        0.2 * 20**-exponent in law_of(rungs(exponent, spread=0.1, seed=seed), 2000).interval for seed in range(60)
    )
    assert held >= 40


def test_nothing_is_said_beyond_ten_times_the_longest_length() -> None:
    assert law_of(rungs(0.2), 2000).full == 2000
    with pytest.raises(InputError, match="must be at most 10x the longest measured length, 200, got 2001"):
        law_of(rungs(0.2), 2001)


def test_two_lengths_are_no_law() -> None:
    with pytest.raises(InputError, match="must hold at least three lengths, got 2"):
        law_of(rungs(0.2)[:2], 500)
