"""mnist1d under a 1-D network with batch norm, and an optimizer by name, as documented but for the rate.

    sgd        momentum 0.9, weight decay 1e-4
    adam       betas 0.9 and 0.999
    adamw      the same, decoupled weight decay 0.01
    rmsprop    rho 0.9, epsilon 1e-7, as Keras has it; its default rate is 0.001
    adadelta   rho 0.95, epsilon 1e-6; Zeiler 2012, arXiv:1212.5701; its default rate is 1
    schedulefree, schedulefree_sgd    Defazio et al. 2024, arXiv:2405.15682; see `lrdecay.tasks.optimizers`

Training signals are those of the published set; the validation set is its held-out thousand, the test set is made by
the same generator from another seed. Greydanus and Kobak, 2020, arXiv:2011.14439.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from mnist1d.data import get_dataset_args, make_dataset

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import one_of, positive_int
from lrdecay.lab.subjects.signals import SignalNet
from lrdecay.runs.seeding import kept_random_state
from lrdecay.tasks.optimizers import make_optimizer

__all__ = ["OPTIMIZERS", "signals"]

Data = tuple[torch.Tensor, torch.Tensor]

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adadelta", "schedulefree", "schedulefree_sgd")

_TEST, _TEST_SEED = 4000, 43  # the published set is of 42


def signals(
    seed: int,
    *,
    optimizer: str,
    split: str = "test",
    images: int = 4000,
    batch_size: int = 100,
    epochs: float = 10,
    average: Sequence[str] = ("none",),
    wrong: float = 0.0,
    order: int = 0,
) -> TorchTask:
    """Accuracy on signals that were not trained on.

    Args:
        seed: of the initial weights and the data order.
        optimizer: one of `OPTIMIZERS`.
        split: "validation" or "test".
        images: training signals, the first so many of 4,000.
        batch_size: signals in an update.
        epochs: the default length of a run.
        average: which weights are measured, the first under the plain names; see `lrdecay.adapters.torch.averages`.
        wrong: share of the training labels that are replaced by random ones, in [0, 1).
        order: another number, another data order from the same initial weights.

    Raises:
        InputError: an optimizer or split of another name.
    """
    one_of(OPTIMIZERS).check("signals(optimizer=...)", optimizer)
    one_of(("validation", "test")).check("signals(split=...)", split)
    positive_int.check("signals(images=...)", images)
    with kept_random_state():
        torch.manual_seed(seed)
        net = SignalNet(25)
    (x, y), heldout = _published()
    labels = y[:images].clone()
    if wrong:
        rng = np.random.default_rng([seed, 7])
        which = torch.from_numpy(rng.permutation(images)[: round(wrong * images)])
        labels[which] = torch.from_numpy(rng.integers(0, 10, size=len(which)))
    return TorchTask(
        model=net,
        optimizer=_made(optimizer, net),
        loss=torch.nn.functional.cross_entropy,
        train=(x[:images], labels),
        heldout=heldout if split == "validation" else _fresh(),
        batch_size=batch_size,
        epochs=epochs,
        seed=seed + 1_000_003 * order,
        average=list(average),
    )


def _made(name: str, net: torch.nn.Module) -> torch.optim.Optimizer:
    weights = net.parameters()
    if name == "adam":
        return torch.optim.Adam(weights, lr=1.0)
    if name == "rmsprop":
        return torch.optim.RMSprop(weights, lr=1.0, alpha=0.9, eps=1e-7)
    if name == "adadelta":
        return torch.optim.Adadelta(weights, lr=1.0, rho=0.95, eps=1e-6)
    return make_optimizer("signals", weights, name, weight_decay=1e-4 if name.endswith("sgd") else None)


@lru_cache(maxsize=1)
def _published() -> tuple[Data, Data]:
    """((4000, 40), (4000,)) and ((1000, 40), (1000,))."""
    with kept_random_state():  # the generator seeds Python's and numpy's global state
        made = make_dataset(get_dataset_args())
    return (_tensors(made["x"], made["y"]), _tensors(made["x_test"], made["y_test"]))


@lru_cache(maxsize=1)
def _fresh() -> Data:
    arguments = get_dataset_args()
    arguments.num_samples, arguments.seed = _TEST + 100, _TEST_SEED
    arguments.train_split = _TEST / arguments.num_samples
    with kept_random_state():
        made = make_dataset(arguments)
    return _tensors(made["x"][:_TEST], made["y"][:_TEST])


def _tensors(x: object, y: object) -> Data:
    return torch.from_numpy(np.asarray(x)).float(), torch.from_numpy(np.asarray(y)).long()
