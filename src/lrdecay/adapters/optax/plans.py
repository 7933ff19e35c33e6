"""An optax optimizer whose hyperparameters follow a schedule or a plan: `attach`, and `seek` for its state.

    optimizer = attach(optax.adamw, "cosine(3e-4)", Horizon(steps=10_000), b2=0.95, weight_decay=0.1)
    state = optimizer.init(parameters)

It is ``optax.inject_hyperparams`` over the factory: the state is a plain pytree whose ``count`` is the updates made and
whose ``hyperparams`` are what the last update was made with. What a plan says goes to the factory's arguments:

    lr -> learning_rate    beta1 -> b1    beta2 -> b2    momentum, weight_decay: by their own names

A plan's values are those of its updates; past the end the last is held. A batch size is left to the loader.

Wrappers belong outside. ``optax.MultiSteps(attach(...), k)`` then counts one update for k micro batches, and
``optax.apply_if_finite(attach(...), n)`` none for a skipped one; inside the factory, both would be counted.
A plan's groups are labels, as ``optax.multi_transform`` takes them: one optimizer per group, each with its own values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lrdecay.adapters.binding import COMPILED, bound_of, curve_of, plan_of
from lrdecay.adapters.optax.schedule import OptaxSchedule, schedule
from lrdecay.errors import Constraint, InputError, did_you_mean, non_negative_int, refusal
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import BoundPlan, Horizon, Plan
from lrdecay.schedule.plan_selection import select

__all__ = ["attach", "labels_of", "seek"]

_ARGUMENTS = {"lr": ("learning_rate",), "beta1": ("b1",), "beta2": ("b2", "decay_rate")}
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
        labels: which label of the plan each parameter has: a pytree of labels, of the parameters' structure or a prefix
            of it, or a function of the parameters that gives one. By default the plan's own patterns choose, by the
            parameters' keys with dots between them ("layers.0.kernel").
        after: the end policy, "hold" by default, or "repeat".
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule.
        static: names of constants that must stay Python values, which optax would make arrays of.
        constants: the factory's other arguments.

    Raises:
        InputError: an argument does not fit, the factory lacks one that is scheduled, or one is given twice.
    """
    _a_factory.check("attach(make_optimizer)", make_optimizer)
    plan = plan_of(spec, horizon)
    if plan is not None:
        if rates is not None:
            msg = refusal("attach(rates=...)", "must be left out for a plan", "rates")
            raise InputError(msg)
        per_group = {group: _curves(plan, group, after) for group in plan.groups}
    else:
        per_group = {"": {"lr": schedule(bound_of(spec, horizon, after, COMPILED), rates=rates)}}
    made = {
        group: optax.inject_hyperparams(make_optimizer, static_args=tuple(static))(
            **_arguments(make_optimizer, curves, constants), **constants
        )
        for group, curves in per_group.items()
    }
    if plan is None or len(made) == 1:
        return made[""]
    return optax.multi_transform(made, labels_of(plan.plan) if labels is None else labels)


def labels_of(plan: Plan) -> Callable[[Any], Any]:
    """A function from the parameters to the plan's label of each, for ``optax.multi_transform``.

    It raises `InputError` where a pattern matches no parameter, or the layers are not those of the parameters.
    """

    def labels(parameters: Any) -> Any:
        leaves, structure = jax.tree_util.tree_flatten_with_path(parameters)
        named = [(jax.tree_util.keystr(path, simple=True, separator="."), leaf) for path, leaf in leaves]
        found = {name: label for label, held in select(plan, named).items() for name, _ in held}
        return jax.tree.unflatten(structure, [found[name] for name, _ in named])

    return labels


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
        if name != "batch_size":  # the loader's business
            curves[name] = schedule(curve_of(plan, name, group, after))
    return curves


def _arguments(make: Callable[..., Any], curves: Mapping[str, OptaxSchedule], constants: Mapping[str, Any]) -> Any:
    """The factory's arguments that are scheduled."""
    known = inspect.signature(make).parameters
    named: dict[str, OptaxSchedule] = {}
    for name, curve in curves.items():
        argument = next((a for a in (name, *_ARGUMENTS.get(name, ())) if a in known), None)
        if argument is None:
            takes = f"must take {' or '.join((name, *_ARGUMENTS.get(name, ())))}, which is scheduled"
            msg = refusal("attach(make_optimizer)", takes, ", ".join(known), did_you_mean(name, known))
            raise InputError(msg)
        if argument in constants:
            cure = f"The schedule says {argument}; leave the constant out."
            msg = refusal(f"attach({argument}=...)", "must be said once", constants[argument], cure)
            raise InputError(msg)
        named[argument] = curve
    return named
