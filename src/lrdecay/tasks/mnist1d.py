"""`mnist1d`: ten digits as short noisy signals, made by the published generator's package; seconds a run.

4,000 training and 1,000 held-out signals of 40 numbers, always the same (the generator's own seed, 42). Made to tell
models apart where MNIST cannot: published accuracies are 0.32 for a linear model, 0.68 for an MLP, 0.94 for a CNN.

Greydanus and Kobak, Scaling Down Deep Learning with MNIST-1D, 2020, arXiv:2011.14439; Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lrdecay.errors import positive, positive_int
from lrdecay.runs.seeding import kept_random_state
from lrdecay.tasks.arguments import check_choice, check_seed, check_unused, missing_extra

try:
    import torch
    from mnist1d.data import get_dataset_args, make_dataset
except ModuleNotFoundError as problem:
    error = missing_extra("mnist1d", problem, "tasks")
    raise error from problem

from lrdecay.adapters.torch import TorchTask
from lrdecay.tasks.models import SignalCNN, hidden_sizes, mlp
from lrdecay.tasks.optimizers import average_for, make_optimizer, peak_for

__all__ = ["mnist1d"]

Data = tuple[torch.Tensor, torch.Tensor]


def mnist1d(
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
    """Accuracy on 1,000 held-out signals.

    Args:
        seed: of the initial weights and the data order; the signals are always the same.
        model: "mlp" or "cnn".
        hidden: layer sizes of the MLP; "100-100" where not given.
        optimizer: one of `OPTIMIZERS`, such as "sgd", "adamw" or "schedulefree"; ``momentum``, ``weight_decay`` and
            ``nesterov`` as in `make_optimizer`.
        momentum: of sgd.
        weight_decay: of either.
        nesterov: of sgd.
        batch_size: signals in an update.
        epochs: the default length of a run.
        average: what is measured: "none", "ema", "lawa" or "polynomial", or several, as in
            `lrdecay.adapters.torch.TorchTask`; "none" where not given, for dog and ldog "polynomial".

    Raises:
        InputError: an argument is unknown or out of range.
        MissingExtraError: the package mnist1d or torch is not installed.
    """
    check_seed("mnist1d", seed)
    check_choice("mnist1d(model=...)", model, ("mlp", "cnn"))
    positive_int.check("mnist1d(batch_size=...)", batch_size)
    positive.check("mnist1d(epochs=...)", epochs)
    with kept_random_state():
        torch.manual_seed(seed)
        net: torch.nn.Module
        if model == "cnn":
            check_unused("mnist1d", "model='cnn'", hidden=hidden)
            net = SignalCNN(classes=10)
        else:
            net = mlp(40, hidden_sizes("mnist1d", "100-100" if hidden is None else hidden), classes=10)
    made = make_optimizer(
        "mnist1d",
        net.parameters(),
        optimizer,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=nesterov,
    )
    train, heldout = _data()
    return TorchTask(
        model=net,
        optimizer=made,
        loss=torch.nn.functional.cross_entropy,
        train=train,
        heldout=heldout,
        batch_size=batch_size,
        epochs=epochs,
        metric="accuracy",
        seed=seed,
        average=average_for(optimizer, average),
        peak=peak_for(optimizer),
    )


@lru_cache(maxsize=1)
def _data() -> tuple[Data, Data]:
    """((4000, 40), (4000,)) and ((1000, 40), (1000,)); made once per process, which takes about two seconds."""
    with kept_random_state():  # the generator seeds Python's and numpy's global state
        made = make_dataset(get_dataset_args())
    x, held = torch.from_numpy(made["x"]).float(), torch.from_numpy(made["x_test"]).float()
    return (x, torch.from_numpy(made["y"]).long()), (held, torch.from_numpy(made["y_test"]).long())
