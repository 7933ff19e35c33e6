"""Multipliers of layers: update t of a variable is made at f(t) * m, with m given by patterns of names.

    layer_multipliers={"dense_1": 0.1, "encoder/*": 0.5, "bias": 2.0}

A pattern, as in a shell, matches the whole path of a variable ("model/dense_1/kernel") or one of its parts. A variable
that none matches has 1. Patterns that give one variable different multipliers are refused: the order says nothing.

Scaling the gradient would be wrong (Adam divides it out again), so it is the rate that each variable's update and
weight decay see. Keras has one rate for all variables; what is replaced is the optimizer's own, on this instance only:

    update_step, _parallel_update_step (the torch backend's, over all variables at once), _apply_weight_decay
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import keras

from lrdecay.errors import InputError, did_you_mean, non_negative, refusal

__all__ = ["count_of", "drive_layers", "inner_of", "multipliers_of"]

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
        matched = [path for path in found if any(fnmatchcase(p, str(pattern)) for p in (path, *path.split("/")))]
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
    if said and isinstance(optimizer, keras.optimizers.Nadam) and hasattr(type(optimizer), "_parallel_update_step"):
        cure = "It updates all variables at once with a state they share; take Adam."
        msg = refusal("attach(layer_multipliers=...)", "must not be used with Nadam on the torch backend", said, cure)
        raise InputError(msg)
    scales = multipliers_of([v.path for v in optimizer._trainable_variables], said)
    for name in _REPLACED:
        optimizer.__dict__.pop(name, None)
    if all(scale == 1 for scale in scales.values()):
        return
    kind = type(optimizer)

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        kind.update_step(optimizer, gradient, variable, learning_rate * scales[variable.path])

    def parallel_update_step(gradients: list[Any], variables: list[Any], learning_rate: Any) -> None:
        for scale, which in _alike(variables, scales):
            apart = ([gradients[i] for i in which], [variables[i] for i in which])
            kind._parallel_update_step(optimizer, *apart, learning_rate * scale)

    optimizer.update_step = update_step
    if hasattr(kind, "_parallel_update_step"):
        optimizer._parallel_update_step = parallel_update_step
    optimizer._apply_weight_decay = _decay(optimizer, scales)


def _decay(optimizer: Any, scales: Mapping[str, float]) -> Callable[[list[Any]], None]:
    """Weight decay w -= wd * f(t) * m * w: the optimizer's own, on one kind of variables after the other."""

    def apply_weight_decay(variables: list[Any]) -> None:
        whole = optimizer.weight_decay
        if whole is None:
            return
        decayed = [v for v in variables if optimizer._use_weight_decay(v)]
        try:
            for scale, which in _alike(decayed, scales):
                optimizer.weight_decay = whole * scale
                type(optimizer)._apply_weight_decay(optimizer, [decayed[i] for i in which])
        finally:
            optimizer.weight_decay = whole

    return apply_weight_decay


def _alike(variables: list[Any], scales: Mapping[str, float]) -> list[tuple[float, list[int]]]:
    """The positions of the variables of each multiplier."""
    which: dict[float, list[int]] = {}
    for i, variable in enumerate(variables):
        which.setdefault(scales[variable.path], []).append(i)
    return list(which.items())
