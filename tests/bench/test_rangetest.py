"""The mathematics of the bench of `find`, on numbers whose answers are known; the measurement itself is not run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from bench.rangetest import protocol
from bench.rangetest.journal import Journal
from bench.rangetest.scoring import (
    best_x,
    better_at_edge,
    covered,
    filled,
    pooled,
    regret,
    spread,
    upper_bound,
    wilson,
    winkler,
)
from scipy.stats import chi2

X = np.log10(0.01 * 2.0 ** np.arange(7))


def parabola(at: float) -> np.ndarray:
    return 1.0 + 2.0 * (X - at) ** 2


def test_the_best_of_a_parabola_is_its_vertex_and_of_one_to_maximise_too() -> None:
    at = X[3] + 0.07
    assert best_x(X, parabola(at), largest=False) == pytest.approx(at)
    assert best_x(X, -parabola(at), largest=True) == pytest.approx(at)


def test_the_best_at_an_edge_is_the_edge_and_is_said_to_be_one() -> None:
    rising = np.arange(7.0)
    assert best_x(X, rising, largest=False) == X[0]
    assert better_at_edge(rising, largest=False) == "lowest"
    assert better_at_edge(rising, largest=True) == "highest"
    assert better_at_edge(parabola(X[3]), largest=False) is None


def test_the_best_next_to_a_cliff_stays_within_half_a_step() -> None:
    scores = np.array([0.80, 0.90, 0.91, 0.1, 0.1, 0.1, 0.1])
    assert X[1] < best_x(X, scores, largest=True) <= X[2]


@pytest.mark.parametrize("largest", [False, True])
def test_the_regret_of_a_known_parabola_is_its_height(largest: bool) -> None:
    scores = np.stack([parabola(X[3]), parabola(X[3]) + 0.5, parabola(X[3]) - 0.2], axis=1)
    step = X[1] - X[0]
    found = regret(X, -scores if largest else scores, X[3], [X[4], X[1]], largest=largest)
    assert found.mean == pytest.approx((2 * step**2 + 2 * (2 * step) ** 2) / 2)
    assert found.upper == pytest.approx(found.mean)  # no seed differs
    assert (found.outside, found.answers) == (0, 2)


def test_an_answer_beyond_the_grid_scores_as_its_end_and_is_counted() -> None:
    scores = np.stack([parabola(X[3])] * 3, axis=1)
    found = regret(X, scores, X[3], [X[6] + 5.0], largest=False)
    assert found.mean == pytest.approx(2 * (X[6] - X[3]) ** 2)
    assert found.outside == 1


def test_interpolation_does_not_overshoot_a_cliff() -> None:
    scores = np.stack([np.array([0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1])] * 3, axis=1)
    assert regret(X, scores, X[1], [X[2] - 0.1], largest=True).mean == pytest.approx(0.0)


def test_the_upper_bound_is_students() -> None:
    assert upper_bound(np.array([0.0, 1.0, 2.0])) == pytest.approx(1 + 2.91999 / math.sqrt(3), rel=1e-5)


def test_the_interval_of_a_spread_is_chi_squares_and_the_range_is_a_ratio() -> None:
    logs = [-1.0, -0.9, -1.1, -1.0]
    found = spread(logs)
    sd = float(np.std(logs, ddof=1))
    assert found.sd == pytest.approx(sd)
    assert found.lo == pytest.approx(sd * math.sqrt(3 / chi2.ppf(0.975, 3)))
    assert found.hi == pytest.approx(sd * math.sqrt(3 / chi2.ppf(0.025, 3)))
    assert found.ratio == pytest.approx(10**0.2)
    assert pooled([found, found]).sd == pytest.approx(sd)
    assert pooled([found, found]).hi < found.hi


def test_coverage_counts_abstentions_apart_and_slack_widens() -> None:
    intervals = [(0.0, 1.0), (0.0, 0.5), None]
    found = covered(intervals, [0.5, 0.6, 0.0])
    assert (found.held, found.answered, found.asked) == (1, 2, 3)
    assert found.width == pytest.approx(0.75)
    assert found.winkler == pytest.approx((1.0 + 0.5 + 40 * 0.1) / 2)
    assert covered(intervals, [0.5, 0.6, 0.0], slack=0.11).held == 2


def test_winkler_is_the_width_inside_and_forty_times_the_distance_outside() -> None:
    assert winkler(0.0, 1.0, 1.0) == 1.0
    assert winkler(0.0, 1.0, 1.1) == pytest.approx(5.0)
    assert winkler(0.0, 1.0, -0.1) == pytest.approx(5.0)


def test_wilsons_interval_is_the_published_one() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Newcombe 1998, method 3
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_diverged_run_scores_as_chance_or_as_the_worst_there_is() -> None:
    table = np.array([[0.9, np.nan], [0.05, 0.8]])
    assert filled(table, 0.1, largest=True)[0, 1] == 0.05
    assert filled(np.array([[0.9, np.nan]]), 0.1, largest=True)[0, 1] == 0.1
    assert filled(np.array([[0.9, np.nan]]), 2.3, largest=False)[0, 1] == 2.3


def test_the_journal_gives_back_what_was_written_and_leaves_out_a_line_cut_short(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(("truth", "digits", 1), {"loss": 0.5})
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"key": ["truth", "dig')
    again = Journal(tmp_path)
    assert ("truth", "digits", 1) in again
    assert again.of("truth") == {("digits", 1): {"loss": 0.5}}
    again.add(("truth", "digits", 2), {"loss": None})
    assert [json.loads(line)["loss"] for line in again.path.read_text(encoding="utf-8").splitlines()] == [0.5, None]


def test_the_protocol_says_what_is_measured_and_its_numbers_are_those_used() -> None:
    said = " ".join((protocol.__doc__ or "").split())
    for word in ("Spread", "Tracking", "Truth", "Regret", "Intervals", "Steps", "Goal"):
        assert word in said
    assert len(protocol.cells()) == 48
    assert f"Draws {protocol.DRAWS}," in said
    assert not set(protocol.GRID_SEEDS) & set(protocol.SCORING_SEEDS)
    assert [protocol.peak_of(o, 0) for o in protocol.OPTIMIZERS] == [0.16, 0.008]
