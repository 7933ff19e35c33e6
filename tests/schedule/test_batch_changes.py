"""Horizons whose batch size changes, and how the batch of one update is shared out."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    cosine,
    duration,
    exponential,
    linear,
    multi_step,
    same_values,
    step,
    triangular,
    warm_restarts,
    warmup,
    wsd,
)
from lrdecay.schedule.duration import round_half_up

SMITH = Horizon(
    epochs=200, samples_per_epoch=50_000, batch_size=128, batch_changes={"60ep": 640, "120ep": 3200, "160ep": 5120}
)
MIXED = Horizon(epochs=7, samples_per_epoch=103, batch_size=3, tokens_per_step=30, batch_changes={"2.5ep": 5, "80%": 2})


def test_the_batch_of_an_update_is_what_all_processes_take_in_all_micro_batches():
    h = Horizon(epochs=3, samples_per_epoch=1000, micro_batch_size=4, grad_accumulation=8, world_size=2)

    assert (h.batch_size, h.steps) == (64, 47)
    assert h == Horizon(
        epochs=3, samples_per_epoch=1000, micro_batch_size=4, grad_accumulation=8, world_size=2, batch_size=64
    )


def test_a_step_is_one_step_whatever_the_processes():
    alone = Horizon(steps=100, batch_size=64)
    together = Horizon(steps=100, batch_size=64, grad_accumulation=4, world_size=8)

    assert alone.steps == together.steps
    assert alone.length(duration("640samples")) == together.length(duration("640samples")) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"batch_size": 63, "micro_batch_size": 4, "grad_accumulation": 8, "world_size": 2},
            "must be micro_batch_size",
        ),
        ({"batch_size": 10, "world_size": 3}, "multiple of grad_accumulation"),
        ({"world_size": 0}, "positive integer"),
        ({"grad_accumulation": 1.5}, "positive integer"),
        ({"batch_size": 64, "batch_changes": {"1ep": 65}, "samples_per_epoch": 9, "world_size": 2}, "multiples of"),
        ({"batch_changes": {10: 65}}, "must come with the first batch_size"),
        ({"batch_size": 8, "batch_changes": {10: 16, 5: 32}}, "rising order"),
        ({"batch_size": 8, "batch_changes": {0: 16}}, "rising order|positive duration"),
        ({"batch_size": 8, "batch_changes": {5: 0}}, "positive integer"),
        ({"batch_size": 8, "batch_changes": [5]}, "batch sizes by when they start"),
        ({"batch_size": 8, "batch_changes": {"50%": 16}}, "said in samples"),
        ({"batch_size": 8, "batch_changes": {"1ep": 16}}, "one epoch"),
        ({"batch_size": 8, "steps_per_epoch": 5, "batch_changes": {5: 16}}, "without steps_per_epoch"),
    ],
)
def test_what_does_not_add_up_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Horizon(steps=100, **arguments)


def test_the_updates_of_a_growing_batch_are_counted_exactly_and_rounded_once():
    assert SMITH.exact_steps == Fraction(60 * 50_000, 128) + Fraction(60 * 50_000, 640) + Fraction(
        40 * 50_000, 3200
    ) + Fraction(40 * 50_000, 5120)
    assert SMITH.steps == 29141
    batches = SMITH.batches()
    assert np.flatnonzero(np.diff(batches)).tolist() == [23437, 28124, 28749]
    assert sorted(set(batches.tolist())) == [128, 640, 3200, 5120]


@pytest.mark.parametrize("h", [SMITH, MIXED])
def test_a_changing_horizon_survives_json_and_its_own_spelling(h):
    assert Horizon(**json.loads(json.dumps(h.to_json()))) == h
    assert eval(repr(h)) == h
    assert hash(h) == hash(Horizon(**h.to_json()))


def test_horizons_that_mean_the_same_changes_are_equal():
    by_epoch = Horizon(steps=99, samples_per_epoch=80, batch_size=8, batch_changes={"2ep": 16, "4ep": 4})
    by_step = Horizon(steps=99, samples_per_epoch=80, batch_size=8, batch_changes={20: 16, "30": 4})

    assert by_epoch == by_step


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    gaps=st.lists(st.fractions(min_value=Fraction(1, 7), max_value=400, max_denominator=9), min_size=5, max_size=5),
    at=st.fractions(min_value=0, max_value=1500, max_denominator=11),
)
def test_samples_and_updates_are_each_others_inverse(sizes, gaps, at):
    changes, when = [], Fraction(0)
    for size, gap in zip(sizes[1:], gaps, strict=False):
        when += gap
        changes.append((when, size))
    h = Horizon(steps=10, batch_size=sizes[0], batch_changes=changes)
    if h.clock is not None:
        assert h.clock.samples(h.clock.updates(at)) == at
        taken = h.clock.consumed(np.arange(300))
        assert (np.diff(taken) == h.clock.sizes_at(np.arange(299))).all()
        bound = sum(max(a, b) for a, b in itertools.pairwise(sizes))
        assert all(abs(int(s) - h.clock.samples(Fraction(t))) <= bound for t, s in enumerate(taken))
        for target in (0, 1, 17, 300):
            t = h.clock.step_of(target)
            assert h.clock.consumed(np.array(t)) >= target
            assert t == 0 or h.clock.consumed(np.array(t - 1)) < target


@pytest.mark.parametrize("text", ["1ep", "0.3ep", "25%", "85%", "1000tok", "77samples"])
def test_a_duration_is_as_many_samples_wherever_it_lies(text: Any):
    d, clock = duration(text), MIXED.clock
    assert clock is not None
    for start in (Fraction(0), Fraction(50), Fraction(171, 2)):
        end = MIXED.after(start, d)
        assert clock.samples(end) - clock.samples(start) == MIXED.samples(d)
        assert MIXED.before(end, d) == start


def test_a_share_is_of_the_samples_and_not_of_the_updates():
    assert MIXED.length(duration("100%")) == MIXED.exact_steps
    assert MIXED.clock is not None
    assert MIXED.clock.samples(MIXED.length(duration("50%"))) == Fraction(7 * 103, 2)
    assert SMITH.length(duration("30%")) == Fraction(60 * 50_000, 128)


def test_epochs_are_counted_by_what_was_seen():
    assert SMITH.epoch_of(0) == 0.0
    assert SMITH.epoch_of(23437) == pytest.approx(60, abs=0.002)
    assert SMITH.epoch_of(28125) == pytest.approx(120, abs=0.002)
    assert SMITH.epoch_of(SMITH.steps) == pytest.approx(200, abs=0.06)
    assert SMITH.epochs_per_step().sum() == pytest.approx(200, abs=0.2)


def test_milestones_in_epochs_fall_where_those_epochs_are_over():
    s = multi_step(0.1, factor=0.2, at=["60ep", "120ep", "160ep"])
    np.testing.assert_array_equal(np.diff(s.bind(SMITH).values()) != 0, np.diff(SMITH.batches()) != 0)


def test_a_staircase_ticks_once_per_epoch_at_every_batch_size():
    values = step(1.0, factor=0.5, every="1ep").bind(MIXED).values()
    drops = (np.flatnonzero(np.diff(values)) + 1).tolist()

    assert drops == [round_half_up(MIXED.length(duration(f"{k}ep"))) for k in range(1, 7)]
    assert same_values(
        step(1.0, factor=0.5, every="1ep"), exponential(1.0, factor=0.5, every="1ep", staircase=True), MIXED
    )


def test_smooth_decays_run_evenly_by_sample():
    assert MIXED.clock is not None
    taken = MIXED.clock.consumed(np.arange(MIXED.steps + 1))
    line = linear(1.0).bind(MIXED)(np.arange(MIXED.steps + 1))
    np.testing.assert_allclose(line, 1 - taken / taken[-1], rtol=0, atol=1e-12)
    decay = exponential(1.0, factor=0.5, every="1ep").bind(MIXED).values()
    np.testing.assert_allclose(decay, 0.5 ** (taken[:-1] / 103), rtol=1e-12)


def test_a_decay_written_in_updates_counts_updates():
    decay = exponential(1.0, factor=0.9, every=1).bind(MIXED).values()
    np.testing.assert_allclose(decay, 0.9 ** np.arange(MIXED.steps), rtol=1e-12)
    steps = step(1.0, factor=0.5, every=50).bind(MIXED).values()
    assert (np.flatnonzero(np.diff(steps)) + 1).tolist() == list(range(50, MIXED.steps, 50))


def test_warmups_and_cooldowns_have_their_lengths_in_samples():
    cool = round_half_up(MIXED.before(MIXED.exact_steps, duration("1ep")))
    values = (warmup("1ep") + wsd(1.0, warmup="0.5ep", cooldown="1ep")).bind(MIXED).values()

    assert np.flatnonzero(values == 1.0).tolist() == list(
        range(round_half_up(MIXED.length(duration("1.5ep"))), cool + 1)
    )


def test_cycles_turn_where_their_epochs_do():
    values = triangular(0.1, high=1.0, half_cycle="1ep").bind(MIXED).values()
    tops = [round_half_up(MIXED.length(duration(f"{k}ep"))) for k in (1, 3, 5)]
    assert (values[tops] == 1.0).all()
    restarts = warm_restarts(1.0, first="2ep").bind(MIXED).values()
    assert (restarts[[round_half_up(MIXED.length(duration(f"{k}ep"))) for k in (2, 4, 6)]] == 1.0).all()
    with pytest.raises(InputError, match="must be 1 where the batch size changes"):
        warm_restarts(1.0, first="1ep", growth=2).bind(MIXED)


def test_changes_to_the_same_size_change_nothing():
    plain = Horizon(epochs=5, samples_per_epoch=100, batch_size=8)
    marked = Horizon(epochs=5, samples_per_epoch=100, batch_size=8, batch_changes={"1ep": 8, "3.3ep": 8})
    every = [
        step(0.1, factor=0.7, every="0.9ep"),
        cosine(0.1),
        exponential(0.1, factor=0.9, every="1ep"),
        triangular(0.1, high=1.0, half_cycle="0.7ep"),
        warmup("10%") + wsd(0.1, warmup=3, cooldown="20%"),
    ]
    for s in every:
        np.testing.assert_allclose(s.bind(marked).values(), s.bind(plain).values(), rtol=1e-13)


def test_another_length_keeps_the_changes():
    longer = SMITH.lasting(epochs=300)
    assert longer.batch_changes == SMITH.batch_changes
    assert longer.steps == round_half_up(SMITH.exact_steps + Fraction(100 * 50_000, 5120))
