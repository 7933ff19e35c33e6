"""Where a training state keeps its learning rate, and how a state with another rate is made from it.

A state is any pytree: an optimizer state, a tuple (params, opt_state), a train state class that is registered as one.
Wherever `optax.inject_hyperparams` made a part of it, that part has

    hyperparams["learning_rate"]   the rate of the next update
    count                          the updates made

Several of them (of ``optax.multi_transform``) keep their ratios: each gets the rate times its share of the largest.
"""

from __future__ import annotations

from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from lrdecay.errors import InputError, refusal

__all__ = ["InjectedRates", "reseeded"]


@final
class InjectedRates:
    """The learning rates that `optax.inject_hyperparams` put into a state.

    Args:
        state: where to look.
        call: the argument it came by, for messages.
        cure: what to give where there are none.
        shares: of each the share of the largest, where that is known already.

    Attributes:
        shares: of each the share of the largest.

    Raises:
        InputError: there are none, there are not as many as shares, or all are zero and no shares are known.
    """

    def __init__(self, state: Any, call: str, cure: str, shares: list[float] | None = None) -> None:
        leaves = jax.tree_util.tree_flatten_with_path(state)[0]
        at = {tuple(map(_name, path)): i for i, (path, _) in enumerate(leaves)}
        self._rates = [i for path, i in at.items() if path[-2:] == ("hyperparams", "learning_rate")]
        if not self._rates:
            msg = refusal(call, "must hold a learning rate that can be set", "none", cure)
            raise InputError(msg)
        counts = [at.get((*path[:-2], "count")) for path in at if path[-2:] == ("hyperparams", "learning_rate")]
        self._counts = [i for i in counts if i is not None]
        if shares is not None and len(shares) != len(self._rates):
            msg = refusal(call, f"must hold {len(shares)} learning rates, as before", len(self._rates))
            raise InputError(msg)
        if shares is not None:
            self.shares = shares
            return
        rates = [float(np.max(np.asarray(leaves[i][1]))) for i in self._rates]
        if not max(rates) > 0:
            cure = "Give the groups rates in the ratios you want."
            msg = refusal(call, "must have a positive learning rate", rates, cure)
            raise InputError(msg)
        self.shares = [rate / max(rates) for rate in rates]

    def set(self, state: Any, rate: float) -> Any:
        """The state with this rate, of the largest group."""
        leaves, structure = jax.tree.flatten(state)
        for i, share in zip(self._rates, self.shares, strict=True):
            leaves[i] = _like(leaves[i], rate * share)
        return jax.tree.unflatten(structure, leaves)

    def check(self, state: Any, rate: float) -> None:
        """Raise `InputError` if a step was not made at the rate that was set: a schedule wrote it anew."""
        leaves = jax.tree.leaves(state)
        for i, share in zip(self._rates, self.shares, strict=True):
            if not np.array_equal(np.asarray(leaves[i]), np.asarray(_like(leaves[i], rate * share))):
                rule = f"must keep the learning rate {rate * share:.3g} that was set"
                found = float(np.max(np.asarray(leaves[i])))
                cure = "A schedule writes it: search with a plain rate, or with the factory as optimizer=."
                msg = refusal("find(...)", rule, found, cure)
                raise InputError(msg)

    def made(self, state: Any) -> int | None:
        """Updates made; None where the state does not count them."""
        leaves = jax.tree.leaves(state)
        return max((int(np.max(np.asarray(leaves[i]))) for i in self._counts), default=None)


def reseeded(state: Any, seed: int) -> Any:
    """The state with the seed folded into every typed random key in it, ``jax.random.key``; others stay."""

    def moved(leaf: Any) -> Any:
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            flat = [jax.random.fold_in(key, seed) for key in leaf.reshape(-1)]
            return jnp.stack(flat).reshape(leaf.shape)
        return leaf

    return jax.tree.map(moved, state)


def _like(leaf: Any, rate: float) -> Any:
    """The rate, as what was there."""
    return jnp.full_like(leaf, rate) if hasattr(leaf, "dtype") else rate


def _name(key: Any) -> Any:
    """The name of a step in a path: of an attribute, a key or a position."""
    for attribute in ("name", "key", "idx"):
        if hasattr(key, attribute):
            return getattr(key, attribute)
    return str(key)
