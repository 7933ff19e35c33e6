"""A callback that writes the rate before every batch, for an optimizer whose learning rate is a plain number.

    model.fit(..., callbacks=[LRDecay("warmup(500) + cosine(0.1)", Horizon(steps=10_000))])

t is read from the optimizer, never counted here: micro batches that are accumulated, updates that a
``LossScaleOptimizer`` skips, ``initial_epoch=`` and ``BackupAndRestore`` need nothing. Reading it waits for the device
at every batch; `lrdecay.adapters.keras.attach` does not. What only the callback can do: the end policy "raise", and
runs of more updates than a compiled table holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import keras

from lrdecay.adapters.binding import bound_of
from lrdecay.adapters.keras.attaching import optimizer_of
from lrdecay.adapters.keras.layers import count_of, drive_layers, inner_of
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["LRDecay"]


@final
class LRDecay(keras.callbacks.Callback):  # type: ignore[misc]
    """A schedule over ``model.fit``; the rate of each epoch's last batch is logged as "learning_rate".

    Args:
        schedule: a schedule, its text notation, or one bound already (then leave ``horizon`` out).
        horizon: the length of the run and its units, in updates.
        layer_multipliers: numbers >= 0 by patterns of names, see `lrdecay.adapters.keras.layers`.
        after: the end policy, "hold" by default. Under "raise" it is the batch past the end that is refused.

    Raises:
        InputError: an argument does not fit; at the start of ``fit``: the optimizer's learning rate is a schedule of
            its own, or the model makes several updates between two callbacks.
    """

    def __init__(
        self,
        schedule: Schedule | Bound | str,
        horizon: Horizon | None = None,
        *,
        layer_multipliers: Mapping[str, float] | None = None,
        after: str | None = None,
    ) -> None:
        super().__init__()
        self.bound = bound_of(schedule, horizon, after)
        self._layers = {} if layer_multipliers is None else layer_multipliers
        self._rate: float | None = None

    def set_model(self, model: Any) -> None:
        """Look at the model; Keras calls this before it compiles the training step."""
        self._model = model
        self._optimizer = inner_of(optimizer_of("LRDecay(...)", model))
        if not isinstance(self._optimizer._learning_rate, keras.Variable):
            cure = "Build it with a number, or use attach(model, ...) in place of the callback."
            found = type(self._optimizer._learning_rate).__name__
            msg = refusal("LRDecay(...)", "must drive an optimizer whose learning rate is a number", found, cure)
            raise InputError(msg)
        if model.steps_per_execution != 1:
            cure = "Use attach(model, ...), which looks the rate up inside the step."
            rule = "must be called before every batch, with steps_per_execution=1"
            msg = refusal("LRDecay(...)", rule, model.steps_per_execution, cure)
            raise InputError(msg)
        drive_layers(self._optimizer, self._layers)
        model.train_function = None  # made again, with these multipliers

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Write f(t).

        Raises:
            InputError: t is past the end and the end policy is "raise".
        """
        if hasattr(self.model, "jax_state_sync"):  # on jax, the variables are elsewhere while an epoch runs
            self.model.jax_state_sync()
        self._rate = self.bound(count_of(self._optimizer))
        self._optimizer.learning_rate = self._rate

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Log the rate of the last batch."""
        if logs is not None and self._rate is not None:
            logs["learning_rate"] = self._rate
