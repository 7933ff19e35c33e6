"""The random state of the process as a checkpoint may hold it: plain numbers and int64 tensors, no pickle.

Python's, numpy's and torch's generators by `lrdecay.runs.seeding`, the generator of each CUDA device where one is used,
and the generators that the data loaders were given by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from lrdecay.runs.seeding import RandomState, random_state, set_random_state

__all__ = ["drawn_state", "generators_of", "set_drawn_state"]


def drawn_state(generators: Sequence[torch.Generator] = ()) -> dict[str, Any]:
    """The state of all generators now; of ``generators`` too, in their order."""
    now = random_state()
    return {
        "state": dict(now.state),
        "dtypes": {name: str(array.dtype) for name, array in now.tensors.items()},
        "tensors": {name: torch.from_numpy(array.astype("int64")) for name, array in now.tensors.items()},
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],  # type: ignore[no-untyped-call]
        "own": [generator.get_state() for generator in generators],
    }


def set_drawn_state(saved: dict[str, Any], generators: Sequence[torch.Generator] = ()) -> None:
    """Put all generators back to what `drawn_state` gave, wherever a checkpoint's loader has moved its tensors."""
    dtypes = saved["dtypes"]
    arrays = {name: tensor.cpu().numpy().astype(dtypes[name]) for name, tensor in saved["tensors"].items()}
    set_random_state(RandomState(arrays, saved["state"]))
    if saved["cuda"]:
        torch.cuda.set_rng_state_all([state.cpu() for state in saved["cuda"]])
    for generator, state in zip(generators, saved["own"], strict=True):
        generator.set_state(state.cpu())


def generators_of(loaders: Sequence[Any]) -> list[torch.Generator]:
    """The generators that data loaders and their samplers hold, each once."""
    found: dict[int, torch.Generator] = {}
    for loader in loaders:
        sampler = getattr(loader, "sampler", None)
        batches = getattr(loader, "batch_sampler", None)
        for holder in (loader, sampler, batches, getattr(batches, "sampler", None)):
            generator = getattr(holder, "generator", None)
            if isinstance(generator, torch.Generator):
                found.setdefault(id(generator), generator)
    return list(found.values())
