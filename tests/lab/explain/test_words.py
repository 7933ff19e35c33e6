"""Sentences on made-up records in which the answer is known: what is planted is said, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from lrdecay.lab.explain import words
from lrdecay.lab.explain.numbers import around, memorized, spread_of


def record(before: float, after: float, averaged: float, error: float | None = 0.003) -> dict[str, Any]:
    """A run with one cut at 10 and its end at 20; the branch that kept its rate has these averaged weights."""
    errors = {} if error is None else {"errors": dict.fromkeys(("came", "had", "tilt"), error)}
    return {
        "metric": "accuracy",
        "goal": "max",
        "heldout": 1000,
        "curve": {"step": [10, 20], "accuracy": [before, after]},
        "cuts": [
            {
                "at": 10,
                "kept": {"step": [20], "accuracy": [before], "averaged accuracy": [averaged]},
                "learned": {"heldout": {"samples": 1000, **errors}},
            }
        ],
    }


def said(*records: dict[str, Any]) -> str:
    return words.gained(around(records, 0, 20), "drop at 10", "accuracy")


def test_what_averaged_weights_had_was_revealed() -> None:
    text = said(record(0.90, 0.941, 0.938))
    assert "better by 4.1 points" in text
    assert "had 3.8 points of it" in text
    assert "0.3 points came beyond them" in text
    assert text.endswith("the drop revealed more than it taught.")


def test_what_they_had_not_was_taught() -> None:
    assert said(record(0.90, 0.941, 0.905)).endswith("the drop taught more than it revealed.")


def test_a_half_each_is_called_by_neither_word() -> None:
    assert said(record(0.90, 0.94, 0.92)).endswith("which of the two is more cannot be told here.")


@pytest.mark.parametrize(
    "records",
    [
        [record(0.90, 0.905, 0.905)],  # within two standard errors
        [record(0.90, 0.94, 0.94, error=None)],  # one seed, and nothing says how sure it is
        [record(0.90, 0.94, 0.94), record(0.90, 0.89, 0.90), record(0.90, 0.93, 0.93)],  # seeds disagree
    ],
)
def test_what_is_not_clear_is_not_split(records: list[dict[str, Any]]) -> None:
    text = said(*records)
    assert "not clear of zero" in text
    assert "revealed" not in text
    assert "taught" not in text


def test_a_metric_that_became_worse_is_called_so() -> None:
    assert "became worse: −4.0 points" in said(record(0.94, 0.90, 0.93))


def test_a_loss_that_fell_came_in_its_good_direction() -> None:
    one = record(0.5, 0.3, 0.35)
    one["goal"], one["metric"] = "min", "accuracy"
    assert around([one], 0, 20)["came"].mean == pytest.approx(0.2)


def test_several_seeds_are_shown_each() -> None:
    assert "(seeds: 4.0, 5.0)" in said(record(0.90, 0.94, 0.94), record(0.90, 0.95, 0.95))


def probe(*fits: float) -> dict[str, Any]:
    curve: dict[str, Any] = {"step": [0, 10, 20]}
    for name in ("wrong_fit", "clean_fit", "mended"):
        curve[name] = curve[f"averaged {name}"] = list(fits) if name == "wrong_fit" else [0.1, 0.9, 0.9]
    return {"curve": curve, "flipped": 200}


def test_the_stage_that_memorized_is_named_and_no_other() -> None:
    names = ["stage 1", "stage 2"]
    late = words.memory(memorized([probe(0.0, 0.05, 0.65)], [0, 10, 20]), names)
    assert "Most of it came in stage 2: from 5% to 65%" in late
    assert "At the ends of the stages it was 5%, 65% (averaged weights: 5%, 65%)." in late
    assert "stage 1: from" in words.memory(memorized([probe(0.0, 0.6, 0.65)], [0, 10, 20]), names)
    assert "No stage" in words.memory(memorized([probe(0.0, 0.01, 0.02)], [0, 10, 20]), names)


def side(flips: float | None, error: float = 0.05) -> dict[str, Any]:
    over = None if flips is None else flips - 0.5
    return {
        "flips": spread_of([flips]),
        "random": spread_of([0.5]),
        "turned": spread_of([None]),
        "over noise": spread_of([over], [error]),
        "less": spread_of([None if flips is None else flips - 0.5], [error]),
    }


def test_bouncing_is_said_where_it_is_more_than_noise_does() -> None:
    assert "bounced across the valley before it, and after it no more" in words.oscillation(side(0.9), side(0.5), 0.0)
    assert "no bouncing was seen" in words.oscillation(side(0.55), side(0.5), 0.0)
    assert "not measured" in words.oscillation(side(None), side(None), 0.0)


def test_a_noise_scale_that_cannot_be_measured_is_no_number() -> None:
    lost = {"value": None, "error": None, "at_least": 120.0}
    assert words.noise(lost, 32, 64) == "not measurable with 64 batches; at least 120 samples"
    assert words.noise({"value": 10.0, "error": 2.0, "at_least": None}, None, 64) == "10 ± 2 batches"
