"""`find` in process: a range test on a JAX training loop, at the start or in the middle of training.

    find(loss, params=params, optimizer=optax.adam, data=(x, y), batch_size=32).suggestion    # loss(params, batch)
    find(step, state=state, batches=batches).suggestion                    # step(state, batch) -> (state, loss)

In the second form the step is yours, compiled or not, and the state any pytree whose optimizer was made by
``optax.inject_hyperparams``. Nothing of yours is changed. `lrdecay.find(...)` is this with intervals and JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, final

import jax
import numpy as np

from lrdecay.adapters.optax.in_process import InProcess, Rates, number_of
from lrdecay.adapters.optax.rates import InjectedRates
from lrdecay.adapters.optax.stepping import training
from lrdecay.errors import Constraint, InputError, positive_int, refusal
from lrdecay.rangetest.driver import rising_rates
from lrdecay.rangetest.passes import Batches, Recorded, Samples, Source
from lrdecay.rangetest.repeats import Measured, measured
from lrdecay.runs.seeding import kept_random_state

__all__ = ["find"]

_a_function = Constraint(
    "must be a function", callable, "loss(params, batch) with params=, or step(state, batch) with state=."
)
_USUAL = 32  # samples in a batch of arrays
_CURE = "Its data, or its step, change what was given."


def find(
    function: Callable[..., Any],
    *,
    params: Any = None,
    optimizer: Any = None,
    opt_state: Any = None,
    key: Any = None,
    state: Any = None,
    set_rate: Callable[[Any, float], Any] | None = None,
    batches: Iterable[Any] | None = None,
    data: Any = None,
    batch_size: int | None = None,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    heldout: Callable[[Any], Any] | Iterable[Any] | None = None,
    heldout_every: int = 5,
) -> Measured:
    """Raise the rate of the largest group from low to high, a few times over from the state at hand.

    Args:
        function: ``loss(params, batch)``, a scalar, with ``params`` and ``optimizer``; or ``step(state, batch)``, which
            gives (state, loss), with ``state``. A loss may be a mapping with one called "loss".
        params: a pytree of parameters.
        optimizer: a factory such as ``optax.adam`` or ``lambda learning_rate: optax.chain(...)``, or a transformation
            by ``optax.inject_hyperparams``, alone or inside others.
        opt_state: its state, where training has begun.
        key: a random key; the loss is then called with a third argument, split off it at every step.
        state: a pytree; groups keep the ratios of the learning rates in it.
        set_rate: ``set_rate(state, rate)`` gives a state with this rate, where ``optax.inject_hyperparams`` is not
            used; every call then makes one update.
        batches: anything that gives batches in a fresh pass each time it is iterated.
        data: or a pytree of arrays with as many samples each, shuffled by the repeat's seed.
        batch_size: of ``data``, 32 by default.
        seed: the repeats seed the process's and the loader's generators with FIRST_SEED + seed, and on; it is folded
            into typed random keys in the state.
        repeats: curves, each from the same state, with its own data order.
        points: updates in a curve.
        low: first rate.
        high: last rate.
        ramp: "exponential" or "linear".
        heldout: a function of the parameters (of the state, with a step) that gives the held-out loss; or batches, with
            a loss: the mean over them.
        heldout_every: points from one held-out loss to the next.

    Raises:
        InputError: something asked for cannot be done.
        RunError: the loss is not finite from the start, or no update is ever made.
    """
    _a_function.check("find(function)", function)
    if (params is None) == (state is None):
        rule = "must be given params=... and optimizer=... for a loss, or state=... for a step"
        msg = refusal("find(function)", rule, "neither" if params is None else "both")
        raise InputError(msg)
    positive_int.check("find(heldout_every=...)", heldout_every)
    rates = rising_rates(low, high, points, ramp)
    source = _source(batches, data, batch_size)
    rated: Rates
    if state is not None:
        _refuse_beside("state", params=params, optimizer=optimizer, opt_state=opt_state, key=key)
        step, begin = function, state
        cure = "Make its optimizer by optax.inject_hyperparams(factory)(learning_rate=...), or give set_rate=..."
        rated = InjectedRates(state, "find(state=...)", cure) if set_rate is None else _Given(set_rate)
    else:
        _refuse_beside("params", set_rate=set_rate)
        step, begin, rated = training(function, params, optimizer, opt_state, key)
    with kept_random_state():  # held-out batches may be drawn
        measure = None if heldout is None else _held_out(heldout, function, key, of_state=state is not None)
    process = InProcess(step, begin, rated, Recorded(source), generators=source.generators(), heldout=measure)
    return measured(
        process,
        rates,
        label=getattr(function, "__name__", type(function).__name__),
        seed=seed,
        repeats=repeats,
        heldout_every=None if heldout is None else heldout_every,
        notes=source.notes,
        cure=_CURE,
    )


def _source(batches: Iterable[Any] | None, data: Any, batch_size: int | None) -> Source:
    """The data, over and over.

    Raises:
        InputError: none or both are given, or they do not fit.
    """
    if (batches is None) == (data is None):
        got = "neither" if data is None else "both"
        msg = refusal("find(...)", "must be given batches=..., or data=... with batch_size=...", got)
        raise InputError(msg)
    if batches is not None:
        _refuse_beside("batches", batch_size=batch_size)
        return Batches(batches, "find(batches=...)", "Give what makes it, such as a list or a loader.")
    lengths = {len(a) if getattr(a, "ndim", 0) else 1 for a in jax.tree.leaves(data)}
    if len(lengths) != 1:
        msg = refusal("find(data=...)", "must hold as many samples in all arrays", sorted(lengths))
        raise InputError(msg)
    take = lambda indices: jax.tree.map(lambda a: a[indices], data)  # noqa: E731
    return Samples(lengths.pop(), _USUAL if batch_size is None else batch_size, take)


def _refuse_beside(what: str, **others: Any) -> None:
    """Raise `InputError` if an argument was given that the chosen way does not take."""
    for name, value in others.items():
        if value is not None:
            msg = refusal(f"find({name}=...)", f"must not be given with {what}", type(value).__name__)
            raise InputError(msg)


def _held_out(given: Any, loss: Callable[..., Any], key: Any, *, of_state: bool) -> Callable[[Any], float]:
    """The held-out loss of a state.

    Raises:
        InputError: batches without a loss to measure, or none at all.
    """
    call = "find(heldout=...)"
    if callable(given):
        return lambda state: number_of(given(state if of_state else state.params), call)
    if of_state:
        msg = refusal(call, "must be a function of the state with a step", type(given).__name__)
        raise InputError(msg)
    batches = list(given)
    if not batches:
        msg = refusal(call, "must hold at least one batch", "none")
        raise InputError(msg)
    compiled, drawn = jax.jit(loss), () if key is None else (key,)
    return lambda state: float(np.mean([number_of(compiled(state.params, b, *drawn), call) for b in batches]))


@final
class _Given:
    """The user's own way to set the rate; every call makes an update."""

    def __init__(self, set_rate: Callable[[Any, float], Any]) -> None:
        self._set_rate = set_rate

    def set(self, state: Any, rate: float) -> Any:
        """The state with this rate."""
        return self._set_rate(state, rate)

    def check(self, state: Any, rate: float) -> None:
        """It cannot be seen."""

    def made(self, state: Any) -> None:
        """Not counted."""
