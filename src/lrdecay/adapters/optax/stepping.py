"""A training step made of a loss and an optax optimizer, with a rate that can be set.

    state = (params, opt_state, rate, key);    step(state, batch) -> (state, loss)

An optimizer *factory*, such as ``optax.adam``, is called with the rate inside the compiled step, so that its state is
that of the factory's own optimizer: a warm one goes in as it is. Of a transformation that was made already, the rate is
the one that ``optax.inject_hyperparams`` put into its state.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import optax

from lrdecay.adapters.optax.in_process import Rates, structure
from lrdecay.adapters.optax.rates import InjectedRates
from lrdecay.errors import InputError, refusal

__all__ = ["Training", "training"]


class Training(NamedTuple):
    """The state of a loop over a loss; a pytree."""

    params: Any
    opt_state: Any
    rate: Any  # a scalar, of a factory; None: it is in opt_state
    key: Any  # None: the loss takes none


def training(
    loss: Callable[..., Any], params: Any, optimizer: Any, opt_state: Any, key: Any
) -> tuple[Callable[[Any, Any], Any], Training, Rates]:
    """The compiled step, the state to begin from, and how it is driven.

    Args:
        loss: ``loss(params, batch)``, or with a key ``loss(params, batch, key)``; a scalar.
        params: a pytree.
        optimizer: a factory with ``learning_rate``, or a transformation whose rate is injected.
        opt_state: the optimizer's state; None: a fresh one.
        key: a random key; each step gets one split off it.

    Raises:
        InputError: the optimizer's rate cannot be set, or the state is not the optimizer's.
    """
    made: Callable[[Any], Any]
    rates: Rates
    if hasattr(optimizer, "update") and hasattr(optimizer, "init"):
        made, start = lambda _: optimizer, None
        opt_state = optimizer.init(params) if opt_state is None else opt_state
        cure = "Give the factory, such as optax.adam, or optax.inject_hyperparams(factory)(learning_rate=...)."
        injected = InjectedRates(opt_state, "find(optimizer=...)", cure)
        _check_state(opt_state, optimizer, params)
        rates = _Within(injected)
    else:
        made, opt_state = _of_factory(optimizer, params, opt_state)
        start, rates = jnp.float32(0), _Beside()
    if key is not None and not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.wrap_key_data(key)

    @jax.jit
    def step(state: Training, batch: Any) -> tuple[Training, Any]:
        key, *drawn = (None,) if state.key is None else jax.random.split(state.key)
        value, gradients = jax.value_and_grad(_scalar(loss))(state.params, batch, *drawn)
        updates, after = made(state.rate).update(gradients, state.opt_state, state.params)
        return Training(optax.apply_updates(state.params, updates), after, state.rate, key), value

    return step, Training(params, opt_state, start, key), rates


def _scalar(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The loss, refused where it is not a single number."""

    def checked(params: Any, batch: Any, *key: Any) -> Any:
        value = loss(params, batch, *key)
        if getattr(value, "shape", None) != ():
            shape = getattr(value, "shape", None)
            found = type(value).__name__ if shape is None else f"an array of shape {tuple(shape)}"
            msg = refusal("loss(params, batch)", "must give a single number", found, "Take its mean, and return it.")
            raise InputError(msg)
        return value

    return checked


def _of_factory(factory: Any, params: Any, opt_state: Any) -> tuple[Callable[[Any], Any], Any]:
    """What makes the optimizer at a rate, and its state.

    Of a rate that is a schedule, optax keeps a count in the state; a warm state says which of the two it was made by.
    """
    call = "find(optimizer=...)"
    if not callable(factory):
        rule = "must be an optax factory, or a transformation with an injected learning rate"
        msg = refusal(call, rule, type(factory).__name__, "Such as optax.adam.")
        raise InputError(msg)
    known = inspect.signature(factory).parameters
    if "learning_rate" not in known and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        cure = "Such as optax.adam, or lambda learning_rate: optax.chain(...)."
        msg = refusal(call, "must be a factory that takes learning_rate", factory, cure)
        raise InputError(msg)
    made: Callable[[Any], Any] = lambda rate: factory(learning_rate=rate)  # noqa: E731
    if opt_state is None:
        return made, made(1.0).init(params)
    if _shape_of(made(1.0), params) == structure(opt_state):
        return made, opt_state
    scheduled: Callable[[Any], Any] = lambda rate: factory(learning_rate=lambda _count: rate)  # noqa: E731
    _check_state(opt_state, scheduled(1.0), params)
    return scheduled, opt_state


def _check_state(opt_state: Any, optimizer: Any, params: Any) -> None:
    """Raise `InputError` if the state is not one of the optimizer's for these parameters."""
    if _shape_of(optimizer, params) != structure(opt_state):
        rule = "must be the state of the optimizer that was given"
        msg = refusal("find(opt_state=...)", rule, type(opt_state).__name__)
        raise InputError(msg)


def _shape_of(optimizer: Any, params: Any) -> Any:
    return structure(jax.eval_shape(optimizer.init, params))


@final
class _Beside:
    """The rate beside the optimizer's state; every call makes an update."""

    def set(self, state: Any, rate: float) -> Any:
        """Put it there."""
        return state._replace(rate=jnp.float32(rate))

    def check(self, state: Any, rate: float) -> None:
        """Nothing else writes it."""

    def made(self, state: Any) -> None:
        """Not counted."""


@final
class _Within:
    """The rate inside the optimizer's state."""

    def __init__(self, injected: InjectedRates) -> None:
        self._injected = injected

    def set(self, state: Any, rate: float) -> Any:
        """Put it there."""
        return state._replace(opt_state=self._injected.set(state.opt_state, rate))

    def check(self, state: Any, rate: float) -> None:
        """See `InjectedRates.check`."""
        self._injected.check(state.opt_state, rate)

    def made(self, state: Any) -> int | None:
        """See `InjectedRates.made`."""
        return self._injected.made(state.opt_state)
