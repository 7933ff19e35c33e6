"""Keep everything a training loop can change in memory, and put it back in place: the same objects, the same bits.

What is looked into, from the objects that are named on: modules, optimizers, schedulers, gradient scalers (all their
attributes but hooks), mappings, lists, sets and tuples, and random generators of torch, numpy and Python; of data
loaders and samplers the plain attributes, the generators and the samplers inside, never the data. What is kept there:
tensors with their gradients and whether they want one, arrays, and plain values. Any other object is kept as *which*
object it is; what happens inside it is not seen. Copies of tensors are made on the CPU, so that an accelerator
never holds a second copy. A tensor is written in place, and only where its bits differ; one that was replaced, by the
object that was there; a gradient that was freed, by a new tensor.

`snapshots` is the sibling for the files of a study: arrays and JSON of a model and its optimizer, to travel.
"""

from __future__ import annotations

import copy
import hashlib
import random
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, Sampler

from lrdecay.adapters.torch.feedback import Feedback
from lrdecay.adapters.torch.observables import Observables
from lrdecay.errors import InputError, refusal
from lrdecay.feedback.dial import Dial

__all__ = ["fingerprint", "keep"]

Back: TypeAlias = Callable[[], Any]
"""Puts one object back as it was, and returns it."""

_FEEDS = (DataLoader, Sampler)
_OPENED = (torch.nn.Module, Optimizer, LRScheduler, torch.amp.GradScaler, Feedback, Dial, Observables, *_FEEDS)
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def keep(roots: Sequence[Any]) -> Callable[[], None]:
    """A function that puts all these objects back as they are now; it may be called more than once.

    Args:
        roots: what to look into; an object of any class is, when it is named here.

    Raises:
        InputError: a parameter has no value yet (a lazy layer before its first batch).
    """
    memo: dict[int, tuple[Any, Back]] = {}
    for root in roots:
        _kept(root, memo, opened=True)

    def put_back() -> None:
        with torch.no_grad():
            for _, back in memo.values():
                back()

    return put_back


def fingerprint(roots: Sequence[Any], *, identity: bool = True) -> str:
    """SHA-256 over all that `keep` keeps; equal exactly when it is the same objects with the same bits.

    Args:
        roots: what to look into.
        identity: whether it matters which objects they are; of what is not looked into, only the type is left without.
    """
    total = hashlib.sha256()
    seen: dict[int, int] = {}
    for root in roots:
        _hash(root, total, seen, id if identity else lambda _value: 0, opened=True)
    return total.hexdigest()


def _attributes(value: Any, *, opened: bool) -> dict[str, Any] | None:
    """The attributes to look into; None for an object that is not opened."""
    own: dict[str, Any] | None = getattr(value, "__dict__", None)
    if own is None or not (opened or isinstance(value, _OPENED)):
        return None
    return {name: own[name] for name in own if "hook" not in name}


def _inside(owner: Any, attribute: Any) -> bool:
    """Whether to look into an attribute: the data behind a loader may be all there is in memory."""
    return not isinstance(owner, _FEEDS) or isinstance(attribute, _FEEDS) or _generator(attribute) is not None


def _kept(value: Any, memo: dict[int, tuple[Any, Back]], *, opened: bool = False) -> Back:
    """How to put one value back. Every object is kept once; the memo holds it, so that its id stays its own."""
    if isinstance(value, _PLAIN):
        return lambda: value
    if id(value) not in memo:
        memo[id(value)] = (value, lambda: value)  # for what refers back to it
        memo[id(value)] = (value, _keeper(value, memo, opened))
    return lambda: value


def _keeper(value: Any, memo: dict[int, tuple[Any, Back]], opened: bool) -> Back:
    """How to put the inside of one object back."""
    if torch.is_tensor(value):
        return _tensor(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        array = value.copy()

        def back_array() -> None:
            if value.tobytes() != array.tobytes():
                value[...] = array

        return back_array
    generator = _generator(value)
    if generator is not None:
        state, write = copy.deepcopy(generator[0]()), generator[1]
        return lambda: write(copy.deepcopy(state))
    if isinstance(value, dict):
        entries = [(key, _kept(entry, memo)) for key, entry in value.items()]

        def back_mapping() -> None:
            value.clear()
            value.update((key, back()) for key, back in entries)

        return back_mapping
    if isinstance(value, list | deque):
        items = [_kept(item, memo) for item in value]

        def back_items() -> None:
            value.clear()
            value.extend(back() for back in items)

        return back_items
    if isinstance(value, set):
        members = set(value)

        def back_members() -> None:
            value.clear()
            value.update(members)

        return back_members
    if isinstance(value, tuple):
        for item in value:
            _kept(item, memo)
        return lambda: value
    attributes = _attributes(value, opened=opened)
    if attributes is None:
        return lambda: value
    backs = {
        name: _kept(attribute, memo) if _inside(value, attribute) else _itself(attribute)
        for name, attribute in attributes.items()
    }

    def back_attributes() -> None:
        own = value.__dict__
        for name in [name for name in own if name not in backs and "hook" not in name]:
            del own[name]
        for name, back in backs.items():
            own[name] = back()

    return back_attributes


def _itself(value: Any) -> Back:
    return lambda: value


def _tensor(value: torch.Tensor) -> Back:
    """A leaf with its gradient; a tensor inside a graph, or of inference mode, is kept as which tensor it is."""
    if torch.nn.parameter.is_lazy(value):
        cure = "Pass one batch through the model first."
        msg = refusal("find(model)", "must have values in all its parameters", "a lazy layer without", cure)
        raise InputError(msg)
    if not _held(value):
        return lambda: value
    saved, wants = value.detach().to("cpu", copy=True), value.requires_grad
    strides, device = value.stride() if value.layout is torch.strided else None, value.device
    gradient = value.grad
    freed = None if gradient is None else (weakref.ref(gradient), gradient.detach().to("cpu", copy=True))
    del gradient

    def back() -> None:
        same = (value.shape, value.dtype, value.device) == (saved.shape, saved.dtype, device)
        if not same or (strides is not None and value.stride() != strides):
            value.data = saved.to(device, copy=True)
        elif not torch.equal(_bits(value), _bits(saved)):
            value.copy_(saved)
        value.requires_grad_(wants)
        if freed is None:
            value.grad = None
            return
        was, saved_gradient = freed[0](), freed[1]
        if was is None or was.shape != saved_gradient.shape:
            value.grad = saved_gradient.to(device, copy=True)
            return
        if not torch.equal(_bits(was), _bits(saved_gradient)):
            was.copy_(saved_gradient)
        value.grad = was

    return back


def _held(value: torch.Tensor) -> bool:
    return value.is_leaf and not value.is_inference() and value.device.type != "meta"


def _generator(value: Any) -> tuple[Callable[[], Any], Callable[[Any], Any]] | None:
    """How to read and write the state of a random generator; None for anything else."""
    if isinstance(value, torch.Generator):
        return value.get_state, value.set_state
    if isinstance(value, random.Random):
        return value.getstate, value.setstate
    if isinstance(value, np.random.Generator):
        bits = value.bit_generator
        return lambda: bits.state, lambda state: setattr(bits, "state", state)
    return None


def _bits(value: torch.Tensor) -> torch.Tensor:
    """The bytes of a tensor, on the CPU, shape (bytes,)."""
    value = value.detach()
    if value.layout is not torch.strided:
        value = value.to_dense()
    value = value.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return value.view(torch.uint8)


def _hash(value: Any, total: Any, seen: dict[int, int], which: Callable[[Any], int], *, opened: bool = False) -> None:
    """Add one value to the hash, with its kind; an object that was added before, by its number."""

    def say(*words: Any) -> None:
        total.update((" ".join(map(str, words)) + "\n").encode())

    if isinstance(value, _PLAIN):
        say(type(value).__name__, repr(value))
        return
    if id(value) in seen:
        say("again", seen[id(value)])
        return
    seen[id(value)] = len(seen)
    if torch.is_tensor(value):
        say("tensor", which(value), value.dtype, tuple(value.shape), value.device, value.requires_grad)
        if _held(value):
            say(value.stride() if value.layout is torch.strided else value.layout)
            total.update(_bits(value).clone().numpy())  # numpy() ends that a storage can be resized
            say("gradient" if value.grad is not None else "no gradient")
            if value.grad is not None:
                total.update(_bits(value.grad).clone().numpy())
    elif isinstance(value, np.ndarray) and value.dtype != object:
        say("array", which(value), value.dtype.str, value.shape)
        total.update(value.tobytes())
    elif (generator := _generator(value)) is not None:
        state = generator[0]()
        say("generator", repr(state.tolist() if torch.is_tensor(state) else state))
    elif isinstance(value, dict):
        say("mapping", len(value))
        for key, entry in value.items():
            say(repr(key) if isinstance(key, _PLAIN) else which(key))
            _hash(entry, total, seen, which)
    elif isinstance(value, list | deque | tuple):
        say(type(value).__name__, len(value))
        for item in value:
            _hash(item, total, seen, which)
    elif isinstance(value, set):
        say("set", *sorted(repr(m) if isinstance(m, _PLAIN) else str(which(m)) for m in value))
    elif (attributes := _attributes(value, opened=opened)) is not None:
        say("object", which(value))
        for name in sorted(attributes):
            say(name)
            if isinstance(attributes[name], _PLAIN) or _inside(value, attributes[name]):
                _hash(attributes[name], total, seen, which)
            else:
                say(type(attributes[name]).__name__, which(attributes[name]))
    else:
        say(type(value).__name__, which(value))
