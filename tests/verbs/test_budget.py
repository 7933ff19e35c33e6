"""Budgets: read exactly, and a plan fits or does not by the share it takes."""

from __future__ import annotations

import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon
from lrdecay.verbs.budget import affordable, parse_budget

HORIZON = Horizon(epochs=10, samples_per_epoch=1000, batch_size=100, tokens_per_step=5000)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30min", 1800), ("8h", 28800), ("1.5 h", 5400), ("90s", 90), ("2d", 172800), ("1e2S", 100)]
)
def test_a_time_is_read_in_its_unit(text, seconds) -> None:
    assert parse_budget(text).seconds == seconds


@pytest.mark.parametrize(
    ("text", "updates"),
    [
        ("500epochs", 5000),
        ("3ep", 30),
        ("1e6tok", 200),
        ("1e4samples", 100),
        ("250", 250),
        (250, 250),
        ("1e3steps", 1000),
    ],
)
def test_an_amount_of_training_is_so_many_updates_of_a_horizon(text, updates) -> None:
    assert parse_budget(text).updates(HORIZON) == updates


def test_a_plan_fits_exactly_up_to_its_budget() -> None:
    assert affordable(3600, 1.0, parse_budget("1h")).fits
    over = affordable(7200, 1.25, parse_budget("1h"))
    assert not over.fits
    assert over.share == 2.5
    assert over.over == "2.5 h"
    assert affordable(5000, 0.1, parse_budget("500epochs"), HORIZON).fits
    more = affordable(5001, 0.1, parse_budget("500epochs"), HORIZON)
    assert not more.fits
    assert more.over == "5001 updates, 5000 allowed"
    assert affordable(100, 0.1, parse_budget("100")).fits


def test_a_budget_in_a_unit_the_horizon_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="tok"):
        affordable(10, 0.1, parse_budget("1e6tok"), Horizon(steps=10))


@pytest.mark.parametrize(
    "text", ["", "h", "-3h", "0h", "5%", "1.5", "1e400h", "8weeks", "0ep", True, "nan", "8h 30min"]
)
def test_what_is_no_budget_is_refused_in_one_line(text) -> None:
    with pytest.raises(InputError) as caught:
        parse_budget(text)
    assert "`--budget" in str(caught.value)
    assert "\n" not in str(caught.value)
