"""A network that was trained on half of the classes of mnist1d, to be fine-tuned on the other half with few labels.

Before it is handed over, the network is trained on all signals of its source classes: a line from 0.1 to 0 over some
epochs. Its last layer is drawn anew. The layers are four groups of the optimizer, from the first convolution with its
batch norm to the last layer, whose rates stand in a fixed ratio:

    one             1, 1, 1, 1
    discriminative  1/r³, 1/r², 1/r, 1      r = 2.6 (Howard and Ruder, 2018, arXiv:1801.06146)
    frozen          0, 0, 0, 1              of weights; batch norm goes on with the statistics of its batches
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import one_of, positive, positive_int
from lrdecay.lab.claims.signal_sets import Data, signal_sets
from lrdecay.lab.subjects.signals import SignalNet
from lrdecay.runs.seeding import kept_random_state

__all__ = ["RATES", "SOURCES", "fine_tuned", "layers_of", "pretrained", "ratios"]

RATES = ("one", "discriminative", "frozen")

SOURCES: Mapping[str, tuple[int, ...]] = {"others": (0, 1, 2, 3, 4), "same": (5, 6, 7, 8, 9), "none": ()}
"""What the network was trained on before: the other classes, those it will be fine-tuned on, or nothing."""

_TARGET = SOURCES["same"]
_WIDTH = 25
_BATCH = 25


def fine_tuned(
    seed: int,
    *,
    rates: str = "one",
    ratio: float = 2.6,
    source: str = "others",
    before: int = 20,
    labels: int = 50,
    split: str = "test",
    wrong: float = 0.0,
    order: int = 0,
    epochs: float = 40,
) -> TorchTask:
    """Accuracy on held-out signals of the classes 5 to 9, by SGD with momentum 0.9 and weight decay 1e-4.

    Args:
        seed: of the initial weights, what they were trained on first, the choice of labels and the data order.
        rates: one of `RATES`.
        ratio: r, > 0; below 1 the lower layers have the larger rates.
        source: one of `SOURCES`.
        before: epochs on the source.
        labels: of each class, to fine-tune on.
        split: "validation" or "test".
        wrong: share of those labels that are replaced by random ones, in [0, 1).
        order: another number, another data order from the same initial weights.
        epochs: the default length of a run.

    Raises:
        InputError: an argument is unknown or out of range.
    """
    one_of(RATES).check("fine_tuned(rates=...)", rates)
    one_of(tuple(SOURCES)).check("fine_tuned(source=...)", source)
    positive.check("fine_tuned(ratio=...)", ratio)
    positive_int.check("fine_tuned(labels=...)", labels)
    net = SignalNet(_WIDTH)
    net.load_state_dict(pretrained(seed, source, before))
    train, held = signal_sets(split)
    rng = np.random.default_rng([seed, 9])
    x, y = _only(train, _TARGET)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(y.numpy() == c))[:labels] for c in range(len(_TARGET))])
    x, y = x[chosen], y[chosen]
    if wrong:
        which = torch.from_numpy(rng.permutation(len(y))[: round(wrong * len(y))])
        y[which] = torch.from_numpy(rng.integers(0, len(_TARGET), size=len(which)))
    groups = [{"params": p, "lr": r} for p, r in zip(layers_of(net), ratios(rates, ratio), strict=True)]
    return TorchTask(
        model=net,
        optimizer=torch.optim.SGD(groups, lr=1.0, momentum=0.9, weight_decay=1e-4),
        loss=nn.functional.cross_entropy,
        train=(x, y),
        heldout=_only(held, _TARGET),
        batch_size=_BATCH,
        epochs=epochs,
        seed=seed + 1_000_003 * order,
    )


def ratios(rates: str, ratio: float) -> list[float]:
    """The four groups' rates, over that of the last layer."""
    if rates == "frozen":
        return [0.0, 0.0, 0.0, 1.0]
    return [(1.0 if rates == "one" else ratio) ** -below for below in (3, 2, 1, 0)]


def layers_of(net: SignalNet) -> list[list[nn.Parameter]]:
    """Each convolution with its batch norm, then the last layer."""
    modules = list(net.layers)
    blocks = [modules[i : i + 3] for i in range(0, len(modules), 3)]
    return [*([p for m in block for p in m.parameters()] for block in blocks), list(net.last.parameters())]


def pretrained(seed: int, source: str, epochs: int) -> dict[str, torch.Tensor]:
    """Weights and statistics of a network after its source; its last layer, of which five outputs are used, is new.

    Args:
        seed: of the weights drawn, and of the data order.
        source: one of `SOURCES`; "none": as drawn.
        epochs: on the source.
    """
    return {name: value.clone() for name, value in _pretrained(seed, source, epochs).items()}


@lru_cache(maxsize=64)
def _pretrained(seed: int, source: str, epochs: int) -> dict[str, torch.Tensor]:
    with kept_random_state():
        torch.manual_seed(seed)
        net, fresh = SignalNet(_WIDTH), SignalNet(_WIDTH)
    if source != "none":
        task = TorchTask(
            model=net,
            optimizer=torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.9, weight_decay=1e-4),
            loss=nn.functional.cross_entropy,
            train=(data := _only(signal_sets("validation")[0], SOURCES[source])),
            heldout=data,
            batch_size=100,
            epochs=epochs,
            seed=seed,
        )
        steps = task.horizon.steps
        task.advance({"lr": 0.1 * (1 - np.arange(steps) / steps)})
    net.last.load_state_dict(fresh.last.state_dict())
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _only(data: Data, classes: tuple[int, ...]) -> Data:
    """The signals of some classes, as 0, 1, ... in their order."""
    x, y = data
    kept = torch.isin(y, torch.tensor(classes))
    return x[kept], torch.searchsorted(torch.tensor(classes), y[kept])
