"""`fashion`: Fashion-MNIST, 28x28 pictures of clothes in ten classes, with a small CNN.

Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747; MIT. By default 10,000 of the 60,000 training images
and 2,000 of the 10,000 test images, chosen once by a fixed permutation whatever the seed, and normalised by the mean
and standard deviation of the chosen training images. For where the files come from see `fashion_files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import Constraint, InputError, positive, positive_int, refusal
from lrdecay.runs.order import sample_order
from lrdecay.runs.seeding import kept_random_state
from lrdecay.tasks.arguments import check_choice, check_seed, check_unused, missing_extra
from lrdecay.tasks.fashion_files import locate, read_idx

try:
    import torch
except ModuleNotFoundError as problem:
    error = missing_extra("fashion", problem, "torch")
    raise error from problem

from lrdecay.adapters.torch import TorchTask
from lrdecay.tasks.models import ImageCNN, hidden_sizes, mlp
from lrdecay.tasks.optimizers import average_for, make_optimizer, peak_for

__all__ = ["fashion"]

Data = tuple[torch.Tensor, torch.Tensor]


def fashion(
    seed: int,
    *,
    data: str | None = None,
    images: int = 10_000,
    heldout: int = 2_000,
    model: str = "cnn",
    hidden: str | int | None = None,
    optimizer: str = "sgd",
    momentum: float | None = None,
    weight_decay: float | None = None,
    nesterov: bool | None = None,
    batch_size: int = 128,
    epochs: float = 6,
    average: str | Sequence[str] | None = None,
) -> TorchTask:
    """Accuracy on held-out pictures.

    Args:
        seed: of the initial weights and the data order.
        data: a directory with the four ``*-ubyte.gz`` files; found or downloaded where not given.
        images: training images, at most 60,000.
        heldout: held-out images, at most 10,000.
        model: "cnn" or "mlp".
        hidden: layer sizes of the MLP; "256-256" where not given.
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
        InputError: an argument is unknown or out of range, or the files are nowhere.
        MissingExtraError: torch is not installed.
    """
    check_seed("fashion", seed)
    check_choice("fashion(model=...)", model, ("cnn", "mlp"))
    positive_int.check("fashion(batch_size=...)", batch_size)
    positive.check("fashion(epochs=...)", epochs)
    _at_most(60_000).check("fashion(images=...)", images)
    _at_most(10_000).check("fashion(heldout=...)", heldout)
    with kept_random_state():
        torch.manual_seed(seed)
        net: torch.nn.Module
        if model == "cnn":
            check_unused("fashion", "model='cnn'", hidden=hidden)
            net = ImageCNN(side=28, classes=10)
        else:
            net = mlp(784, hidden_sizes("fashion", "256-256" if hidden is None else hidden), classes=10)
    made = make_optimizer(
        "fashion",
        net.parameters(),
        optimizer,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=nesterov,
    )
    train, held = _tensors(*_read(locate(data)), images, heldout)
    if model == "mlp":
        train, held = (train[0].flatten(1), train[1]), (held[0].flatten(1), held[1])
    return TorchTask(
        model=net,
        optimizer=made,
        loss=torch.nn.functional.cross_entropy,
        train=train,
        heldout=held,
        batch_size=batch_size,
        epochs=epochs,
        metric="accuracy",
        seed=seed,
        average=average_for(optimizer, average),
        peak=peak_for(optimizer),
    )


def _at_most(most: int) -> Constraint:
    return Constraint(f"must be an integer from 1 to {most}", lambda v: type(v) is int and 1 <= v <= most)


@lru_cache(maxsize=1)
def _read(directory: Path) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Training images (60000, 28, 28) and labels (60000,), test images and labels; bytes.

    Raises:
        InputError: a file is broken, or the four do not belong together.
    """
    parts = [read_idx(directory / f"{part}-ubyte.gz") for part in ("train-images-idx3", "train-labels-idx1")]
    parts += [read_idx(directory / f"{part}-ubyte.gz") for part in ("t10k-images-idx3", "t10k-labels-idx1")]
    shapes = [part.shape for part in parts]
    if shapes != [(60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,)]:
        msg = refusal(f"fashion(data={str(directory)!r})", "must hold 60,000 and 10,000 images of 28x28", shapes)
        raise InputError(msg)
    return parts[0], parts[1], parts[2], parts[3]


def _tensors(
    train_x: NDArray[Any], train_y: NDArray[Any], test_x: NDArray[Any], test_y: NDArray[Any], images: int, heldout: int
) -> tuple[Data, Data]:
    """The chosen images (n, 1, 28, 28), normalised float32, and labels (n,)."""
    chosen, held = sample_order(0, len(train_x), 0, images), sample_order(0, len(test_x), 0, heldout)
    mean, sd = train_x[chosen].mean(), train_x[chosen].std()

    def normalised(x: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(((x - mean) / sd).astype(np.float32)).unsqueeze(1)

    return (
        (normalised(train_x[chosen]), torch.from_numpy(train_y[chosen]).long()),
        (normalised(test_x[held]), torch.from_numpy(test_y[held]).long()),
    )
