"""A functional training step as something a rising rate can be tried on: (state, batch) -> (state, loss).

Arrays of JAX do not change, so there is nothing to put back: every repeat starts from a copy of the state that was
given, and the caller's is never handed to the step, which may donate what it gets. What the step or the data change on
the side (arrays of numpy, the process's random state, a loader's generators) is put back, and a digest over all of it
is taken before and after.

A point is one update as the state counts them: calls that only gather gradients (``optax.MultiSteps``), or that
``optax.apply_if_finite`` skips, are averaged into the point that follows, at the same rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, final

import jax
import jax.numpy as jnp
import numpy as np
from attrs import frozen

from lrdecay.adapters.optax.rates import reseeded
from lrdecay.errors import InputError, refusal
from lrdecay.rangetest.passes import Recorded
from lrdecay.rangetest.repeats import along, one_point
from lrdecay.runs.seeding import RandomState, kept_random_state, random_state, seed_everything, set_random_state
from lrdecay.runs.trainable import FloatArray

__all__ = ["InProcess", "Kept", "Rates", "copied", "number_of", "structure"]


class Rates(Protocol):
    """How a state is driven."""

    def set(self, state: Any, rate: float) -> Any:
        """The state with this rate."""

    def check(self, state: Any, rate: float) -> None:
        """Raise `InputError` if a step was not made at this rate."""

    def made(self, state: Any) -> int | None:
        """Updates made; None: every call makes one."""


@frozen(eq=False)
class Kept:
    """What a step can change outside of what it is given."""

    state: Any  # a copy
    random: RandomState
    loaders: Sequence[Any]  # states of the loader's own generators


@final
class InProcess:
    """A step and its state, for `lrdecay.rangetest.repeats.measured`.

    Args:
        step: (state, batch) -> (state, loss); the loss is a number, or a mapping with one called "loss".
        state: a pytree.
        rates: how it is driven.
        batches: gives the batches.
        generators: the loader's own.
        heldout: the held-out loss of a state; None: there is none.
    """

    def __init__(
        self,
        step: Callable[[Any, Any], Any],
        state: Any,
        rates: Rates,
        batches: Recorded,
        *,
        generators: Sequence[Any] = (),
        heldout: Callable[[Any], float] | None = None,
    ) -> None:
        self._step, self._given, self._rates, self._batches = step, state, rates, batches
        self._generators, self._heldout = generators, heldout
        self._state = copied(state)
        self._calls = 0  # steps, where the state does not count them

    # ---- what a rising rate needs ----

    def advance(self, values: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        """One point per row of ``values["lr"]``."""
        return {"loss": np.array([self._point(rate) for rate in values["lr"].tolist()])}

    def evaluate(self, on: str = "heldout") -> Mapping[str, float]:
        """The held-out loss."""
        if self._heldout is None:
            msg = refusal("evaluate(on=...)", "must be a data set that was given", on)
            raise InputError(msg)
        with kept_random_state():
            return {"loss": self._heldout(copied(self._state))}

    def along_update(self) -> Callable[[float], float]:
        """See `lrdecay.rangetest.critical`."""
        self._batches.mark()
        start, random = copied(self._state), random_state()

        def back() -> None:
            self._state = copied(start)
            set_random_state(random)

        return along(back, self._batches.rewind, self._point)

    def snapshot(self) -> Kept:
        """A copy of the state, and what is not in it."""
        return Kept(copied(self._given), random_state(), [g.get_state() for g in self._generators])

    def restore(self, s: Kept) -> None:
        """The state was never handed out; arrays of numpy in it are written where something else did."""
        for given, kept in zip(jax.tree.leaves(self._given), jax.tree.leaves(s.state), strict=True):
            if isinstance(given, np.ndarray) and given.tobytes() != kept.tobytes():
                given[...] = kept
        set_random_state(s.random)
        for generator, state in zip(self._generators, s.loaders, strict=True):
            generator.set_state(state)

    def again(self, s: Kept, seed: int) -> None:
        """A copy of the state once more, with random state, keys and data order of another seed."""
        self._state = reseeded(copied(s.state), seed)
        seed_everything(seed)
        self._batches.begin(seed)

    def digest(self) -> str:
        """Of the state that was given, the random state and the loader's generators."""
        total = hashlib.sha256(repr(jax.tree.structure(self._given)).encode())
        for leaf in jax.tree.leaves(self._given):
            array = np.asarray(_bare(leaf))
            total.update(f"{array.dtype} {array.shape}".encode())
            total.update(array.tobytes())
        random = random_state()
        for name in sorted(random.tensors):
            total.update(random.tensors[name].tobytes())
        total.update(repr((random.state, [np.asarray(g.get_state()).tobytes() for g in self._generators])).encode())
        return total.hexdigest()

    # ---- one point ----

    def _point(self, rate: float) -> float:
        def call() -> float:
            result = self._step(self._rates.set(self._state, rate), self._batches.next())
            if not isinstance(result, tuple | list) or len(result) != 2:
                msg = refusal("step(state, batch)", "must return (state, loss)", type(result).__name__)
                raise InputError(msg)
            loss = number_of(result[1], "step(state, batch)")
            if structure(result[0]) != structure(self._state):
                found = type(result[0]).__name__
                msg = refusal("step(state, batch)", "must return a state like the one it was given", found)
                raise InputError(msg)
            self._state = result[0]
            self._rates.check(self._state, rate)
            self._calls += 1
            return loss

        cure = "Does it update the state that it was given?"
        return one_point(call, self._made, "step(state, batch)", cure)

    def _made(self) -> int:
        counted = self._rates.made(self._state)
        return self._calls if counted is None else counted


def structure(state: Any) -> Any:
    """The shape of a pytree, for comparing."""
    return jax.tree.structure(state)


def copied(state: Any) -> Any:
    """The state in buffers of its own."""
    return jax.tree.map(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray | jax.Array) else leaf, state)


def number_of(loss: Any, call: str) -> float:
    """A loss as a float.

    Raises:
        InputError: it is not a single number.
    """
    loss = loss.get("loss") if isinstance(loss, Mapping) else loss
    number = isinstance(loss, float | int | np.number) or (hasattr(loss, "shape") and loss.shape == ())
    if not number or isinstance(loss, bool):
        found = f"an array of shape {tuple(loss.shape)}" if hasattr(loss, "shape") else type(loss).__name__
        msg = refusal(call, "must give the loss as a single number", found, "Take its mean, and return it.")
        raise InputError(msg)
    return float(loss)


def _bare(leaf: Any) -> Any:
    """A random key as the numbers it holds; anything else as it is."""
    typed = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if typed else leaf
