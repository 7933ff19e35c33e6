"""The bench of plateau rules: what it runs for all runs at once is what the rules do; the measurement is not run."""

from __future__ import annotations

import numpy as np
import pytest
from bench.feedback import AFTER, BEFORE, NEVER, SPELLED, counting, each, fitted, linear, measured, real, statistical

from lrdecay.feedback.notation import parse_rule

SETTING = linear("a few", 4, 0.001, 0.01)


@pytest.mark.parametrize("text", list(SPELLED))
def test_a_rule_for_all_runs_at_once_is_the_rule(text: str) -> None:
    for runs in (SETTING.improving, SETTING.plateau):
        assert SPELLED[text](runs).tolist() == each(parse_rule(text))(runs).tolist()


def test_a_rule_that_is_told_a_delta_is_the_rule_too() -> None:
    told = each(parse_rule("plateau(delta=0.001)"))(SETTING.plateau)
    assert statistical(delta=np.full(4, 0.001))(SETTING.plateau).tolist() == told.tolist()


def test_a_row_counts_false_drops_and_delays_from_the_end_of_improvement() -> None:
    def fires(y: np.ndarray) -> np.ndarray:
        improving = y.shape[1] == BEFORE
        return np.array([50, NEVER, NEVER, NEVER] if improving else [50, BEFORE + 10, BEFORE + 30, NEVER])

    assert measured(SETTING, "x", fires) == f"| x | 1 | 30 | > {AFTER} | 33.3% |"
    assert measured(SETTING, "x", counting(10**6)).startswith(f"| x | 0 | > {AFTER} |")


def test_real_traces_are_read_where_their_rate_is_highest(tmp_path) -> None:
    t = np.arange(300)
    loss = 2 + (t + 8.0) ** -0.5
    rows = [f"{i},{0.1 if 20 <= i < 220 else 0.01},{y}" for i, y in zip(t, loss, strict=True)]
    (tmp_path / "run.csv").write_text("step,lr,loss\n" + "\n".join(rows))
    (tmp_path / "other.csv").write_text("step,value\n1,2\n")
    found = real(tmp_path, 3)
    assert found is not None
    assert found.improving.shape == (3, BEFORE)
    assert found.improving[0] == pytest.approx(loss[20:220], abs=2e-3)
    assert np.ptp(found.plateau[0, BEFORE:]) < 4e-3


def test_a_power_law_is_fitted() -> None:
    curve = 3 + 2 * (np.arange(200) + 4.0) ** -0.5
    assert fitted(curve) == pytest.approx(curve, abs=1e-9)
