"""`mnist1d` is the published data set and is learned as published."""

from __future__ import annotations

import numpy as np
import torch

from lrdecay.runs.seeding import random_state, seed_everything
from lrdecay.tasks.mnist1d import _data, mnist1d


def test_the_signals_are_those_of_the_published_generator() -> None:
    (x, y), (held, held_y) = _data()
    assert (x.shape, y.shape, held.shape, held_y.shape) == ((4000, 40), (4000,), (1000, 40), (1000,))
    assert torch.bincount(torch.cat([y, held_y])).tolist() == [500] * 10
    together = torch.cat([x, held])
    assert abs(float(together.mean())) < 1e-6
    assert abs(float(together.std(correction=0)) - 1) < 1e-5


def test_a_decayed_run_with_the_defaults_reaches_about_the_published_accuracy() -> None:
    torch.set_num_threads(1)
    task = mnist1d(0)
    steps = task.horizon.steps
    assert steps == 1250
    task.advance({"lr": 0.1 * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2})
    assert 0.60 < task.evaluate()["accuracy"] < 0.75  # 0.68 is published for an MLP


def test_making_the_signals_draws_nothing_from_the_process() -> None:
    """The published generator seeds Python's and numpy's global state; none of that may be seen."""
    seed_everything(11)
    before = random_state()
    _data.cache_clear()
    first = _data()
    for name, array in random_state().tensors.items():
        assert np.array_equal(array, before.tensors[name]), name
    _data.cache_clear()
    assert torch.equal(_data()[0][0], first[0][0])  # and the process's state has no say in them
