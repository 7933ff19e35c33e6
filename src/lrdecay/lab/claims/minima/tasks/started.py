"""mnist1d under a 1-D network with batch norm that may first be trained on random labels, with its sharpness measured.

A target is a number r + 10 y - of the random label r and the true one y - whose random part the loss reads in the first
``switch`` updates and whose true part afterwards: the network counts its passes in training mode in a buffer, which
snapshots keep. So one run has both stages, and runs that share the first share a trunk.

Sharpness is the largest eigenvalue of the Hessian of the mean cross-entropy over the first 512 training signals, with
the labels trained on last, without the weight decay, in evaluation mode: batch norm uses its running statistics (for
averaged weights, statistics made anew), so that the loss is a function of the weights alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import non_negative, positive, positive_int
from lrdecay.lab.claims.signal_sets import signal_sets
from lrdecay.lab.instruments.curvature import top_eigenvalue
from lrdecay.lab.subjects.signals import SignalNet
from lrdecay.runs.seeding import kept_random_state

__all__ = ["PROBE", "Counted", "accuracy", "started"]

PROBE = 512
"""Training signals that the sharpness is of."""

_CLASSES = 10


class Counted(nn.Module):
    """A network that counts its passes in training mode in the buffer ``seen``.

    Args:
        net: what it passes on to.
    """

    def __init__(self, net: nn.Module) -> None:
        """See the class."""
        super().__init__()
        self.net = net
        self.seen: torch.Tensor
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the network gives."""
        if self.training:
            self.seen += 1
        scores: torch.Tensor = self.net(x)
        return scores


def started(
    seed: int,
    *,
    split: str = "test",
    images: int = 2000,
    test: int = 4000,
    switch: int = 0,
    times: float = 1.0,
    wrong: float = 0.0,
    order: int = 0,
    sharp: bool = False,
    width: int = 25,
    weight_decay: float = 1e-4,
    batch_size: int = 100,
    epochs: float = 40,
    average: str | Sequence[str] = "none",
) -> TorchTask:
    """Accuracy on signals that were not trained on, by SGD with momentum 0.9.

    Measured with it: ``fit`` and ``random_fit``, the shares of training signals whose true or random label is the
    largest output; ``train_loss``, on the probe with true labels; with ``sharp``, ``sharpness`` and its ``residual``.

    Args:
        seed: of the initial weights, the random labels and the data order.
        split: "validation" or "test".
        images: training signals, at least `PROBE` where ``sharp``.
        test: of the test set.
        switch: updates that are made on random labels.
        times: what the loss and the weight decay are multiplied by; at 1/times of the rate the run is the same.
        wrong: share of the true labels that are replaced by random ones, in [0, 1).
        order: another number, another data order from the same initial weights.
        sharp: whether the sharpness is measured.
        width: channels of the network.
        weight_decay: of SGD.
        batch_size: signals in an update.
        epochs: the default length of a run.
        average: see `lrdecay.adapters.torch.TorchTask`.

    Raises:
        InputError: an argument is out of range.
    """
    positive_int.check("started(images=...)", images)
    non_negative.check("started(switch=...)", switch)
    positive.check("started(times=...)", times)
    with kept_random_state():
        torch.manual_seed(seed)
        model = Counted(SignalNet(width))
    (x, y), (held_x, held_y) = signal_sets(split, test)
    x, y = x[:images], y[:images].clone()
    rng = np.random.default_rng([seed, 7])
    if wrong:
        which = torch.from_numpy(rng.permutation(images)[: round(wrong * images)])
        y[which] = torch.from_numpy(rng.integers(0, _CLASSES, size=len(which)))
    drawn = torch.from_numpy(np.random.default_rng([seed, 8]).integers(0, _CLASSES, size=images))

    def loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        first = model.training and int(model.seen) <= switch
        return times * cross_entropy(scores, target % _CLASSES if first else target // _CLASSES)

    def also(net: nn.Module) -> Mapping[str, float]:
        scores = net(x)
        best = scores.argmax(dim=1)
        found = {
            "fit": float((best == y).double().mean()),
            "random_fit": float((best == drawn).double().mean()),
            "train_loss": float(times * cross_entropy(scores[:PROBE], y[:PROBE])),
        }
        return found | (_sharpness(net, (x[:PROBE], y[:PROBE]), times) if sharp else {})

    return TorchTask(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, weight_decay=times * weight_decay),
        loss=loss,
        train=(x, drawn + _CLASSES * y),
        heldout=(held_x, held_y + _CLASSES * held_y),
        batch_size=batch_size,
        epochs=epochs,
        metric=accuracy,
        goal="max",
        seed=seed + 1_000_003 * order,
        average=average,
        also=also,
    )


def accuracy(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The share of largest outputs that are the true labels of the targets."""
    return (scores.argmax(dim=1) == target // _CLASSES).double().mean()


def _sharpness(net: nn.Module, probe: tuple[torch.Tensor, torch.Tensor], times: float) -> dict[str, float]:
    """The eigenvalue, and its residual, at most 1; a value of 0 with a residual of 1 where there is none."""
    x, y = probe
    with torch.enable_grad():
        top = top_eigenvalue(lambda: times * cross_entropy(net(x), y), list(net.parameters()))
    value = top.value if np.isfinite(top.value) else 0.0
    return {"sharpness": value, "residual": min(1.0, top.residual)}
