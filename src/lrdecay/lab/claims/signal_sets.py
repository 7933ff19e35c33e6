"""The signals of mnist1d as tensors, for tasks that do more with them than `lrdecay.lab.subjects.signals` does.

They are the same signals: those trained on are of the published set, the validation set is its held-out thousand, the
test set is made by the same generator from another seed. Greydanus and Kobak, 2020, arXiv:2011.14439.

A run's identity has the files beside its task function in it and not this one: who changes it changes those tasks too.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from mnist1d.data import get_dataset_args, make_dataset

from lrdecay.errors import one_of
from lrdecay.runs.seeding import kept_random_state

__all__ = ["Data", "signal_sets"]

Data = tuple[torch.Tensor, torch.Tensor]

_TEST_SEED = 43  # the published set is of 42


def signal_sets(split: str, test: int = 4000) -> tuple[Data, Data]:
    """((4000, 40), (4000,)) to train on, and ((n, 40), (n,)) held out.

    Args:
        split: "validation", n = 1,000, or "test".
        test: n of the test set.

    Raises:
        InputError: the split has another name.
    """
    one_of(("validation", "test")).check("signal_sets(split=...)", split)
    train, held = _published()
    return train, held if split == "validation" else _more(test)


@lru_cache(maxsize=1)
def _published() -> tuple[Data, Data]:
    with kept_random_state():  # the generator seeds Python's and numpy's global state
        made = make_dataset(get_dataset_args())
    return (_tensors(made["x"], made["y"]), _tensors(made["x_test"], made["y_test"]))


@lru_cache(maxsize=2)
def _more(count: int) -> Data:
    arguments = get_dataset_args()
    arguments.num_samples, arguments.train_split, arguments.seed = count + 100, count / (count + 100), _TEST_SEED
    with kept_random_state():
        made = make_dataset(arguments)
    return _tensors(made["x"][:count], made["y"][:count])


def _tensors(x: object, y: object) -> Data:
    return torch.from_numpy(np.asarray(x)).float(), torch.from_numpy(np.asarray(y)).long()
