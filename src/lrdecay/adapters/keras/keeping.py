"""Keep everything that training a compiled Keras model changes in memory, and put it back: same objects, same bits.

Kept are the values of all variables of the model, its layers, its optimizer and its metrics: weights, moving
statistics, the seeds of layers, counts, the learning rate where it is one. Then the attributes of those objects: which
object each is, plain values, and what lists, mappings and sets hold; so a learning rate that is a schedule, a compiled
step, and metrics that are not built yet come back too. And keras.random's own seed generator. What other objects keep
inside is not seen. On the torch backend a variable is written in place, with its gradient.

Copies are made in the computer's own memory: on the jax backend a training step may take the buffers it is given.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import keras
import numpy as np
from keras.src.backend.common import global_state

from lrdecay.adapters.keras.layers import inner_of

__all__ = ["Keeper", "kept_attributes", "kept_values", "reseed"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_SEED = "seed_generator_state"
_GLOBAL = "global_seed_generator"


@final
class Keeper:
    """What a compiled model consists of, and how to keep it.

    Args:
        model: built, its optimizer too.
        more: further layers, models, metrics, optimizers, seed generators and variables.
    """

    def __init__(self, model: Any, more: Sequence[Any] = ()) -> None:
        self._model, self._more = model, more

    def keep(self) -> Callable[[], None]:
        """A function that puts everything back as it is now; it may be called more than once."""
        attributes = kept_attributes(self._objects())
        values = [(v, _copied(v), _gradient(v)) for v in self._variables()]
        drawn = global_state.get_global_attribute(_GLOBAL)

        def back() -> None:
            attributes()
            global_state.set_global_attribute(_GLOBAL, drawn)
            for variable, value, gradient in values:
                _assign(variable, value, gradient)

        return back

    def digest(self) -> str:
        """SHA-256 over all that is kept; equal exactly when it is the same objects with the same bits."""
        total = hashlib.sha256()

        def say(*words: Any) -> None:
            total.update((" ".join(map(str, words)) + "\n").encode())

        for held in self._objects():
            say("object", id(held))
            _hash(_contents(vars(held)), say)
        say("draws", id(global_state.get_global_attribute(_GLOBAL)))
        for variable in self._variables():
            say("variable", id(variable), variable.dtype, tuple(variable.shape))
            total.update(_bytes(_copied(variable)))
            gradient = _gradient(variable)
            say("gradient" if gradient is not None else "no gradient")
            if gradient is not None:
                total.update(_bytes(gradient))
        return total.hexdigest()

    def _objects(self) -> list[Any]:
        """The objects whose attributes are kept, each once."""
        model = self._model
        found = [*model._flatten_layers(), model.optimizer, inner_of(model.optimizer), *model.metrics]
        found += [model._loss_tracker, model._compile_metrics, model._compile_loss]
        for one in self._more:
            found += one._flatten_layers() if isinstance(one, keras.Layer) else [one]
        own = [held for held in found if hasattr(held, "__dict__") and not isinstance(held, keras.Variable)]
        return list({id(held): held for held in own}.values())

    def _variables(self) -> list[Any]:
        drawn = global_state.get_global_attribute(_GLOBAL)
        found = [] if drawn is None else [drawn.state]
        for held in [self._model, self._model.optimizer, *self._model.metrics, *self._more]:
            if isinstance(held, keras.Variable):
                found.append(held)
            elif isinstance(held, keras.random.SeedGenerator):
                found.append(held.state)
            else:
                found += held.variables
        return list({id(v): v for v in found}.values())


def kept_attributes(objects: Sequence[Any]) -> Callable[[], None]:
    """A function that makes the attributes of these objects what they are now; of variables, not their values."""
    kept = [(held, _contents(vars(held))) for held in objects if held is not None]

    def back() -> None:
        for held, contents in kept:
            _write(vars(held), contents)

    return back


@contextmanager
def kept_values(variables: Sequence[Any]) -> Iterator[None]:
    """Whatever happens inside, the values of these variables are as before."""
    kept = [(v, _copied(v), _gradient(v)) for v in variables]
    try:
        yield
    finally:
        for variable, value, gradient in kept:
            _assign(variable, value, gradient)


def reseed(model: Any, seed: int) -> None:
    """Move every seed that layers, and keras.random itself, draw from: (a, count) -> ((a + seed) mod 2^31, count)."""
    drawn = global_state.get_global_attribute(_GLOBAL)
    for variable in [v for v in model.variables if v.name == _SEED] + ([] if drawn is None else [drawn.state]):
        a, count = np.asarray(_copied(variable)).tolist()
        variable.assign(np.array([(a + seed) % 2**31, count]))


# ---- variables ----


def _copied(variable: Any) -> Any:
    """The value, on the CPU: a torch tensor on the torch backend, else an array."""
    value = variable.value
    return value.detach().to("cpu", copy=True) if hasattr(value, "detach") else np.array(value)


def _gradient(variable: Any) -> Any:
    """A copy of the gradient that the torch backend leaves on a variable; None without."""
    gradient = getattr(variable.value, "grad", None)
    return None if gradient is None else gradient.detach().to("cpu", copy=True)


def _assign(variable: Any, value: Any, gradient: Any) -> None:
    """Write a value, where its bits differ or can no longer be read."""
    if hasattr(variable.value, "detach"):
        if _bytes(_copied(variable)) != _bytes(value):
            variable.assign(value)
        variable.value.grad = None if gradient is None else gradient.to(variable.value.device, copy=True)
    else:
        variable.assign(value)


def _bytes(value: Any) -> bytes:
    if hasattr(value, "detach"):
        import torch  # only where it is the backend

        value = value.contiguous().reshape(-1).view(torch.uint8).numpy()
    bits: bytes = value.tobytes()
    return bits


# ---- attributes ----


def _contents(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a mapping; of lists, mappings and sets among them, the entries too."""
    seen: set[int] = set()

    def inside(value: Any) -> Any:
        if isinstance(value, list | dict | set | np.ndarray) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, dict):
                return _Held(value, [(key, inside(entry)) for key, entry in value.items()])
            if isinstance(value, np.ndarray):
                return _Held(value, value.copy() if value.dtype != object else None)
            return _Held(value, [inside(entry) for entry in value] if isinstance(value, list) else set(value))
        return value

    return {key: inside(value) for key, value in mapping.items()}


@final
class _Held:
    """A container and what it held."""

    def __init__(self, container: Any, entries: Any) -> None:
        self.container, self.entries = container, entries


def _write(own: dict[str, Any], contents: Mapping[str, Any]) -> None:
    """Make the attributes of an object what they were; what did not change is not written."""
    for name in [name for name in own if name not in contents]:
        del own[name]
    for name, value in contents.items():
        was = _put(value)
        if own.get(name, contents) is not was:
            own[name] = was


def _put(value: Any) -> Any:
    """The value itself; a container is filled as it was first, past what Keras does when its own are changed."""
    if not isinstance(value, _Held):
        return value
    container, entries = value.container, value.entries
    if isinstance(container, dict):
        wanted = [(key, _put(entry)) for key, entry in entries]
        if not _same([part for pair in container.items() for part in pair], [part for pair in wanted for part in pair]):
            kind = OrderedDict if isinstance(container, OrderedDict) else dict
            kind.clear(container)
            kind.update(container, wanted)
    elif isinstance(container, list):
        items = [_put(entry) for entry in entries]
        if not _same(container, items):
            list.clear(container)
            list.extend(container, items)
    elif isinstance(container, set):
        if container != entries:
            set.clear(container)
            set.update(container, entries)
    elif entries is not None and container.tobytes() != entries.tobytes():
        container[...] = entries
    return container


def _same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))


def _hash(contents: Mapping[str, Any], say: Callable[..., None]) -> None:
    """Say all entries, by name."""

    def words(value: Any) -> Iterator[str]:
        if isinstance(value, _Held):
            yield f"{type(value.container).__name__} {id(value.container)}"
            if isinstance(value.container, np.ndarray):
                yield "" if value.entries is None else hashlib.sha256(value.entries.tobytes()).hexdigest()
            elif isinstance(value.container, set):
                yield from sorted(repr(e) if isinstance(e, _PLAIN) else str(id(e)) for e in value.entries)
            else:
                for entry in value.entries:
                    yield from words(entry)
        elif isinstance(value, tuple):
            for entry in value:
                yield from words(entry)
        else:
            yield repr(value) if isinstance(value, _PLAIN) else f"{type(value).__name__} {id(value)}"

    for name in sorted(contents):
        say(name, *words(contents[name]))
