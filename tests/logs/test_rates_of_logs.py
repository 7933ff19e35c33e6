"""The rate of every update, from what was logged, from a schedule, or from a trunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.logs.made import LAST, STEPS, csv_of, loss, plain, rate

from lrdecay.errors import InputError
from lrdecay.logs.joining import joined
from lrdecay.logs.reading import Reading, read_curves
from lrdecay.schedule import Horizon, parse

PEAK = 1e-3


def only(path: Path, **said: object) -> Reading:
    (reading,) = read_curves(path, **said)  # type: ignore[arg-type]
    return reading


def logged(folder: Path, steps: np.ndarray, rates: np.ndarray, name: str = "run.csv") -> Path:
    return csv_of(folder / name, "step,lr,loss", steps, rates, loss(steps))


def test_rates_at_other_steps_than_the_losses_are_used(tmp_path: Path) -> None:
    at = np.arange(0, LAST, 20)
    steps = np.r_[at, STEPS]
    path = csv_of(
        tmp_path / "run.csv",
        "step,lr,loss",
        steps,
        [*rate(at), *[None] * len(STEPS)],
        [*[None] * len(at), *loss()],
    )
    assert only(path).curve.rates == pytest.approx(rate(np.arange(LAST)), abs=2e-5)


def test_a_rate_that_stood_still_before_and_after_steps_between(tmp_path: Path) -> None:
    reading = only(logged(tmp_path, STEPS, np.where(STEPS <= 1000, PEAK, PEAK / 10)))
    assert "The rate steps from 0.001 to 0.0001 between steps 1000 and 1050: at 1025." in reading.notes
    assert set(reading.curve.rates[:1025]) == {PEAK}
    assert set(reading.curve.rates[1025:]) == {PEAK / 10}


def test_a_row_logged_for_the_step_says_where_it_is(tmp_path: Path) -> None:
    steps = np.sort(np.append(STEPS, 1010))
    rates = only(logged(tmp_path, steps, np.where(steps < 1010, PEAK, PEAK / 10))).curve.rates
    assert (rates[1009], rates[1010]) == (PEAK, PEAK / 10)


def test_a_rate_of_0_after_the_last_update_of_a_constant_run_is_none(tmp_path: Path) -> None:
    reading = only(logged(tmp_path, STEPS, np.append(np.full(39, PEAK), 0.0)))
    assert set(reading.curve.rates) == {PEAK}
    assert any("that of no update" in note for note in reading.notes)


def test_a_log_that_starts_late_holds_its_first_rate_before_and_says_so(tmp_path: Path) -> None:
    late = STEPS[STEPS >= 1000]
    reading = only(logged(tmp_path, late, rate(late)))
    assert set(reading.curve.rates[:1000]) == {PEAK}
    assert any("start at step 1000" in note and "--warmup N" in note for note in reading.notes)


def test_a_warmup_that_is_given_rises_from_0_before_a_late_start(tmp_path: Path) -> None:
    late = STEPS[STEPS >= 1000]
    curve = only(logged(tmp_path, late, rate(late)), warmup=100).curve
    assert curve.warmup == 100
    assert curve.rates[:100] == pytest.approx(PEAK * np.arange(1, 101) / 101)
    assert set(curve.rates[100:1000]) == {PEAK}


def test_a_branch_takes_the_rates_before_it_and_the_warmup_from_its_trunk(tmp_path: Path) -> None:
    trunk = only(logged(tmp_path, STEPS, np.minimum(rate(STEPS) * 1e9, PEAK * np.minimum(STEPS / 100, 1)), "trunk.csv"))
    late = np.arange(1000, LAST + 1, 50)
    down = PEAK * (1 - np.sqrt((late - 1000) / 1000))
    path = csv_of(tmp_path / "b.csv", "step,lr,loss", late, [None, *down[1:]], loss(late))
    alone = only(path)
    both = joined(alone, trunk)
    assert alone.curve.peak < 0.9 * PEAK  # the log of the branch does not show the peak
    assert both.curve.peak == pytest.approx(PEAK)
    assert both.curve.warmup == 100
    assert np.array_equal(both.curve.rates[:1000], trunk.curve.rates[:1000])
    assert np.array_equal(both.curve.rates[1050:], alone.curve.rates[1050:])
    assert (np.diff(both.curve.rates[1000:1051]) < 0).all()
    assert not any("--warmup" in note for note in both.notes)
    with pytest.raises(InputError, match="begins in the middle"):
        joined(trunk, trunk)
    with pytest.raises(InputError, match="must reach step 1000"):
        joined(alone, only(logged(tmp_path, STEPS[:15], np.full(15, PEAK), "short.csv")))


def test_a_schedule_gives_the_rates_of_a_log_without_any(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", "step,loss", STEPS, loss())
    said = "warmup(100) + linear(1e-3)"
    reading = only(path, schedule=said, steps=2400)
    assert np.array_equal(reading.curve.rates, parse(said).bind(Horizon(steps=2400)).values())
    assert reading.curve.warmup == 100
    for wrong, word in (
        ({"schedule": said}, "--log-steps N"),
        ({"schedule": said, "steps": 1000}, "last loss"),
        ({"schedule": "linear(peak)", "steps": 2400}, "stated peak"),
        ({"schedule": said, "steps": 2400, "warmup": -1}, "--warmup"),
    ):
        with pytest.raises(InputError, match=word):
            only(path, **wrong)


def test_a_schedule_wins_over_the_log_and_the_difference_is_told(tmp_path: Path) -> None:
    reading = only(plain(tmp_path), schedule="constant(1e-3)", steps=LAST)
    assert set(reading.curve.rates) == {PEAK}
    assert any("differs by up to 90.0% of the peak" in note for note in reading.notes)
