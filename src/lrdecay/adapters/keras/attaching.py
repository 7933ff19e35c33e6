"""`attach`: let a schedule drive a Keras optimizer, or the optimizer of a compiled model.

    model.compile(optimizer=keras.optimizers.Adam(), loss=...)
    attach(model, "warmup(500) + cosine(3e-4)", Horizon(steps=10_000))
    model.fit(...)

The schedule says the rate itself; the rate the optimizer was built with is forgotten. t is the optimizer's own count
of updates, so ``fit`` called again, ``initial_epoch=`` and a loaded model go on where they were. Attach to the model
rather than to its optimizer where it has been trained already: its compiled step is then made again.

A schedule under a rule cannot be compiled. Its rate is written from the host, by the callback that `attach` then gives:

    decay = attach(model, 'cosine(0.1) * plateau(metric="val_loss")', Horizon(steps=10_000))
    model.fit(..., callbacks=[decay])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final, overload

import keras
from attrs import frozen

from lrdecay.adapters.binding import bound_of, plan_of
from lrdecay.adapters.keras.layers import count_of, drive_layers, inner_of
from lrdecay.adapters.keras.plans import drive_plan
from lrdecay.adapters.keras.schedule import KerasSchedule
from lrdecay.adapters.observed import ruled_of
from lrdecay.errors import InputError, non_negative_int, refusal
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, BoundPlan, Horizon, Plan, Schedule

if TYPE_CHECKING:
    from lrdecay.adapters.keras.callback import LRDecay

__all__ = ["Attached", "attach", "optimizer_of"]


@final
@frozen(eq=False)
class Attached:
    """A schedule and the optimizer it drives; made by `attach`."""

    optimizer: Any  # the one that updates, inside a LossScaleOptimizer
    schedule: KerasSchedule

    @property
    def count(self) -> int:
        """t: the updates made, which is the index of the next one."""
        return count_of(self.optimizer)

    @property
    def rate(self) -> float:
        """f(t): the rate of the next update, for a variable with multiplier 1."""
        return self.schedule.at(self.count)

    def seek(self, step: int) -> None:
        """Say that ``step`` updates were made: for a script whose own checkpoint leaves the optimizer's count out.

        Raises:
            InputError: not an integer >= 0.
        """
        non_negative_int.check("seek(step)", step)
        self.optimizer._iterations.assign(step * self.schedule.accumulation)


@overload
def attach(
    optimizer: Any,
    schedule: Ruled,
    horizon: Horizon | None = None,
    *,
    layer_multipliers: Mapping[str, float] | None = None,
    after: str | None = None,
    rates: FloatArray | None = None,
) -> LRDecay: ...
@overload
def attach(
    optimizer: Any,
    schedule: Schedule | Bound | Plan | BoundPlan | str,
    horizon: Horizon | None = None,
    *,
    layer_multipliers: Mapping[str, float] | None = None,
    after: str | None = None,
    rates: FloatArray | None = None,
) -> Attached: ...
def attach(
    optimizer: Any,
    schedule: Schedule | Ruled | Bound | Plan | BoundPlan | str,
    horizon: Horizon | None = None,
    *,
    layer_multipliers: Mapping[str, float] | None = None,
    after: str | None = None,
    rates: FloatArray | None = None,
) -> Attached | LRDecay:
    """Let a schedule drive an optimizer; under a rule, a text's too, by the callback that is given back.

    Args:
        optimizer: a Keras optimizer, or a compiled model.
        schedule: a schedule, one under a rule, its text notation, or a plan (`lrdecay.adapters.keras.plans`); bound
            already, then leave ``horizon`` out.
        horizon: the length of the run and its units; at most 10 million updates.
        layer_multipliers: numbers >= 0 by patterns of names, see `lrdecay.adapters.keras.layers`. They are not part of
            a saved model, nor is a plan: a model saved with one refuses to train until it is attached again.
        after: the end policy, "hold" by default, or "repeat". A compiled step cannot raise.
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule.

    Raises:
        InputError: an argument does not fit, or the model is not compiled; under a rule, see `LRDecay`.
    """
    unruled, rule = ruled_of(schedule)
    updating = inner_of(optimizer_of("attach(optimizer)", optimizer))
    accumulation = updating.gradient_accumulation_steps or 1
    plan = plan_of(unruled, horizon)
    said = {} if layer_multipliers is None else layer_multipliers
    if plan is not None and (said or rates is not None):
        cure = "Say it in the plan: groups={...: group(scale=...)}."
        msg = refusal("attach(layer_multipliers, rates)", "must be left out for a plan", said or "rates", cure)
        raise InputError(msg)
    if isinstance(optimizer, keras.Model) and (said or plan) and optimizer.built and not updating.built:
        optimizer.optimizer.build(optimizer.trainable_variables)
    if rule is not None:
        from lrdecay.adapters.keras.callback import LRDecay

        if rates is not None:
            msg = refusal("attach(rates=...)", "must be left out under a rule", "rates")
            raise InputError(msg)
        decay = LRDecay(Ruled(unruled, rule), horizon, layer_multipliers=layer_multipliers, after=after)
        decay.take(optimizer)
        decay.step()
        return decay
    if plan is not None:
        within = optimizer.name if isinstance(optimizer, keras.Model) else None
        made = drive_plan(updating, plan, after, accumulation, within)
        made.remember({"plan": repr(plan.plan)})
    else:
        made = KerasSchedule(bound_of(unruled, horizon, after), accumulation=accumulation, rates=rates)
        drive_layers(updating, said)
        made.remember({"layer_multipliers": dict(said)} if said else {})
    updating.learning_rate = made
    if isinstance(optimizer, keras.Model):
        optimizer.train_function = None  # made again at the next fit, with what is attached now
    return Attached(updating, made)


def optimizer_of(call: str, given: Any) -> Any:
    """A Keras optimizer, or the one of a compiled model.

    Raises:
        InputError: it is neither.
    """
    found = getattr(given, "optimizer", None) if isinstance(given, keras.Model) else given
    if not isinstance(found, keras.optimizers.Optimizer):
        cure = "Call model.compile(optimizer=...) first." if isinstance(given, keras.Model) else ""
        msg = refusal(call, "must be a keras.optimizers.Optimizer or a compiled model", type(given).__name__, cure)
        raise InputError(msg)
    return found
