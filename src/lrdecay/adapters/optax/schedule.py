"""A schedule as optax takes it: a callable from the count of updates to the rate, for jit, vmap and grad.

    f = schedule("warmup(500) + cosine(0.1)", Horizon(steps=10_000))
    optimizer = optax.sgd(f, momentum=0.9)

Every optax schedule works its formula out in float32 from a float32 count. This one looks the rate up:

    f(count) = float32(r_t),    t = min(count, steps) under "hold",  count mod steps under "repeat"

with r_t the float64 rate that every other framework gets, rounded once; under ``jax_enable_x64`` r_t itself. The count
is what optax hands over: the updates made before this one. A float count means its whole part, and its gradient is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from lrdecay.adapters.binding import COMPILED, LONGEST, bound_of, single, table_of
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["OptaxSchedule", "schedule"]

_CURE = 'Take optax.inject_hyperparams and set hyperparams["learning_rate"] to bound(t) from the host.'


@final
@frozen(hash=True)
class OptaxSchedule:
    """``f(count) -> rate``; made by `schedule`. Equal and hashable by what was said, so it may be a static argument.

    A pytree without leaves: it goes through ``jax.jit`` as an argument too. Pickled, it is its notation and horizon.
    """

    bound: Bound
    _table: NDArray[np.float64] = field(eq=False, repr=False)
    _single: NDArray[np.float32] | None = field(eq=False, repr=False)  # None where it was made under x64

    def __call__(self, count: Any) -> jax.Array:
        """The rate of update ``count`` >= 0, of its shape: float32, or float64 under x64."""
        table = self._table if _x64() else self._in_float32()
        if isinstance(count, jax.core.Tracer):
            return jnp.take(jnp.asarray(table), self._index(count, jnp), mode="clip")
        return jnp.asarray(table[np.maximum(self._index(np.asarray(count), np), 0)])  # known now: found on the host

    def _index(self, count: Any, xp: Any) -> Any:
        if not xp.issubdtype(count.dtype, xp.integer):
            count = xp.floor(count).astype(int)
        return count % self.bound.steps if self.bound.after == "repeat" else xp.minimum(count, self.bound.steps)

    def _in_float32(self) -> NDArray[np.float32]:
        return single(self._table) if self._single is None else self._single

    def __reduce__(self) -> tuple[Callable[..., OptaxSchedule], tuple[object, ...]]:
        return _read, (repr(self.bound.schedule), self.bound.horizon.to_json(), self.bound.after)


def schedule(
    spec: Schedule | Bound | str,
    horizon: Horizon | None = None,
    *,
    after: str | None = None,
    rates: FloatArray | ArrayLike | None = None,
) -> OptaxSchedule:
    """A schedule for the ``learning_rate`` of any optax optimizer.

    Args:
        spec: a schedule, its text notation, or one bound already (then leave ``horizon`` out).
        horizon: the length of the run and its units; at most 10 million updates.
        after: the end policy, "hold" by default, or "repeat". A compiled function cannot raise.
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule, which is then not evaluated.

    Raises:
        InputError: an argument does not fit, the schedule's peak is open, the run is too long for a table, or a rate is
            above what float32 holds and x64 is off.

    Example:
        >>> f = schedule("cosine(0.1)", Horizon(steps=4))
        >>> [round(float(jax.jit(f)(t)), 4) for t in range(5)]
        [0.1, 0.0854, 0.05, 0.0146, 0.0]
    """
    bound = bound_of(spec, horizon, after, COMPILED)
    table = table_of(bound, rates, LONGEST, _CURE)
    return OptaxSchedule(bound, table, None if _x64() else single(table))


def _x64() -> bool:
    return jax.dtypes.canonicalize_dtype(np.float64) == np.float64


def _read(notation: str, horizon: dict[str, Any], after: str) -> OptaxSchedule:
    return schedule(notation, Horizon(**horizon), after=after)


jax.tree_util.register_pytree_node(OptaxSchedule, lambda f: ((), f), lambda f, _: f)
