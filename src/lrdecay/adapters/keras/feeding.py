"""Data for a range test as ``fit`` takes them: arrays to be cut into batches, or something that gives batches.

Arrays of 64-bit floats become Keras' own float type, as in ``fit``; tensors of torch become arrays on other backends.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, final

import keras
import numpy as np

from lrdecay.adapters.keras.in_process import number_of
from lrdecay.errors import InputError, refusal
from lrdecay.rangetest.passes import Batches, Samples, Source

__all__ = ["held_out", "source_of"]

_USUAL = 32  # samples in a batch, as for fit


def source_of(x: Any, y: Any, sample_weight: Any, batch_size: int | None) -> Source:
    """Batches (x, y, sample_weight) over and over.

    Raises:
        InputError: arrays differ in length, or what is given cannot be begun anew.
    """
    if x is None:
        cure = "Such as x=x, y=y, batch_size=32; or x=a data set that gives batches (x, y)."
        msg = refusal("find(model)", "must be given data", "none", cure)
        raise InputError(msg)
    if y is not None or sample_weight is not None or hasattr(x, "shape"):
        arrays = _arrays((x, y, sample_weight))
        return Samples(_count("find(x, y)", arrays), _USUAL if batch_size is None else batch_size, _taker(arrays))
    if batch_size is not None:
        cure = "The data set says its own."
        msg = refusal("find(batch_size=...)", "must be given with arrays, not with batches", batch_size, cure)
        raise InputError(msg)
    cure = "Give what makes it, such as the data set."
    return Batches(_Listed(x) if isinstance(x, keras.utils.PyDataset) else x, "find(x=...)", cure, _arrays)


def held_out(given: Any, model: Any, batch_size: int | None) -> Callable[[], float]:
    """What measures the held-out loss: the user's function, or the mean over all samples by ``test_on_batch``.

    Args:
        given: a function; or a tuple (x, y) or (x, y, sample_weight) of arrays; or batches.
        model: compiled.
        batch_size: of arrays.

    Raises:
        InputError: no batch is given.
    """
    call = "find(heldout=...)"
    if callable(given) and not isinstance(given, keras.utils.PyDataset):
        return lambda: number_of(given(), call)
    if isinstance(given, tuple):
        arrays = _arrays(keras.utils.unpack_x_y_sample_weight(given))
        count, take, size = _count(call, arrays), _taker(arrays), batch_size or _USUAL
        batches = [take(np.arange(i, min(i + size, count))) for i in range(0, count, size)]
    else:
        batches = [_arrays(b) for b in (_Listed(given) if isinstance(given, keras.utils.PyDataset) else given)]
    if not batches:
        msg = refusal(call, "must hold at least one batch", "none")
        raise InputError(msg)

    def measure() -> float:
        total, samples = 0.0, 0
        for batch in batches:
            x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
            size = len(next(a for a in keras.tree.flatten(x) if a is not None))
            total += size * number_of(model.test_on_batch(x, y, sample_weight=weight, return_dict=True), call)
            samples += size
        return total / samples

    return measure


@final
class _Listed:
    """The batches of a ``PyDataset``, which Keras asks for by number."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __iter__(self) -> Iterator[Any]:
        count = self._dataset.num_batches
        return (self._dataset[i] for i in (itertools.count() if count is None else range(count)))


def _arrays(batch: Any) -> Any:
    """The batch with arrays that Keras takes; structure and None are kept."""
    batch = tuple(batch) if isinstance(batch, list) else batch  # of a DataLoader; Keras takes tuples
    return keras.tree.map_structure(_array, batch)


def _array(value: Any) -> Any:
    if value is None:
        return None
    if hasattr(value, "detach"):
        if keras.backend.backend() == "torch":
            return value
        value = value.detach().cpu().numpy()
    if not hasattr(value, "devices"):  # an array of jax is one already
        value = np.asarray(value)
    return value.astype(keras.config.floatx()) if value.dtype == np.float64 else value


def _count(call: str, arrays: Any) -> int:
    lengths = {len(a) for a in keras.tree.flatten(arrays) if a is not None}
    if len(lengths) != 1:
        msg = refusal(call, "must hold as many samples in all arrays", sorted(lengths))
        raise InputError(msg)
    return lengths.pop()


def _taker(arrays: Any) -> Callable[[Any], Any]:
    return lambda indices: keras.tree.map_structure(lambda a: None if a is None else a[indices], arrays)
