"""The batch sampler that follows a plan: which samples come in which update, resumed at any of them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from lrdecay.adapters.torch import GrowingBatchSampler
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, grow_batch, multi_step, piecewise, plan

H = Horizon(epochs=4, samples_per_epoch=30, batch_size=4)
BOUND = grow_batch(plan(lr=multi_step(0.1, factor=0.5, at=["1.5ep", "3ep"])), 100).bind(H)
DATA = TensorDataset(torch.arange(30))


def test_the_batches_have_the_planned_sizes_and_number():
    batches = list(GrowingBatchSampler(30, BOUND, seed=1))
    assert [len(b) for b in batches] == BOUND.values("batch_size").tolist()
    assert len(batches) == len(GrowingBatchSampler(30, BOUND, seed=1)) == BOUND.steps


def test_every_epoch_is_a_shuffle_of_all_samples_and_batches_run_across_its_end():
    order = list(itertools.chain(*GrowingBatchSampler(DATA, BOUND, seed=1)))
    epochs = [order[30 * e : 30 * e + 30] for e in range(len(order) // 30)]

    assert all(sorted(e) == list(range(30)) for e in epochs)
    assert len({tuple(e) for e in epochs}) == len(epochs) >= 3
    assert order != list(itertools.chain(*GrowingBatchSampler(DATA, BOUND, seed=2)))


def test_a_run_resumed_at_any_step_goes_on_as_if_it_had_not_stopped():
    whole = list(GrowingBatchSampler(DATA, BOUND, seed=1))
    saved = GrowingBatchSampler(DATA, BOUND, seed=1)
    for step in range(BOUND.steps + 1):
        resumed = GrowingBatchSampler(DATA, BOUND, seed=1)
        resumed.load_state_dict(json.loads(json.dumps(saved.state_dict(step))))
        assert resumed.step == step
        assert len(resumed) == BOUND.steps - step
        assert list(resumed) == whole[step:] == list(GrowingBatchSampler(DATA, BOUND, seed=1, step=step))


@pytest.mark.filterwarnings("ignore:os.fork")  # JAX, if another test has loaded it, warns when a loader forks
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_with_or_without_workers_gives_the_same_batches(workers):
    sampler = GrowingBatchSampler(DATA, BOUND, seed=1, step=3)
    seen = [x.tolist() for (x,) in DataLoader(DATA, batch_sampler=sampler, num_workers=workers)]
    assert seen == list(GrowingBatchSampler(DATA, BOUND, seed=1))[3:]


def test_processes_share_out_each_update_and_take_it_in_micro_batches():
    h = Horizon(epochs=4, samples_per_epoch=32, micro_batch_size=2, grad_accumulation=2, world_size=2)
    bound = plan(lr=0.1, batch_size=piecewise([8, 16], at=["2ep"])).bind(h)
    alone = list(GrowingBatchSampler(32, Horizon(steps=bound.steps, batch_size=8).lasting(), seed=3))[:8]
    parts = [GrowingBatchSampler(32, bound, seed=3, rank=r) for r in range(2)]
    lists = [list(p) for p in parts]

    assert all(len(b) == 2 for p in lists for b in p)
    assert [len(p) for p in parts] == [len(p) for p in lists] == [8 * 2 + 4 * 4] * 2
    for t in range(8):
        update = [list(itertools.chain(*p[2 * t : 2 * t + 2])) for p in lists]
        assert [update[0][i // 2] if i % 2 == 0 else update[1][i // 2] for i in range(8)] == alone[t]


def test_accumulation_without_a_micro_batch_cuts_each_update_evenly():
    h = Horizon(steps=3, batch_size=6, grad_accumulation=3)
    assert [len(b) for b in GrowingBatchSampler(10, h, seed=0)] == [2] * 9


def test_a_bare_horizon_will_do():
    h = Horizon(steps=5, batch_size=4)
    order = np.concatenate(list(GrowingBatchSampler(7, h, seed=0)))
    assert sorted(order[:7]) == sorted(order[7:14]) == list(range(7))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GrowingBatchSampler(31, BOUND, seed=0), "as many as the horizon says"),
        (lambda: GrowingBatchSampler(0, Horizon(steps=5, batch_size=4), seed=0), "positive number of samples"),
        (lambda: GrowingBatchSampler(30, "plan", seed=0), "bound plan or a Horizon"),
        (lambda: GrowingBatchSampler(30, Horizon(steps=5), seed=0), "must say the batch size"),
        (lambda: GrowingBatchSampler(30, BOUND, seed=0.5), "must be an integer"),
        (lambda: GrowingBatchSampler(30, BOUND, seed=0, step=-1), "integer >= 0"),
        (lambda: GrowingBatchSampler(30, BOUND, seed=0, step=10**6), "at most"),
        (lambda: GrowingBatchSampler(30, BOUND, seed=0, rank=1), r"0 \.\. 0"),
        (lambda: GrowingBatchSampler(30, BOUND, seed=0).load_state_dict({}), "same seed"),
        (
            lambda: GrowingBatchSampler(30, BOUND, seed=0).load_state_dict(
                GrowingBatchSampler(30, H, seed=0).state_dict(3)
            ),
            "same horizon",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
