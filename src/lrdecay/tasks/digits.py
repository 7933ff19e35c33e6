"""`digits`: handwritten digits of 8x8 pixels, shipped inside scikit-learn; seconds a run.

1,797 images in 10 classes (Alpaydin and Kaynak 1998, UCI; BSD with scikit-learn). Inputs are scaled to [0, 1]. The
split is fixed, independent of the seed: 1,437 images train, 360 are held out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from lrdecay.errors import positive, positive_int
from lrdecay.runs.order import sample_order
from lrdecay.runs.seeding import kept_random_state
from lrdecay.tasks.arguments import check_choice, check_seed, check_unused, missing_extra

try:
    import torch

    _SKLEARN = importlib.util.find_spec("sklearn")
    if _SKLEARN is None:
        raise ModuleNotFoundError(name="sklearn")
except ModuleNotFoundError as problem:
    error = missing_extra("digits", problem, "tasks")
    raise error from problem

from lrdecay.adapters.torch import TorchTask
from lrdecay.tasks.models import ImageCNN, hidden_sizes, mlp
from lrdecay.tasks.optimizers import average_for, make_optimizer, peak_for

__all__ = ["digits"]

_TRAIN = 1437


def digits(
    seed: int,
    *,
    model: str = "mlp",
    hidden: str | int | None = None,
    optimizer: str = "sgd",
    momentum: float | None = None,
    weight_decay: float | None = None,
    nesterov: bool | None = None,
    batch_size: int = 64,
    epochs: float = 20,
    average: str | Sequence[str] | None = None,
) -> TorchTask:
    """Accuracy on 360 held-out digits.

    Args:
        seed: of the initial weights and the data order.
        model: "mlp" or "cnn".
        hidden: layer sizes of the MLP; "100-100" where not given.
        optimizer: one of `OPTIMIZERS`, such as "sgd", "adamw" or "schedulefree"; ``momentum``, ``weight_decay`` and
            ``nesterov`` as in `make_optimizer`.
        momentum: of sgd.
        weight_decay: of either.
        nesterov: of sgd.
        batch_size: images in an update.
        epochs: the default length of a run.
        average: what is measured: "none", "ema", "lawa" or "polynomial", or several, as in
            `lrdecay.adapters.torch.TorchTask`; "none" where not given, for dog and ldog "polynomial".

    Raises:
        InputError: an argument is unknown or out of range.
        MissingExtraError: scikit-learn or torch is not installed.
    """
    check_seed("digits", seed)
    check_choice("digits(model=...)", model, ("mlp", "cnn"))
    positive_int.check("digits(batch_size=...)", batch_size)
    positive.check("digits(epochs=...)", epochs)
    with kept_random_state():
        torch.manual_seed(seed)
        net: torch.nn.Module
        if model == "cnn":
            check_unused("digits", "model='cnn'", hidden=hidden)
            net = ImageCNN(side=8, classes=10)
        else:
            net = mlp(64, hidden_sizes("digits", "100-100" if hidden is None else hidden), classes=10)
    made = make_optimizer(
        "digits",
        net.parameters(),
        optimizer,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=nesterov,
    )
    images, labels = _data()
    if model == "mlp":
        images = images.flatten(1)
    return TorchTask(
        model=net,
        optimizer=made,
        loss=torch.nn.functional.cross_entropy,
        train=(images[:_TRAIN], labels[:_TRAIN]),
        heldout=(images[_TRAIN:], labels[_TRAIN:]),
        batch_size=batch_size,
        epochs=epochs,
        metric="accuracy",
        seed=seed,
        average=average_for(optimizer, average),
        peak=peak_for(optimizer),
    )


@lru_cache(maxsize=1)
def _data() -> tuple[torch.Tensor, torch.Tensor]:
    """Images (1797, 1, 8, 8) of float32 in [0, 1] and labels (1797,), in a fixed random order."""
    table = _table()
    order = sample_order(0, len(table), 0, len(table))
    images = torch.from_numpy(table[order, :64]).float().div(16).reshape(-1, 1, 8, 8)
    return images, torch.from_numpy(table[order, 64]).long()


def _table() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """64 pixels from 0 to 16 and a label in each row, shape (1797, 65).

    The file is read where scikit-learn keeps it: importing scikit-learn takes every worker longer than its first run.
    """
    for place in (_SKLEARN and _SKLEARN.submodule_search_locations) or ():
        file = Path(place, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits  # another layout than that of today

    found = load_digits()
    return np.column_stack([found.data, found.target])
