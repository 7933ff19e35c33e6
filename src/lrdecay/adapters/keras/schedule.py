"""A schedule as Keras takes it: a ``LearningRateSchedule`` that looks the rate up, on every backend, eager or compiled.

    f(iterations) = float32(r_t),    n = iterations // k,    t = min(n, steps) under "hold",  n mod steps under "repeat"

r_t is the float64 rate that every other framework gets, rounded once; k is ``accumulation``, the micro batches in an
update. Keras hands a schedule its *raw* counter, which counts micro batches where the optimizer has
``gradient_accumulation_steps``; its own schedules therefore run k times too fast there. The raw counter is the number
of calls made before, so the first update is t = 0. An update that a ``LossScaleOptimizer`` skips is not counted.

What is saved with the model is the notation, the horizon and the end policy. `lrdecay.adapters.keras` must be imported
before ``keras.saving.load_model``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import keras
import numpy as np
from numpy.typing import NDArray

from lrdecay.adapters.binding import COMPILED, LONGEST, bound_of, single, table_of
from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["KerasSchedule"]

_CURE = "Take the callback LRDecay, which writes the rate from the host."


@final
@keras.saving.register_keras_serializable(package="lrdecay")
class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The ``learning_rate`` of any Keras optimizer.

    Args:
        schedule: a schedule, its text notation, or one bound already (then leave ``horizon`` out).
        horizon: the length of the run and its units; at most 10 million updates.
        after: the end policy, "hold" by default, or "repeat".
        accumulation: the optimizer's ``gradient_accumulation_steps``, 1 without.
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule; not saved.

    Raises:
        InputError: an argument does not fit, the schedule's peak is open, the run is too long for a table, or a rate is
            above what float32 holds.
    """

    def __init__(
        self,
        schedule: Schedule | Bound | str,
        horizon: Horizon | None = None,
        *,
        after: str | None = None,
        accumulation: int = 1,
        rates: FloatArray | None = None,
    ) -> None:
        positive_int.check("KerasSchedule(accumulation=...)", accumulation)
        self.bound = bound_of(schedule, horizon, after, COMPILED)
        self.accumulation = accumulation
        self._single: NDArray[np.float32] = single(table_of(self.bound, rates, LONGEST, _CURE))
        self._tensor = keras.ops.convert_to_tensor(self._single, dtype="float32")
        self._lost: Mapping[str, Any] = {}  # what drove the optimizer besides, and does not come back by itself
        self._drives: Mapping[str, Any] = {}

    def __call__(self, step: Any) -> Any:
        """The rate at ``iterations``, a number or a tensor of any shape >= 0; a float32 tensor.

        Raises:
            InputError: it was loaded, and the multipliers or the plan it was saved with were not attached again.
        """
        if self._lost:
            cure = "Call attach(model, ...) after loading, with these or without."
            rule = "must be followed by attach where more than the rate was driven"
            msg = refusal("load_model(...)", rule, self._lost, cure)
            raise InputError(msg)
        t = keras.ops.convert_to_tensor(step)
        if not keras.backend.is_int_dtype(t.dtype):
            t = keras.ops.cast(t, "int32")
        if self.accumulation > 1:
            t = keras.ops.floor_divide(t, self.accumulation)
        steps = self.bound.steps
        t = keras.ops.mod(t, steps) if self.bound.after == "repeat" else keras.ops.minimum(t, steps)
        return keras.ops.take(self._tensor, t)

    def at(self, t: int) -> float:
        """The rate of update t >= 0, as the optimizer gets it: a float32."""
        return float(self._single[t % self.bound.steps if self.bound.after == "repeat" else min(t, self.bound.steps)])

    def remember(self, drives: Mapping[str, Any]) -> None:
        """Save what drives the optimizer besides, so that a model loaded later says it must be attached again."""
        self._drives = dict(drives)

    @property
    def drives_a_plan(self) -> bool:
        """Whether a plan drives the optimizer's groups, each at a rate of its own."""
        return "plan" in self._drives

    def get_config(self) -> dict[str, Any]:
        """The notation, the horizon, the end policy and what must be attached again, as plain JSON."""
        config: dict[str, Any] = {"schedule": repr(self.bound.schedule), "horizon": self.bound.horizon.to_json()}
        config |= {"after": self.bound.after, "accumulation": self.accumulation}
        return config | {"besides": dict(self._drives or self._lost)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> KerasSchedule:
        """What `get_config` said."""
        horizon, after = Horizon(**config["horizon"]), config["after"]
        made = cls(config["schedule"], horizon, after=after, accumulation=config["accumulation"])
        made._lost = dict(config["besides"])
        return made
