"""A compiled Keras model as something a rising rate can be tried on, and all of it put back.

A point is one update that the optimizer counts: batches that it accumulates, and updates that a ``LossScaleOptimizer``
skips, are averaged into the point that follows, at the same rate. Every batch goes through ``model.train_on_batch``, so
the model's own training step, loss, metrics and regularizers are used as ``fit`` uses them.

The rate is a variable of the optimizer; an optimizer whose rate is a schedule has one put in its place meanwhile.
Multipliers of layers hold (`lrdecay.adapters.keras.layers`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import keras
import numpy as np
from attrs import frozen

from lrdecay.adapters.keras.keeping import Keeper, kept_values, reseed
from lrdecay.adapters.keras.layers import count_of, inner_of
from lrdecay.errors import InputError, refusal
from lrdecay.rangetest.passes import Recorded
from lrdecay.rangetest.repeats import along, one_point
from lrdecay.runs.seeding import RandomState, kept_random_state, random_state, seed_everything, set_random_state
from lrdecay.runs.trainable import FloatArray

__all__ = ["InProcess", "Kept", "number_of"]


@frozen(eq=False)
class Kept:
    """The state of a process's training, in memory."""

    back: Callable[[], None]  # puts model, optimizer and metrics back
    random: RandomState
    loaders: Sequence[Any]  # states of the loader's own generators


@final
class InProcess:
    """A model in training, for `lrdecay.rangetest.repeats.measured`.

    Args:
        model: compiled and built, its optimizer too.
        batches: gives what ``train_on_batch`` takes: x, or (x, y), or (x, y, sample_weight).
        class_weight: as ``fit`` takes it.
        generators: the loader's own.
        heldout: gives the held-out loss; None: there is none.
        keep: more Keras objects to put back.
    """

    def __init__(
        self,
        model: Any,
        batches: Recorded,
        *,
        class_weight: Mapping[int, float] | None = None,
        generators: Sequence[Any] = (),
        heldout: Callable[[], float] | None = None,
        keep: Sequence[Any] = (),
    ) -> None:
        self._model, self._batches, self._class_weight = model, batches, class_weight
        self._generators, self._heldout = generators, heldout
        self._keeper = Keeper(model, keep)
        self._optimizer = inner_of(model.optimizer)
        self._start: Callable[[], None] | None = None  # back to where repeats begin, once they have

    # ---- what a rising rate needs ----

    def advance(self, values: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        """One point per row of ``values["lr"]``."""
        return {"loss": np.array([self._point(rate) for rate in values["lr"].tolist()])}

    def evaluate(self, on: str = "heldout") -> Mapping[str, float]:
        """The held-out loss; variables that are not trained and the process's random state are kept."""
        if self._heldout is None:
            msg = refusal("evaluate(on=...)", "must be a data set that was given", on)
            raise InputError(msg)
        with kept_random_state(), kept_values(self._model.non_trainable_variables):
            return {"loss": self._heldout()}

    def along_update(self) -> Callable[[float], float]:
        """See `lrdecay.rangetest.critical`."""
        self._batches.mark()
        back, random = self._keeper.keep(), random_state()

        def again() -> None:
            back()
            set_random_state(random)

        return along(again, self._batches.rewind, self._point)

    def snapshot(self) -> Kept:
        """Everything."""
        return Kept(self._keeper.keep(), random_state(), [g.get_state() for g in self._generators])

    def restore(self, s: Kept) -> None:
        """Back in place."""
        s.back()
        set_random_state(s.random)
        for generator, state in zip(self._generators, s.loaders, strict=True):
            generator.set_state(state)

    def again(self, s: Kept, seed: int) -> None:
        """Back to the state, but with random state and data order of another seed; to begin a repeat."""
        if self._start is None:
            s.back()
            self._drive(seed)
            self._start = self._keeper.keep()
        self._start()
        seed_everything(seed)
        reseed(self._model, seed)
        self._batches.begin(seed)

    def digest(self) -> str:
        """Of everything kept."""
        total = hashlib.sha256(self._keeper.digest().encode())
        random = random_state()
        for name in sorted(random.tensors):
            total.update(random.tensors[name].tobytes())
        total.update(repr((random.state, [np.asarray(g.get_state()).tobytes() for g in self._generators])).encode())
        return total.hexdigest()

    # ---- one point ----

    def _drive(self, seed: int) -> None:
        """Make the rate a variable, and what is compiled for the first batch, so that repeats need not do so again."""
        optimizer, model = self._optimizer, self._model
        if not isinstance(optimizer._learning_rate, keras.Variable):
            optimizer._learning_rate = keras.Variable(0.0, dtype="float32", trainable=False, name="learning_rate")
            model.train_function = None
        self._batches.begin(seed)
        model._symbolic_build(data_batch=keras.utils.unpack_x_y_sample_weight(self._batches.next()))
        model.make_train_function()
        if self._heldout is not None:
            model.make_test_function()

    def _point(self, rate: float) -> float:
        self._optimizer._learning_rate.assign(rate)
        cure = "Does its training step apply the optimizer it was compiled with?"
        return one_point(self._call, lambda: count_of(self._optimizer), "model.train_on_batch()", cure)

    def _call(self) -> float:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(self._batches.next())
        logs = self._model.train_on_batch(x, y, sample_weight=weight, class_weight=self._class_weight, return_dict=True)
        return number_of(logs, "model.train_on_batch()")


def number_of(logs: Any, call: str) -> float:
    """The loss among what Keras' functions of a batch give.

    Raises:
        InputError: there is none, or it is not a single number.
    """
    loss: Any = logs.get("loss") if isinstance(logs, Mapping) else logs
    number = isinstance(loss, float | int | np.number) or getattr(loss, "shape", None) == ()
    if not number or isinstance(loss, bool):
        found = f"an array of shape {tuple(loss.shape)}" if hasattr(loss, "shape") else type(loss).__name__
        cure = "A train_step of your own must return its mean as 'loss'."
        msg = refusal(call, "must give the loss as a single number", found, cure)
        raise InputError(msg)
    return float(loss)
