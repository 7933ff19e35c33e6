"""Horizons: how long the run is, in every unit, without rounding before the end."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bank import horizons

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, constant, cosine, duration


def test_an_epoch_is_not_rounded_before_it_is_multiplied() -> None:
    h = Horizon(epochs=200, samples_per_epoch=50_000, batch_size=128)
    assert h.steps == 78125
    assert h.epoch_length == Fraction(50_000, 128)
    assert h.exact_steps == 78125


@pytest.mark.parametrize(
    ("epochs", "per_epoch", "steps"), [(1, 10, 10), (2.5, 3, 8), (0.1, 5, 1), (0.3, 10, 3), (0.7, 10, 7), (1.1, 10, 11)]
)
def test_a_decimal_number_of_epochs_means_the_decimal_and_the_end_is_rounded_half_up(
    epochs: float, per_epoch: int, steps: int
) -> None:
    assert Horizon(epochs=epochs, steps_per_epoch=per_epoch).steps == steps


@pytest.mark.parametrize(
    ("text", "updates"),
    [
        (7, Fraction(7)),
        ("1ep", Fraction(1000, 64)),
        ("0.5ep", Fraction(500, 64)),
        ("10%", Fraction(40 * 1000, 640)),
        ("1e6tok", Fraction(10**6, 2048)),
        ("5000samples", Fraction(5000, 64)),
    ],
)
def test_a_duration_in_any_unit_is_an_exact_number_of_updates(text: Any, updates: Fraction) -> None:
    h = Horizon(epochs=40, samples_per_epoch=1000, batch_size=64, tokens_per_step=2048)
    assert h.length(duration(text)) == updates


def test_a_share_is_of_the_exact_length_and_not_of_the_rounded_one() -> None:
    h = Horizon(epochs=1, samples_per_epoch=103, batch_size=2)
    assert h.steps == 52
    assert h.length(duration("50%")) == Fraction(103, 4)


def test_steps_per_epoch_is_what_counts_where_a_loader_drops_its_last_batch() -> None:
    h = Horizon(epochs=2, samples_per_epoch=1000, batch_size=64, steps_per_epoch=15)
    assert (h.steps, h.epoch_length) == (30, 15)
    assert h.length(duration("64samples")) == 1


@pytest.mark.parametrize(
    ("unit", "cure"), [("ep", "steps_per_epoch="), ("tok", "tokens_per_step="), ("samples", "batch_")]
)
def test_a_unit_that_the_horizon_does_not_know_is_refused_when_it_is_needed(unit: str, cure: str) -> None:
    s = constant(0.1, over=f"3{unit}") + cosine(0.1)
    with pytest.raises(InputError) as caught:
        s.bind(Horizon(steps=100))
    assert f'"3{unit}"' in str(caught.value)
    assert f"Add {cure}" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "must say how long the run is"),
        ({"steps": 0}, "`Horizon(steps=...)` must be a positive integer"),
        ({"steps": -5}, "`Horizon(steps=...)` must be a positive integer"),
        ({"steps": 2.0}, "`Horizon(steps=...)` must be a positive integer"),
        ({"steps": True}, "`Horizon(steps=...)` must be a positive integer"),
        ({"steps": "100"}, "`Horizon(steps=...)` must be a positive integer"),
        ({"steps": 10**400}, "`Horizon(steps=...)` must be a positive integer"),
        ({"steps": 2**53 + 1}, "`Horizon(steps=...)` must be a positive integer"),
        ({"epochs": 3}, "`Horizon(epochs=...)` must come with the length of an epoch"),
        ({"epochs": 3, "samples_per_epoch": 100}, "`Horizon(epochs=...)` must come with the length of an epoch"),
        ({"epochs": 0, "steps_per_epoch": 5}, "`Horizon(epochs=...)` must be a positive number"),
        ({"epochs": float("nan"), "steps_per_epoch": 5}, "`Horizon(epochs=...)` must be a positive number"),
        ({"epochs": 10**400, "steps_per_epoch": 5}, "`Horizon(epochs=...)` must be a positive number"),
        ({"epochs": "3", "steps_per_epoch": 5}, "`Horizon(epochs=...)` must be a positive number"),
        ({"epochs": 0.01, "steps_per_epoch": 5}, "`Horizon(epochs=...)` must hold at least one update"),
        ({"epochs": 1e300, "steps_per_epoch": 5}, "`Horizon(epochs=...)` must hold at least one update"),
        ({"steps": 10, "steps_per_epoch": 0}, "`Horizon(steps_per_epoch=...)` must be a positive integer"),
        ({"steps": 10, "batch_size": -1}, "`Horizon(batch_size=...)` must be a positive integer"),
        ({"steps": 10, "tokens_per_step": 2.5}, "`Horizon(tokens_per_step=...)` must be a positive integer"),
        (
            {"steps": 10, "samples_per_epoch": 10**400, "batch_size": 1},
            "`Horizon(samples_per_epoch=...)` must be a pos",
        ),
        (
            {"steps": 10, "epochs": 3, "steps_per_epoch": 5},
            "`Horizon(steps=...)` must agree with epochs=3, which are 15",
        ),
        (
            {"epochs": 1, "samples_per_epoch": 100, "batch_size": 10, "steps_per_epoch": 12},
            "`Horizon(steps_per_epoch=...)` must agree with samples_per_epoch / batch_size = 10",
        ),
    ],
)
def test_a_horizon_that_makes_no_sense_is_refused_in_one_line(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        Horizon(**arguments)
    assert str(caught.value).startswith(said if said.startswith("`") else f"`Horizon(steps=...)` {said}")
    assert str(caught.value).isprintable()


@given(horizons())
def test_a_horizon_is_a_value_that_reads_back_from_its_json_and_from_its_repr(h: Horizon) -> None:
    again = Horizon(**json.loads(json.dumps(h.to_json())))
    assert again == h
    assert hash(again) == hash(h)
    assert repr(again) == repr(h)
    assert repr(h).startswith("Horizon(steps=")
    assert abs(h.exact_steps - h.steps) <= Fraction(1, 2)


def test_numbers_of_numpy_are_kept_as_pythons_own() -> None:
    h = Horizon(epochs=np.float64(2.5), steps_per_epoch=10)
    assert h == Horizon(epochs=2.5, steps_per_epoch=10)
    assert repr(h) == "Horizon(steps=25, epochs=2.5, steps_per_epoch=10)"


def test_another_length_keeps_the_units() -> None:
    h = Horizon(epochs=4, samples_per_epoch=100, batch_size=8, tokens_per_step=9)
    assert h.lasting() is h
    assert h.lasting(epochs=8) == Horizon(epochs=8, samples_per_epoch=100, batch_size=8, tokens_per_step=9)
    assert h.lasting(steps=7) == Horizon(steps=7, samples_per_epoch=100, batch_size=8, tokens_per_step=9)
    with pytest.raises(InputError, match="must not both be given"):
        h.lasting(steps=7, epochs=1)
    with pytest.raises(InputError, match="must come with the length of an epoch"):
        Horizon(steps=7).lasting(epochs=1)
    with pytest.raises(InputError, match="must be a positive integer"):
        h.lasting(steps=0)


@given(horizons(), st.integers(0, 5000))
def test_the_epoch_of_an_update_counts_what_was_completed(h: Horizon, t: int) -> None:
    assert h.epoch_of(t) == pytest.approx(t * h.batch_size / h.samples_per_epoch, rel=1e-15)  # type: ignore[operator]
    assert Horizon(steps=5).epoch_of(3) is None


def test_a_duration_beyond_counting_is_refused() -> None:
    h = Horizon(steps=10, steps_per_epoch=2**53)
    with pytest.raises(InputError, match=r"must place every duration within 2\*\*53 updates, got \"2ep\""):
        h.length(duration("2ep"))
    assert h.length(duration("1ep")) == 2**53
