"""Multipliers of layers: update t of a variable is made at f(t) * m, with m given by patterns of names.

    layer_multipliers={"dense_1": 0.1, "encoder/*": 0.5, "bias": 2.0}

A pattern, as in a shell, matches the path of a variable ("model/dense_1/kernel") or any run of its parts
("dense_1/kernel"). A variable that none matches has 1. Patterns that give one variable different multipliers are
refused: the order says nothing.

Scaling the gradient would be wrong (Adam divides it out again), so it is the rate that each variable's update and
weight decay see. Keras has one rate for all variables; what is replaced is the optimizer's own, on this instance only:

    update_step, _parallel_update_step (the torch backend's, over all variables at once), _apply_weight_decay
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any

import keras

from lrdecay.errors import InputError, did_you_mean, non_negative, refusal

__all__ = ["count_of", "drive_layers", "give_back", "inner_of", "multipliers_of", "replace_updates"]

_REPLACED = ("update_step", "_parallel_update_step", "_apply_weight_decay")


def inner_of(optimizer: Any) -> Any:
    """The optimizer that updates: what a ``LossScaleOptimizer`` wraps."""
    return optimizer.inner_optimizer if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) else optimizer


def count_of(optimizer: Any) -> int:
    """The updates that an optimizer has made; micro batches and skipped updates are none."""
    return int(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(optimizer.iterations)))


def multipliers_of(paths: Iterable[str], said: object) -> dict[str, float]:
    """The multiplier of each variable, by its path.

    Raises:
        InputError: it is no mapping of patterns to numbers >= 0, a pattern matches nothing, or two disagree.
    """
    if not isinstance(said, Mapping):
        cure = 'Such as {"dense_1": 0.1}.'
        msg = refusal("attach(layer_multipliers=...)", "must map patterns of names to numbers", said, cure)
        raise InputError(msg)
    found = dict.fromkeys(paths, 1.0)
    by: dict[str, str] = {}
    for pattern, multiplier in said.items():
        non_negative.check(f"attach(layer_multipliers={{{pattern!r}: ...}})", multiplier)
        matched = [path for path in found if any(fnmatchcase(p, str(pattern)) for p in _runs(path))]
        if not matched:
            cure = did_you_mean(str(pattern), {part for path in found for part in path.split("/")})
            msg = refusal("attach(layer_multipliers=...)", "must match a variable", pattern, cure)
            raise InputError(msg)
        for path in matched:
            if path in by and found[path] != multiplier:
                rule = f"must give {path} one multiplier, but {by[path]!r} says {found[path]}"
                msg = refusal(f"attach(layer_multipliers={{{pattern!r}: ...}})", rule, multiplier)
                raise InputError(msg)
            found[path], by[path] = float(multiplier), str(pattern)
    return found


def _runs(path: str) -> Iterator[str]:
    """Every run of parts of a path: of "a/b/c" a, b, c, a/b, b/c and the whole."""
    parts = path.split("/")
    return ("/".join(parts[i:j]) for i, j in combinations(range(len(parts) + 1), 2))


def drive_layers(optimizer: Any, said: Mapping[str, float]) -> None:
    """Give the variables of a built optimizer these multipliers, in place of any they had.

    Raises:
        InputError: the optimizer is not built, or cannot update its variables apart; or see `multipliers_of`.
    """
    optimizer = inner_of(optimizer)
    if said and not optimizer.built:
        cure = "Build the model first, model.build(shape), and then optimizer.build(model.trainable_variables)."
        msg = refusal("attach(layer_multipliers=...)", "must know the optimizer's variables", "one not built", cure)
        raise InputError(msg)
    scales = multipliers_of([v.path for v in optimizer._trainable_variables], said)
    give_back(optimizer)
    if all(scale == 1 for scale in scales.values()):
        return

    @contextmanager
    def at(scale: float) -> Iterator[Any]:
        rate, whole = optimizer.learning_rate, optimizer.weight_decay
        try:
            if whole is not None:  # shrinks by weight_decay * f(t), of which Keras knows no other
                optimizer.weight_decay = whole * scale
            yield rate * scale
        finally:
            optimizer.weight_decay = whole

    replace_updates(optimizer, scales, at)


def give_back(optimizer: Any) -> None:
    """Let an optimizer update its variables by itself again."""
    for name in _REPLACED:
        optimizer.__dict__.pop(name, None)


def replace_updates(optimizer: Any, kinds: Mapping[str, Any], at: Callable[[Any], AbstractContextManager[Any]]) -> None:
    """Let an optimizer update its variables one kind after the other, each under settings of its own.

    Args:
        optimizer: built.
        kinds: the kind of each variable, by its path.
        at: a context that sets the optimizer up for a kind, and gives its learning rate.

    Raises:
        InputError: this optimizer cannot update its variables apart.
    """
    cls = type(optimizer)
    if isinstance(optimizer, keras.optimizers.Nadam) and hasattr(cls, "_parallel_update_step"):
        cure = "It updates all variables at once with a state they share; take Adam."
        msg = refusal(
            "attach(...)", "must not drive variables apart with Nadam on the torch backend", cls.__name__, cure
        )
        raise InputError(msg)

    def update_step(gradient: Any, variable: Any, _rate: Any) -> None:
        with at(kinds[variable.path]) as rate:
            cls.update_step(optimizer, gradient, variable, rate)

    def parallel_update_step(gradients: list[Any], variables: list[Any], _rate: Any) -> None:
        for kind, which in _alike(variables, kinds):
            with at(kind) as rate:
                apart = [gradients[i] for i in which], [variables[i] for i in which]
                cls._parallel_update_step(optimizer, *apart, rate)

    def apply_weight_decay(variables: list[Any]) -> None:
        decayed = [v for v in variables if optimizer._use_weight_decay(v)]
        for kind, which in _alike(decayed, kinds):
            with at(kind):
                cls._apply_weight_decay(optimizer, [decayed[i] for i in which])

    optimizer.update_step = update_step
    if hasattr(cls, "_parallel_update_step"):
        optimizer._parallel_update_step = parallel_update_step
    optimizer._apply_weight_decay = apply_weight_decay


def _alike(variables: list[Any], kinds: Mapping[str, Any]) -> list[tuple[Any, list[int]]]:
    """The positions of the variables of each kind."""
    which: dict[Any, list[int]] = {}
    for i, variable in enumerate(variables):
        which.setdefault(kinds[variable.path], []).append(i)
    return list(which.items())
