"""The bench of averaged weights: planted runs lead to the setting they were made with; nothing is trained here."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from bench.averaged_forecast import answers, half_width, setting, shipped
from bench.averaged_runs import AVERAGES, LENGTHS, MARKS, TRUNKS, Run, averages_at, cooling_rates
from bench.averaged_tables import Target, table

from lrdecay.losslaws.averaged import AVERAGE


def planted(task: str, seed: int, off: float = 0.0) -> Run:
    """Averages that fall with ln t, each from its own height; cooldowns end where half their updates lead, but off."""
    losses = {
        name: {m: 5.0 - 0.1 * i + 0.02 * (i == 0) * (-1.0) ** k - 0.2 * math.log(m) for k, m in enumerate(MARKS)}
        for i, name in enumerate(AVERAGES)
    }
    finals = {
        (t, c): losses[AVERAGE][t] - 0.2 * math.log1p(c / 2) + off * (-1.0) ** i
        for i, t in enumerate(TRUNKS)
        for c in LENGTHS
    }
    return Run(task, 0.1, seed, losses, finals, {t: {t + 1: 1.0} for t in TRUNKS}, 1.0)


def test_the_averages_of_every_step_are_measured() -> None:
    for step in TRUNKS:
        assert set(averages_at(step).values()) <= set(AVERAGES)
        assert averages_at(step)["ema 5.0%"] == AVERAGE


@pytest.mark.parametrize("share", LENGTHS)
def test_a_cooldown_falls_to_zero_and_its_rates_sum_to_half_its_updates(share: float) -> None:
    rates = cooling_rates(0.1, 400, share)
    assert len(rates) == round(400 * share)
    assert (np.diff(rates) < 0).all()
    assert 0 < rates[-1] < 0.1 / len(rates)
    assert rates.sum() == pytest.approx(0.1 * len(rates) / 2)


def test_a_run_comes_back_from_its_file() -> None:
    run = planted("chars", 1)
    again = Run.from_json(json.loads(json.dumps(run.to_json())))
    assert again.to_json() == run.to_json()
    assert again.finals == run.finals


def test_the_setting_that_planted_cooldowns_follow_is_found_and_their_miss_is_the_half_width() -> None:
    runs = [planted(task, seed, off=0.002) for task in ("mnist1d", "fashion-bn", "fashion") for seed in (0, 1)]
    targets = [Target(run, t, c) for run in runs for t in TRUNKS for c in LENGTHS]
    chosen = setting(targets)
    assert chosen == ("ema 5.0%", 0.5)

    halves = {c: half_width([t for t in targets if t.share == c], *chosen) for c in LENGTHS}
    said = [(t, answers(t, chosen, halves, {t.share: (t.loss + 0.1, t.loss, t.loss + 0.2)})) for t in targets]
    for t, arms in said:
        value, low, high = arms["averaged weights"]
        assert abs(value - t.loss) == pytest.approx(0.002)
        assert arms["as shipped"][0] == pytest.approx(value)
        assert shipped(t, own=False)[0] == pytest.approx(value)
        assert low < t.loss * (1 + 1e-9) < high * (1 + 2e-9)
    rows = table([row for row in said if row[0].step > TRUNKS[0]])
    assert rows[0].startswith("| arm | fashion | mnist1d |")
    assert [row for row in rows if row.startswith("| the loss now |") and "| better |" in row]
