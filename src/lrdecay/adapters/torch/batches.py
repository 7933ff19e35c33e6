"""A batch sampler that follows a plan's batch sizes, and starts at any update of the run.

    sampler = GrowingBatchSampler(dataset, bound, seed=0)
    loader = DataLoader(dataset, batch_sampler=sampler, num_workers=2)
    for x, y in loader:                  # the whole run, update by update
        ...

Update t takes the samples at positions c(t) .. c(t + 1) - 1 of the order of the run, where c(t) is what the updates
before it took. That order is a pure function of (seed, epoch) (`lrdecay.runs.order`): each epoch is shuffled anew,
every sample comes once in it, and *batches run across the ends of epochs*. So nothing is dropped or padded and an epoch
is what the horizon says it is: 50,000 samples at a batch of 128 are 390.625 updates, as Smith et al. 2018
(arXiv:1711.00489) count them.

One pass over the sampler is the rest of the run, not an epoch; `Horizon.epoch_of` tells where an update lies.

Its state is the step. A loader with workers draws ahead, so what was drawn says nothing: say how many updates were
made, ``sampler.state_dict(scheduler.count)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any, final

import numpy as np
from torch.utils.data import Sampler

from lrdecay.errors import Constraint, InputError, non_negative_int, refusal
from lrdecay.runs.order import sample_order
from lrdecay.schedule import BoundPlan, Horizon

__all__ = ["GrowingBatchSampler"]

_integer = Constraint("must be an integer", lambda v: type(v) is int)


@final
class GrowingBatchSampler(Sampler[list[int]]):
    """Lists of sample indices, one for each update that is left; with micro-batches, one for each of those.

    Args:
        data: the number of samples, or a dataset with a length.
        bound: a bound plan, or a horizon; where an update is shared out, its ``world_size`` and ``micro_batch_size``
            (or ``grad_accumulation``) say how: each process takes every world_size-th sample, in pieces.
        seed: of the order.
        step: updates already made.
        rank: which process this is, from 0.

    Raises:
        InputError: an argument does not fit, the horizon knows no batch size or has another number of samples, or a
            batch cannot be shared out evenly.
    """

    def __init__(self, data: int | Sized, bound: Any, seed: int, step: int = 0, rank: int = 0) -> None:
        horizon = bound.horizon if isinstance(bound, BoundPlan) else bound
        if not isinstance(horizon, Horizon):
            msg = refusal("GrowingBatchSampler(bound)", "must be a bound plan or a Horizon", bound)
            raise InputError(msg)
        samples = data if isinstance(data, int) else len(data)
        if type(samples) is not int or samples < 1 or horizon.samples_per_epoch not in (None, samples):
            rule = "must be a positive number of samples, as many as the horizon says"
            msg = refusal("GrowingBatchSampler(data)", rule, samples)
            raise InputError(msg)
        _integer.check("GrowingBatchSampler(seed=...)", seed)
        world = horizon.world_size or 1
        if type(rank) is not int or not 0 <= rank < world:
            msg = refusal("GrowingBatchSampler(rank=...)", f"must be in 0 .. {world - 1}", rank)
            raise InputError(msg)
        self._horizon, self._samples, self._seed, self._rank, self._world = horizon, samples, seed, rank, world
        self._sizes = horizon.batches()
        self._starts = np.concatenate(([0], np.cumsum(self._sizes)))
        self._pieces = self._pieces_of()
        self.seek(step)

    @property
    def step(self) -> int:
        """The update that the next pass starts with."""
        return self._step

    def seek(self, step: int) -> None:
        """Start the next pass with this update.

        Raises:
            InputError: not an integer from 0 to the end of the run.
        """
        non_negative_int.check("GrowingBatchSampler.seek(step)", step)
        if step > self._horizon.steps:
            msg = refusal("GrowingBatchSampler.seek(step)", f"must be at most {self._horizon.steps}", step)
            raise InputError(msg)
        self._step = step

    def __len__(self) -> int:
        """Lists in the next pass."""
        return int(self._pieces[self._step :].sum())

    def __iter__(self) -> Iterator[list[int]]:
        for t in range(self._step, self._horizon.steps):
            batch = sample_order(self._seed, self._samples, int(self._starts[t]), int(self._sizes[t]))
            mine = batch[self._rank :: self._world].tolist()
            size = len(mine) // int(self._pieces[t])
            for i in range(0, len(mine), size):
                yield mine[i : i + size]

    def state_dict(self, step: int) -> dict[str, Any]:
        """Plain JSON: the updates that were made, and what the order hangs on."""
        non_negative_int.check("GrowingBatchSampler.state_dict(step)", step)
        return {"step": step, **self._named()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to a checkpoint's step.

        Raises:
            InputError: it is no such state, or was made with another seed, number of samples or horizon.
        """
        named = self._named()
        for key, value in named.items():
            if key not in state_dict or state_dict[key] != value:
                rule = f"must have the same {key} as this sampler, {value!r}"
                msg = refusal("GrowingBatchSampler.load_state_dict(...)", rule, state_dict.get(key))
                raise InputError(msg)
        self.seek(state_dict.get("step"))  # type: ignore[arg-type]

    def _named(self) -> dict[str, Any]:
        return {"seed": self._seed, "samples": self._samples, "horizon": self._horizon.to_json()}

    def _pieces_of(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """In how many lists a process takes each update."""
        micro, accumulation = self._horizon.micro_batch_size, self._horizon.grad_accumulation or 1
        share = self._world * (micro or accumulation)
        uneven = self._sizes[self._sizes % share != 0]
        if uneven.size:
            rule = f"must have batch sizes that are multiples of {share}, to be shared out evenly"
            msg = refusal("GrowingBatchSampler(bound)", rule, int(uneven[0]))
            raise InputError(msg)
        if micro is None:
            return np.full(len(self._sizes), accumulation, dtype=np.int64)
        pieces: np.ndarray[Any, np.dtype[np.int64]] = self._sizes // share
        return pieces
