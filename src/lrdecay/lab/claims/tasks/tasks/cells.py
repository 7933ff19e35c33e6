"""Cells of a table of tasks and architectures: signals or digits, under a 1-D network or under layers of units.

The digits are the 1,797 of 8x8 pixels inside scikit-learn (Alpaydin and Kaynak 1998, UCI), in an order that is the same
for all seeds: the first 500 train, the next 497 are the validation set, the last 800 the test set.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import one_of, positive_int
from lrdecay.lab.claims.signal_sets import Data, signal_sets
from lrdecay.lab.subjects.signals import SignalNet
from lrdecay.runs.order import sample_order
from lrdecay.runs.seeding import kept_random_state
from lrdecay.tasks.models import mlp

__all__ = ["DATA", "NETWORKS", "cell", "digit_sets"]

DATA = ("signals", "digits")
NETWORKS = ("convolutions", "units")

_TRAIN, _VALIDATION = 500, 497


def cell(
    seed: int,
    *,
    data: str,
    network: str,
    split: str = "test",
    images: int = 2000,
    order: int = 0,
    batch_size: int = 50,
    epochs: float = 20,
) -> TorchTask:
    """Accuracy on what was not trained on, by SGD with momentum 0.9 and weight decay 1e-4.

    Args:
        seed: of the initial weights and the data order.
        data: one of `DATA`.
        network: "convolutions", three with batch norm, for signals; "units", two hidden layers of 100 without it.
        split: "validation" or "test".
        images: training samples, the first ones; of digits there are 500.
        order: another number, another data order from the same initial weights.
        batch_size: samples in an update.
        epochs: the default length of a run.

    Raises:
        InputError: an argument is unknown or out of range, or digits are to be put through convolutions.
    """
    one_of(DATA).check("cell(data=...)", data)
    one_of(NETWORKS if data == "signals" else NETWORKS[1:]).check(f"cell(data={data!r}, network=...)", network)
    one_of(("validation", "test")).check("cell(split=...)", split)
    positive_int.check("cell(images=...)", images)
    (x, y), held = signal_sets(split) if data == "signals" else digit_sets(split)
    with kept_random_state():
        torch.manual_seed(seed)
        net = SignalNet(25) if network == "convolutions" else mlp(x.shape[1], (100, 100), classes=10)
    return TorchTask(
        model=net,
        optimizer=torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.9, weight_decay=1e-4),
        loss=nn.functional.cross_entropy,
        train=(x[:images], y[:images]),
        heldout=held,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed + 1_000_003 * order,
    )


def digit_sets(split: str) -> tuple[Data, Data]:
    """((500, 64), (500,)) in [0, 1] to train on, and those held out, 497 for validation and 800 for the test."""
    x, y = _digits()
    last = _TRAIN + _VALIDATION
    held = slice(_TRAIN, last) if split == "validation" else slice(last, None)
    return (x[:_TRAIN], y[:_TRAIN]), (x[held], y[held])


@lru_cache(maxsize=1)
def _digits() -> Data:
    from sklearn.datasets import load_digits  # takes a second to import

    pixels, labels = load_digits(return_X_y=True)
    order = sample_order(0, len(pixels), 0, len(pixels))
    return torch.from_numpy(pixels[order] / 16).float(), torch.from_numpy(labels[order]).long()
