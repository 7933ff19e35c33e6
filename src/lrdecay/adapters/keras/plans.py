"""A plan inside a Keras optimizer: rates, momentum and weight decay of every group, looked up in the compiled step.

    attach(model, plan(lr=cosine(3e-4), beta1=..., weight_decay=0.1, groups={"*.bias": group(weight_decay=0)}), H)

A variable's name is its path within the model, with dots: "encoder.dense_1.kernel". Keras reads the attributes below,
as plain numbers, wherever it updates a variable. While it updates those of one group, they are that group's values:

    momentum -> momentum    beta1 -> beta_1    beta2 -> beta_2    weight_decay -> weight_decay

Afterwards they are what they were, which is what is saved. Keras' weight decay shrinks by lr * weight_decay, as a plan
takes it. A batch size is left to the loader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import keras

from lrdecay.adapters.binding import curve_of
from lrdecay.adapters.keras.layers import give_back, replace_updates
from lrdecay.adapters.keras.schedule import KerasSchedule
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import BoundPlan
from lrdecay.schedule.plan_selection import select

__all__ = ["drive_plan"]

_ATTRIBUTES = {"momentum": "momentum", "beta1": "beta_1", "beta2": "beta_2", "weight_decay": "weight_decay"}


@final
class _NotZero:
    """A traced momentum. Keras asks whether it is 0 or above, which a number that is not known yet cannot say."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __ne__(self, other: object) -> bool:
        return True

    def __gt__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __jax_array__(self) -> Any:
        return self._value


def drive_plan(
    optimizer: Any, plan: BoundPlan, after: str | None, accumulation: int, within: str | None
) -> KerasSchedule:
    """Let a plan drive the variables of a built optimizer; gives the schedule of the default group.

    Args:
        optimizer: the one that updates.
        plan: what to drive it by.
        after: the end policy.
        accumulation: micro batches in an update.
        within: the name of the model, with which Keras begins the paths of some models' variables.

    Raises:
        InputError: the optimizer is not built, lacks what is planned, or the plan's patterns do not fit the variables.
    """
    if not optimizer.built:
        cure = "Build the model first, model.build(shape), and then optimizer.build(model.trainable_variables)."
        msg = refusal("attach(plan)", "must know the optimizer's variables", "one not built", cure)
        raise InputError(msg)
    attributes = {name: _ATTRIBUTES[name] for name in plan.names if name in _ATTRIBUTES}
    for name, attribute in attributes.items():
        usable = hasattr(optimizer, attribute) and (name != "momentum" or optimizer.momentum != 0)
        if not usable:
            cure = f"Build it with {attribute}=, more than 0." if name == "momentum" else ""
            msg = refusal("attach(plan)", f"must have an optimizer with {attribute}", type(optimizer).__name__, cure)
            raise InputError(msg)
    variables = optimizer._trainable_variables
    begins = f"{within}/" if all(v.path.startswith(f"{within}/") for v in variables) else ""
    held = select(plan.plan, [(v.path.removeprefix(begins).replace("/", "."), v) for v in variables])
    group_of = {v.path: label for label, named in held.items() for _, v in named}
    curves: dict[str, dict[str, KerasSchedule]] = {
        label: {
            name: KerasSchedule(curve_of(plan, name, label, after), accumulation=accumulation)
            for name in ("lr", *attributes)
        }
        for label in {"": None, **held}
    }
    give_back(optimizer)
    replace_updates(optimizer, group_of, lambda label: _set(optimizer, curves[label], attributes))
    return curves[""]["lr"]


@contextmanager
def _set(optimizer: Any, curves: Mapping[str, KerasSchedule], attributes: Mapping[str, str]) -> Iterator[Any]:
    """Inside, the optimizer's attributes and its learning rate, which is given, are those of one group at t."""
    kept = {name: getattr(optimizer, name) for name in ("_learning_rate", *attributes.values())}
    try:
        optimizer._learning_rate = curves["lr"]
        for name, attribute in attributes.items():
            value = curves[name](optimizer._iterations)
            symbolic = name == "momentum" and keras.backend.backend() == "jax"
            setattr(optimizer, attribute, _NotZero(value) if symbolic else value)
        yield optimizer.learning_rate
    finally:
        for attribute, value in kept.items():
            setattr(optimizer, attribute, value)
