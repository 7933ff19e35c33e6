"""The whole state of a model and its optimizer as arrays and JSON, and back, bit for bit.

Names: ``model/<name>`` for parameters and buffers (those that a state_dict leaves out too), ``grad/<name>`` for
gradients, ``optimizer/<i>/<key>`` for the tensors of parameter i, ``group/<n>/<key>`` for those of group n, with
``/<j>`` for the j-th of a list. The plain numbers of parameter groups and of optimizer state go to JSON. Types numpy
does not know (bfloat16) travel as the integers of the same width, with their name in the JSON. Tensors of a parameter's
shape come back in its memory format, which decides how updates are rounded.

torch's own optimizers keep everything in their ``state_dict``. Others keep counts and averages in attributes too (MoMo:
its number of steps and its mean loss), so numbers, text, lists of them and tensors among an optimizer's attributes are
taken as well, the tensors as ``attribute/<name>``; any other attribute is what it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lrdecay.errors import InputError

__all__ = ["arrays_of", "packed", "restore_arrays", "unpacked"]

_AS_INTEGERS = {torch.bfloat16: torch.int16, torch.float8_e4m3fn: torch.int8, torch.float8_e5m2: torch.int8}
_PLAIN = (bool, int, float, str)
_TORCHS_OWN = frozenset(vars(torch.optim.SGD([torch.zeros(1)], lr=1.0)))


def arrays_of(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Tensors as copied numpy arrays, and the rest as JSON.

    Raises:
        InputError: the model or the optimizer keeps something that is neither a tensor nor JSON.
    """
    for name, value in model.state_dict().items():
        if not torch.is_tensor(value):
            msg = f"`TorchTask(model=...)` must keep its state in tensors, got {type(value).__name__} in {name!r}."
            raise InputError(msg)
    tensors = {f"model/{name}": tensor for name, tensor in _held(model).items()}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            tensors[f"grad/{name}"] = parameter.grad
    own = optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    loose: dict[str, Any] = {}  # of no parameter
    for i, entries in own["state"].items():
        if not isinstance(i, int):
            loose[i] = _json(entries, f"optimizer state {i!r}")
            continue
        for key, value in entries.items():
            if torch.is_tensor(value):
                tensors[f"optimizer/{i}/{key}"] = value
            else:
                plain.setdefault(str(i), {})[key] = _json(value, f"optimizer state {key!r}")
    groups = []
    for number, group in enumerate(own["param_groups"]):
        numbers = {}
        for key, value in group.items():
            if torch.is_tensor(value):
                tensors[f"group/{number}/{key}"] = value
            elif key != "params" and isinstance(value, list) and value and all(map(torch.is_tensor, value)):
                tensors |= {f"group/{number}/{key}/{j}": t for j, t in enumerate(value)}
            elif key != "params":
                numbers[key] = _json(value, f"parameter group entry {key!r}")
        groups.append(numbers)
    attributes = _attributes(optimizer)
    tensors |= {f"attribute/{name}": v for name, v in attributes.items() if torch.is_tensor(v)}
    arrays, types = packed(tensors)
    modes = {name: module.training for name, module in model.named_modules()}
    state = {"optimizer": plain, "groups": groups, "types": types, "training": modes}
    numbers = {name: deepcopy(v) for name, v in attributes.items() if not torch.is_tensor(v)}
    state |= {"loose": loose} if loose else {}
    state |= {"attributes": numbers} if numbers else {}
    return arrays, state


def packed(tensors: Mapping[str, torch.Tensor]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Tensors as copied numpy arrays, and the names of the types numpy does not know."""
    types = {name: str(t.dtype).removeprefix("torch.") for name, t in tensors.items() if t.dtype in _AS_INTEGERS}
    return {name: _array(t) for name, t in tensors.items()}, types


def unpacked(arrays: Mapping[str, NDArray[Any]], types: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """What `packed` took, as tensors of their own on the CPU."""
    return {name: _tensor(array, types.get(name)) for name, array in arrays.items()}


def restore_arrays(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    tensors: Mapping[str, NDArray[Any]],
    state: Mapping[str, Any],
) -> None:
    """Put back what `arrays_of` took; parameters are written in place, so that the optimizer still holds them.

    Raises:
        InputError: it was taken of another model, or of an optimizer with other groups; nothing was changed.
    """
    held = _held(model)
    shapes = {name: tuple(tensor.shape) for name, tensor in held.items()}
    found = {n.removeprefix("model/"): tuple(a.shape) for n, a in tensors.items() if n.startswith("model/")}
    if shapes != found or len(state["groups"]) != len(optimizer.param_groups):
        differ = sorted(name for name in {*shapes, *found} if shapes.get(name) != found.get(name))
        what = f"one that differs in {', '.join(differ) or 'the number of parameter groups'}"
        msg = f"`restore(...)` must be given a snapshot of the same model and optimizer, got {what}."
        raise InputError(msg)
    back = unpacked(tensors, state["types"])
    with torch.no_grad():
        for name, tensor in held.items():
            tensor.copy_(back[f"model/{name}"])
    for name, parameter in model.named_parameters():
        gradient = back.get(f"grad/{name}")
        parameter.grad = None if gradient is None else _like(gradient, parameter)
    updated = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name, module in model.named_modules():
        module.training = state["training"][name]
    states: dict[int, dict[str, Any]] = {int(i): dict(entries) for i, entries in state["optimizer"].items()}
    for name, tensor in back.items():
        if name.startswith("optimizer/"):
            _, i, key = name.split("/", 2)
            states.setdefault(int(i), {})[key] = _like(tensor, updated[int(i)])
    groups = []
    for number, (saved, current) in enumerate(
        zip(state["groups"], optimizer.state_dict()["param_groups"], strict=True)
    ):
        group = {k: tuple(v) if isinstance(current.get(k), tuple) else v for k, v in saved.items()}
        group |= _of_group(back, number, optimizer.param_groups[number]["params"])
        groups.append({**group, "params": current["params"]})
    optimizer.load_state_dict({"state": {**deepcopy(state.get("loose", {})), **states}, "param_groups": groups})
    kept = deepcopy(state.get("attributes", {}))
    kept |= {name.removeprefix("attribute/"): t for name, t in back.items() if name.startswith("attribute/")}
    for name in _attributes(optimizer).keys() - kept.keys():  # made since
        delattr(optimizer, name)
    for name, value in kept.items():
        setattr(optimizer, name, value.to(updated[0].device) if torch.is_tensor(value) else value)


def _attributes(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The attributes of an optimizer that is not torch's own which may change while it trains."""
    if type(optimizer).__module__.startswith("torch.optim."):
        return {}
    own = {name: value for name, value in vars(optimizer).items() if name not in _TORCHS_OWN}
    return {name: value for name, value in own.items() if torch.is_tensor(value) or _is_plain(value)}


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, list) else value is None or isinstance(value, _PLAIN)


def _of_group(
    back: Mapping[str, torch.Tensor], number: int, parameters: list[torch.nn.Parameter]
) -> dict[str, torch.Tensor | list[torch.Tensor]]:
    """The tensors of a parameter group, and its lists of them; one for each parameter is laid out as they are."""
    found: dict[str, torch.Tensor | list[torch.Tensor]] = {}
    lists: dict[str, dict[int, torch.Tensor]] = {}
    for name, tensor in back.items():
        if name.startswith(f"group/{number}/"):
            _, _, key, *j = name.split("/")
            if j:
                lists.setdefault(key, {})[int(j[0])] = tensor
            else:
                found[key] = tensor
    for key, items in lists.items():
        in_order = [items[j] for j in range(len(items))]
        each = len(in_order) == len(parameters)
        found[key] = [_like(*pair) for pair in zip(in_order, parameters, strict=True)] if each else in_order
    return found


def _held(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name, shared ones once."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _like(t: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """The tensor on the parameter's device and, where it has its shape, in its memory format."""
    if t.ndim == 0 or t.shape != parameter.shape:
        return t
    return torch.empty_like(parameter, dtype=t.dtype, requires_grad=False).copy_(t)


def _array(t: torch.Tensor) -> NDArray[Any]:
    t = t.detach().cpu()
    if t.dtype in _AS_INTEGERS:
        t = t.view(_AS_INTEGERS[t.dtype])
    return np.array(t.numpy(), copy=True)


def _tensor(array: NDArray[Any], kind: str | None) -> torch.Tensor:
    t = torch.from_numpy(np.array(array, copy=True))
    return t if kind is None else t.view(getattr(torch, kind))


def _json(value: Any, what: str) -> Any:
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        return [_json(v, what) for v in value]
    msg = f"`TorchTask(optimizer=...)` must keep tensors and plain numbers, got {type(value).__name__} in {what}."
    raise InputError(msg)
