"""A peer's scheduler as text, read into a `Call` without running it.

    torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100, eta_min=0.001)
    SequentialLR([LinearLR(0.1, total_iters=5), CosineAnnealingLR(95)], milestones=[5])
    optax.piecewise_constant_schedule(0.1, {30: 0.1, 60: 0.1})

Python's own parser reads the text into a syntax tree, which is walked here. Calls of known schedulers, numbers and sums
and products of numbers, quoted text, True, False, None, lists, tuples and dictionaries are allowed; nothing is run.
A name may carry its library's prefix; a bare name must be known in one library only, or stand inside a call that says
which. An optimizer that is handed over by name (``StepLR(optimizer, 30)``) says nothing about the schedule: left out.
"""

from __future__ import annotations

import ast
import importlib
import sys
import warnings
from typing import Any

from lrdecay.dialects.base import PEERS, SAYINGS, Call, Saying
from lrdecay.errors import InputError, did_you_mean, refusal

__all__ = ["MODULES", "load_all", "read_call", "sayings_in"]

MODULES = ("torch", "keras", "optax", "timm", "transformers", "composer")
"""The modules of translators, in the order of the table in the docs."""

_ROOTS = {name: name for name in PEERS} | {"tf": "keras", "tensorflow": "keras", "lr_scheduler": "torch"}
_WITH_OPTIMIZER = ("torch", "timm", "transformers")
_LONGEST = 10_000  # characters
_DEEPEST = 50  # values within values
_CURE = 'Such as "torch.CosineAnnealingLR(T_max=100)".'


def load_all() -> None:
    """Import every module of translators, which fills `SAYINGS`."""
    for name in MODULES:
        importlib.import_module(f"lrdecay.dialects.{name}")


def read_call(text: str) -> Call:
    """Read the call of a peer's scheduler; the translators must be loaded.

    Raises:
        InputError: the text is not one call, names no known scheduler, or holds what is not a plain value.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        msg = refusal("convert(...)", f"must be given a text of at most {_LONGEST} characters", text)
        raise InputError(msg)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        msg = refusal("convert(...)", "must be given the call of a scheduler", text, _CURE)
        raise InputError(msg) from None
    if not isinstance(tree, ast.Call):
        msg = refusal("convert(...)", "must be given the call of a scheduler", text, _CURE)
        raise InputError(msg)
    try:
        return _call(tree, text.strip(), None, 0)
    except RecursionError:  # a sum of thousands of numbers
        msg = refusal("convert(...)", "must be nested less deeply", text)
        raise InputError(msg) from None


def _call(node: ast.Call, text: str, around: str | None, depth: int) -> Call:
    """A call; ``around`` is the library of the call it stands in."""
    library, name = _scheduler(node.func, text, around)
    if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        raise _not_plain(node, text)
    given = list(node.args)
    if library in _WITH_OPTIMIZER and given and isinstance(given[0], ast.Name | ast.Attribute):
        given = given[1:]
    named: dict[str, Any] = {}
    for k in node.keywords:
        if k.arg in named:
            msg = refusal(f"{name}({k.arg}=...)", "must be given once", text)
            raise InputError(msg)
        if k.arg != "optimizer" or library not in _WITH_OPTIMIZER:
            named[str(k.arg)] = _value(k.value, text, library, depth + 1)
    return Call(library, name, tuple(_value(a, text, library, depth + 1) for a in given), named)


def _scheduler(node: ast.expr, text: str, around: str | None) -> tuple[str, str]:
    """The library and the name of what is called."""
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _not_plain(node, text)
    path.insert(0, node.id)
    name = path[-1]
    homes = [library for library, known in SAYINGS if known == name]
    if len(path) > 1:
        library = _ROOTS.get(path[0])
        if library is None:
            msg = refusal(
                f"{'.'.join(path)}(...)", "must be of a known library", path[0], f"Known: {_known_libraries()}."
            )
            raise InputError(msg)
        homes = [library] if library in homes else []
    elif around in homes:
        homes = [around]
    if len(homes) == 1:
        return homes[0], name
    if homes:
        cure = f"Write {' or '.join(f'{library}.{name}' for library in homes)}."
        msg = refusal(f"{name}(...)", "must say its library", name, cure)
        raise InputError(msg)
    spelled = f"{_ROOTS[path[0]]}.{name}" if len(path) > 1 else name
    known = [
        f"{library}.{n}" if len(path) > 1 else n
        for library, n in SAYINGS
        if len(path) == 1 or library == _ROOTS[path[0]]
    ]
    msg = refusal(f"{spelled}(...)", "must be a known scheduler", spelled, did_you_mean(spelled, known))
    raise InputError(msg)


def _known_libraries() -> str:
    return ", ".join(MODULES)


def _value(node: ast.expr, text: str, library: str, depth: int) -> Any:
    """A plain value, or a call."""
    if depth > _DEEPEST:
        msg = refusal("convert(...)", f"must be nested at most {_DEEPEST} deep", text)
        raise InputError(msg)
    match node:
        case ast.Call():
            return _call(node, text, library, depth)
        case ast.Constant(value=None | bool() | str() as value):
            return value
        case ast.Constant(value=int() | float() as value) if abs(value) <= sys.float_info.max:
            return value
        case ast.List(elts=items):
            return [_value(item, text, library, depth + 1) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, text, library, depth + 1) for item in items)
        case ast.Dict(keys=keys, values=values) if all(isinstance(k, ast.Constant) for k in keys):
            names = [_value(k, text, library, depth + 1) for k in keys if k is not None]
            return dict(zip(names, [_value(v, text, library, depth + 1) for v in values], strict=True))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            number = _number(inner, text, library, depth)
            return -number if isinstance(node.op, ast.USub) else number
        case ast.BinOp(
            left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv() as sign, right=right
        ):
            return _computed(
                sign, _number(left, text, library, depth), _number(right, text, library, depth), node, text
            )
    raise _not_plain(node, text)


def _number(node: ast.expr, text: str, library: str, depth: int) -> float:
    """An operand of a sum or a product."""
    value = _value(node, text, library, depth + 1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_plain(node, text)
    return value


def _computed(sign: ast.operator, a: float, b: float, node: ast.expr, text: str) -> float:
    """``1 / 3`` and ``90 * 391``, as people write them."""
    try:
        match sign:
            case ast.Add():
                value = a + b
            case ast.Sub():
                value = a - b
            case ast.Mult():
                value = a * b
            case ast.Div():
                value = a / b
            case _:
                value = a // b
    except ArithmeticError:
        raise _not_plain(node, text) from None
    if abs(value) > sys.float_info.max:
        raise _not_plain(node, text)
    return value


def _not_plain(node: ast.expr, text: str) -> InputError:
    """What is said of a part of the text that is neither a call nor a plain value."""
    part = ast.get_source_segment(text, node) or text
    if isinstance(node, ast.Lambda | ast.Name | ast.Attribute):
        cure = "A function or a name means nothing outside its program: write the values."
    else:
        cure = "Calls of schedulers, numbers, quoted text, lists, tuples and dictionaries are allowed."
    return InputError(refusal("convert(...)", "must be given plain values", part, cure))


def sayings_in(call: Call) -> tuple[Saying, ...]:
    """What is known of the schedulers in a call, the outer one first, each once."""
    found = [SAYINGS[call.library, call.name]]
    waiting: list[Any] = [*call.positional, *call.named.values()]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, Call):
            found += sayings_in(value)
        elif isinstance(value, list | tuple):
            waiting += value
    return tuple(dict.fromkeys(found))
