"""What is trained: a small CNN with batch norm on six classes of clothes; its features are probed at every measurement.

Four 3x3 convolutions, each with batch norm and ReLU, the mean over places, one linear layer; 61k parameters. Features
are what the linear layer is given, 64 numbers, frozen. SGD with momentum 0.9 and weight decay 5e-4.

Shuffled labels: every training image has the label of another one, drawn once; what is held out is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from lrdecay.adapters.torch import TorchTask
from lrdecay.lab.you2019.transfer.tasks.probe import accuracy, log_me
from lrdecay.lab.you2019.transfer.tasks.targets import SOURCE_CLASSES, Target, data
from lrdecay.runs.seeding import kept_random_state

__all__ = ["network", "probed", "transferring", "untrained"]

_PART = 500  # images at once


def transferring(
    seed: int,
    *,
    shuffled: bool = False,
    images: int = 1000,
    heldout: int = 2000,
    emoji: str | None = None,
    split: str = "test",
    batch_size: int = 60,
    epochs: float = 24,
    average: str | list[str] = "none",
) -> TorchTask:
    """Accuracy on the source's held-out images, and of each target NAME (see `targets.data`): NAME, ``NAME_logme``.

    Args:
        seed: of classes, labelled samples, the initial weights and the data order.
        shuffled: labels of training images are permuted.
        images: of a source class, for training.
        heldout: to be classified, of the source and of each target.
        emoji: SHA-256 of their archive; None: without them.
        split: "test" or "validation".
        batch_size: images in an update.
        epochs: the default length of a run.
        average: see `lrdecay.adapters.torch.TorchTask`.

    Raises:
        InputError: an argument is unknown, or files are nowhere.
        MissingExtraError: mlxtend or Pillow is not installed.
    """
    (x, y), held, targets = data(seed, images, heldout, split, emoji)
    with kept_random_state():
        torch.manual_seed(seed)
        model = network()
    if shuffled:
        y = y[torch.from_numpy(np.random.default_rng([seed, 3]).permutation(len(y)))]
    return TorchTask(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, weight_decay=5e-4),
        loss=nn.functional.cross_entropy,
        train=(x.contiguous(memory_format=torch.channels_last), y),
        heldout=held,
        batch_size=batch_size,
        epochs=epochs,
        metric="accuracy",
        seed=seed,
        average=average,
        also=lambda net: probed(net, targets, seed),
    )


def network() -> nn.Sequential:
    """The CNN; all convolutions but the third go in steps of 2: places 14², 7², 7², 4²."""
    layers: list[nn.Module] = []
    inputs = 1
    for width, stride in ((16, 2), (32, 2), (64, 1), (64, 2)):
        conv = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU()]
        inputs = width
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, SOURCE_CLASSES))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def probed(model: nn.Module, targets: Mapping[str, Target], seed: int) -> dict[str, float]:
    """Of each target, the accuracy of a ridge on its features and their LogME, means over the drawings.

    The model must be in evaluation mode.
    """
    assert isinstance(model, nn.Sequential)  # noqa: S101  it is `network`'s
    body = model[:-1]
    found: dict[str, float] = {}
    for name, target in targets.items():
        with torch.no_grad():
            seen = torch.cat([body(part) for part in torch.split(target.images, _PART)])
        features = seen.double().numpy()
        rights, evidence = [], []
        for i, (train, test) in enumerate(target.draws):
            rights.append(accuracy(features, target.labels, train, test, np.random.default_rng([seed, 4, i])))
            evidence.append(log_me(features[train], target.labels[train]))
        found |= {name: float(np.mean(rights)), f"{name}_logme": float(np.mean(evidence))}
    return found


def untrained(seed: int, arguments: Mapping[str, Any]) -> dict[str, float]:
    """What `probed` finds in features of the initial weights, with batch norm's statistics from the training images.

    Args:
        seed: as in `transferring`.
        arguments: of it.
    """
    given: dict[str, Any] = {"images": 1000, "heldout": 2000, "split": "test", "emoji": None} | dict(arguments)
    (x, _), _, targets = data(seed, given["images"], given["heldout"], given["split"], given["emoji"])
    with kept_random_state(), torch.no_grad():
        torch.manual_seed(seed)
        model = network()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean over the batches
        for part in torch.split(x, _PART):
            model(part)
        return probed(model.train(False), targets, seed)
