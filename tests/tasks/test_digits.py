"""`digits` is what it says and is learned."""

from __future__ import annotations

import numpy as np
import torch

from lrdecay.tasks.digits import _data, _table, digits


def test_the_split_is_fixed_and_the_inputs_lie_between_0_and_1() -> None:
    images, labels = _data()
    assert images.shape == (1797, 1, 8, 8)
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)
    assert sorted(set(labels.tolist())) == list(range(10))
    horizon = digits(0).horizon
    assert (horizon.samples_per_epoch, horizon.batch_size, horizon.epochs, horizon.steps) == (1437, 64, 20, 449)
    held_out = labels[1437:]
    assert len(held_out) == 360
    assert torch.bincount(held_out).min() >= 20  # every class is held out


def test_the_digits_are_those_that_scikit_learn_loads() -> None:
    from sklearn.datasets import load_digits

    found = load_digits()
    assert np.array_equal(_table(), np.column_stack([found.data, found.target]))


def test_a_decayed_run_with_the_defaults_learns_the_digits() -> None:
    torch.set_num_threads(1)
    task = digits(0)
    steps = task.horizon.steps
    task.advance({"lr": 0.1 * (1 - np.arange(steps) / steps)})
    assert task.evaluate()["accuracy"] > 0.95


def test_averages_are_measured_on_one_training_and_schedule_free_learns() -> None:
    tasks = {name: digits(0, average=name) for name in ("none", "ema", "lawa(2, 10)")}
    rates = {"lr": np.full(60, 0.2)}
    losses = {name: task.advance(rates)["loss"].tolist() for name, task in tasks.items()}
    assert len({tuple(x) for x in losses.values()}) == 1
    assert len({task.evaluate()["loss"] for task in tasks.values()}) == 3

    free = digits(0, optimizer="schedulefree")
    free.advance({"lr": np.full(90, 0.01)})
    assert free.evaluate()["accuracy"] > 0.8
