"""An optax optimizer whose hyperparameters follow a schedule or a plan: `attach`, and `seek` for its state.

    optimizer = attach(optax.adamw, "cosine(3e-4)", Horizon(steps=10_000), b2=0.95, weight_decay=0.1)
    state = optimizer.init(parameters)

It is ``optax.inject_hyperparams`` over the factory: the state is a plain pytree whose ``count`` is the updates made and
whose ``hyperparams`` are what the last update was made with. What a plan says goes to the factory's arguments:

    lr -> learning_rate    momentum -> momentum or b1    weight_decay -> weight_decay    any other: by its own name

Wrappers belong outside. ``optax.MultiSteps(attach(...), k)`` then counts one update for k micro batches, and
``optax.apply_if_finite(attach(...), n)`` none for a skipped one; inside the factory, both would be counted.
Groups are labels, as ``optax.multi_transform`` takes them: one optimizer per group, each with its own values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax

from lrdecay.adapters.binding import COMPILED, BoundPlan, bound_of, is_plan
from lrdecay.adapters.optax.schedule import OptaxSchedule, schedule
from lrdecay.errors import Constraint, InputError, did_you_mean, non_negative_int, refusal
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Horizon, tabulated

__all__ = ["attach", "seek"]

_ARGUMENTS = {"lr": ("learning_rate", "lr"), "momentum": ("momentum", "b1", "decay"), "weight_decay": ("weight_decay",)}
_a_factory = Constraint("must be what makes an optimizer", callable, "Such as optax.adam.")
_COUNTED = (optax.ScaleByScheduleState, optax.InjectStatefulHyperparamsState)


def attach(
    make_optimizer: Callable[..., Any],
    spec: Any,
    horizon: Horizon | None = None,
    *,
    labels: Any = None,
    after: str | None = None,
    rates: FloatArray | None = None,
    static: Iterable[str] = (),
    **constants: Any,
) -> optax.GradientTransformationExtraArgs:
    """Make an optimizer whose learning rate, and whatever else a plan says, is scheduled.

    Args:
        make_optimizer: what makes it, such as ``optax.adamw``, or a function of yours with the same arguments.
        spec: a schedule, its notation, or a plan; bound already or not.
        horizon: the length of the run and its units; at most 10 million updates.
        labels: for a plan with groups: a pytree of group names, of the parameters' structure or a prefix of it, or a
            function of the parameters that gives one. "" labels what is in no group.
        after: the end policy, "hold" by default, or "repeat".
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule.
        static: names of constants that must stay Python values, which optax would make arrays of.
        constants: the factory's other arguments.

    Raises:
        InputError: an argument does not fit, the factory lacks one that is scheduled, or one is given twice.
    """
    _a_factory.check("attach(make_optimizer)", make_optimizer)
    if is_plan(spec):
        if rates is not None:
            msg = refusal("attach(rates=...)", "must be left out for a plan", "rates")
            raise InputError(msg)
        plan = cast("BoundPlan", spec if isinstance(spec, BoundPlan) else spec.bind(horizon))
        names = [str(group) for group in plan.groups]
        per_group = {group: _curves(plan, group, after) for group in dict.fromkeys(["", *names])}
    else:
        per_group = {"": {"lr": schedule(bound_of(spec, horizon, after, COMPILED), rates=rates)}}
    made = {
        group: optax.inject_hyperparams(make_optimizer, static_args=tuple(static))(
            **_arguments(make_optimizer, curves, constants), **constants
        )
        for group, curves in per_group.items()
    }
    if labels is None:
        if len(made) > 1:
            cure = "Give labels=, a pytree of these names or a function of the parameters."
            msg = refusal("attach(labels=...)", "must say which parameters are in which group", sorted(made), cure)
            raise InputError(msg)
        return made[""]
    return optax.multi_transform(made, labels)


def seek(state: Any, step: int) -> Any:
    """The optimizer's state as if ``step`` updates had been made: every scheduled value is the one of that update.

    Counts of optimizers, such as Adam's own for its bias correction, stay; a checkpoint of the state needs no `seek`.

    Raises:
        InputError: not an integer >= 0, or nothing in the state is scheduled.
    """
    non_negative_int.check("seek(step)", step)
    found = 0

    def sought(node: Any) -> Any:
        nonlocal found
        if not isinstance(node, _COUNTED):
            return node
        found += 1
        node = node._replace(count=jnp.full_like(node.count, step))
        if isinstance(node, optax.InjectStatefulHyperparamsState):
            counts = jax.tree.map(lambda count: jnp.full_like(count, step), node.hyperparams_states)
            inner = jax.tree.map(sought, node.inner_state, is_leaf=lambda n: isinstance(n, _COUNTED))
            node = node._replace(hyperparams_states=counts, inner_state=inner)
        return node

    moved = jax.tree.map(sought, state, is_leaf=lambda node: isinstance(node, _COUNTED))
    if not found:
        cure = "Give the state that attach(...).init(parameters) made."
        msg = refusal("seek(state)", "must hold a scheduled value", type(state).__name__, cure)
        raise InputError(msg)
    return moved


def _curves(plan: BoundPlan, group: str, after: str | None) -> dict[str, OptaxSchedule]:
    """What the plan says for a group, each as a schedule of its table."""
    curves = {}
    for name in plan.names:
        values = plan.values(name, group)
        listed = tabulated(values.tolist()).bind(Horizon(steps=len(values)), "hold" if after is None else after)
        curves[str(name)] = schedule(listed)
    return curves


def _arguments(make: Callable[..., Any], curves: Mapping[str, OptaxSchedule], constants: Mapping[str, Any]) -> Any:
    """The factory's arguments that are scheduled."""
    known = inspect.signature(make).parameters
    named: dict[str, OptaxSchedule] = {}
    for name, curve in curves.items():
        argument = next((a for a in (name, *_ARGUMENTS.get(name, ())) if a in known), None)
        if argument is None:
            takes = f"must take {' or '.join(_ARGUMENTS.get(name, (name,)))}, which is scheduled"
            msg = refusal("attach(make_optimizer)", takes, ", ".join(known), did_you_mean(name, known))
            raise InputError(msg)
        if argument in constants:
            cure = f"The schedule says {argument}; leave the constant out."
            msg = refusal(f"attach({argument}=...)", "must be said once", constants[argument], cure)
            raise InputError(msg)
        named[argument] = curve
    return named
