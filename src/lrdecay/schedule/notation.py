"""The text form of a schedule, read and written. It equals the Python call, and equals ``repr``.

    step(0.1, factor=0.5, every="10ep")
    warmup(500) + cosine(peak, floor=0.001)
    0.5 * wsd(3e-4, warmup="2%", cooldown="20%", shape="1-sqrt") @ 60ep

Grammar: calls of known families, ``+`` and ``*``, numbers, text in quotes, lists, and the word ``peak`` for a peak that
is left open. A schedule may carry its own horizon after ``@``. Python's own parser reads the text into a syntax tree,
which is walked here; nothing is ever executed.
"""

from __future__ import annotations

import ast
import inspect
import sys
import warnings
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.schedule import compose
from lrdecay.schedule.base import PEAK, Prefix, Schedule
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.register import FAMILIES

__all__ = ["Spec", "from_json", "parse", "parse_spec", "split_spec"]

_HIDDEN = {"then"}  # written with +, not by name
_LONGEST = 10_000  # characters of a schedule's text
_DEEPEST = 50  # calls within calls


@frozen
class Spec:
    """A schedule as written on the command line, with the horizon and the rule it may carry."""

    schedule: Schedule
    horizon: Duration | None = None
    rule: str | None = None  # the notation of what multiplies it by looking; `lrdecay.feedback.notation` reads it

    @property
    def text(self) -> str:
        """The notation without the horizon."""
        first = repr(self.schedule)
        if self.rule is None:
            return first
        return f"{f'({first})' if ' + ' in first else first} * {self.rule}"

    def __str__(self) -> str:
        return self.text if self.horizon is None else f"{self.text} @ {self.horizon}"


def parse(text: str) -> Schedule:
    """Read a schedule from its text notation; ``parse(repr(s)) == s``.

    Raises:
        InputError: the text is not a schedule; the message says which word is wrong and names the nearest right one.
    """
    return _finished(_walk(_tree(text), text), "parse(...)", text, 'Such as "cosine(0.1)".')


def parse_spec(text: str) -> Spec:
    """Read a schedule that may carry its horizon: ``cosine(0.1) @ 60ep``."""
    body, over = split_spec(text)
    return Spec(parse(body), over)


def split_spec(text: str) -> tuple[str, Duration | None]:
    """The text of a schedule, and the horizon it carries.

    Raises:
        InputError: what stands behind the ``@`` is no length.
    """
    body, at, length = text.rpartition("@") if isinstance(text, str) else (text, "", "")
    if not at or '"' in length or "'" in length:
        return text, None
    length = length.strip()
    amount = int(length) if length.isdecimal() and len(length) < 20 else length
    over = duration(amount, f"{body.strip()} @ ...")
    if over.unit == "%":
        msg = refusal(f"{body.strip()} @ ...", "must be a length, not a share of one", length)
        raise InputError(msg)
    return body, over


def from_json(data: Any) -> Schedule:
    """Read a schedule from `Schedule.to_json`.

    Raises:
        InputError: the object names no known family or its arguments do not fit.
    """
    return _finished(_decode(data), "from_json(...)", data, 'Such as {"type": "cosine", "peak": 0.1}.')


def _finished(made: Any, call: str, given: object, cure: str) -> Schedule:
    """What was read, if it is a schedule and does not end in a warmup."""
    if isinstance(made, Prefix):
        msg = refusal(call, "must end in a schedule", given, "Write warmup(500) + cosine(0.1).")
        raise InputError(msg)
    if not isinstance(made, Schedule):
        msg = refusal(call, "must be given a schedule", given, cure)
        raise InputError(msg)
    _ = made.lasts  # refuses a chain that ends in a warmup
    return made


def _decode(data: Any, depth: int = 0) -> Any:
    if depth > 2 * _DEEPEST + 2:  # an object and a list for each call
        msg = refusal("from_json(...)", f"must be nested at most {_DEEPEST} calls deep", data)
        raise InputError(msg)
    if isinstance(data, list):
        return [_decode(v, depth + 1) for v in data]
    if not isinstance(data, dict):
        return data
    name = data.get("type")
    if name == "tabulated" and ("file" in data or isinstance(data.get("values"), str)):
        msg = refusal('from_json("tabulated")', "must hold its values; only a person names a file", data)
        raise InputError(msg)
    named = {k: PEAK if v == "peak" else _decode(v, depth + 1) for k, v in data.items() if k != "type"}
    if name not in ("then", "join", "product"):
        return _call(name, [], named)
    parts = named.pop("parts", None)
    if not isinstance(parts, list) or (name == "then" and named):
        msg = refusal(f"from_json({name!r})", 'must have a list of "parts"', data)
        raise InputError(msg)
    return compose.then(tuple(parts)) if name == "then" else _call(name, parts, named)


def _tree(text: str) -> ast.expr:
    if not isinstance(text, str) or len(text) > _LONGEST:
        shown = text[:40] + "..." if isinstance(text, str) else text
        cure = 'A longer table is read from JSON, or from a file: tabulated(file="rates.csv").'
        msg = refusal("parse(...)", f"must be given a text of at most {_LONGEST} characters", shown, cure)
        raise InputError(msg)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        where = f" (at character {problem.offset})" if isinstance(problem, SyntaxError) and problem.offset else ""
        msg = refusal("parse(...)", f"must be given a schedule{where}", text, 'Such as "cosine(0.1, floor=0.001)".')
        raise InputError(msg) from None
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        msg = refusal("parse(...)", "must be given one schedule", text, 'Such as "cosine(0.1, floor=0.001)".')
        raise InputError(msg)
    return body[0].value


def _walk(node: ast.expr, text: str) -> Any:
    """The value of one node of the tree; anything that is not notation is refused."""
    try:
        return _value(node, text, 0)
    except RecursionError:  # a sum of hundreds of parts
        msg = refusal("parse(...)", "must have fewer parts", text)
        raise InputError(msg) from None


def _value(node: ast.expr, text: str, depth: int) -> Any:
    if depth > _DEEPEST:
        msg = refusal("parse(...)", f"must be nested at most {_DEEPEST} calls deep", text)
        raise InputError(msg)
    match node:
        case ast.Call(func=ast.Name(id=name)):
            if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
                return _refuse(node, text)
            arguments: dict[str, Any] = {}
            for k in node.keywords:
                if k.arg in arguments:
                    msg = refusal(f"{name}({k.arg}=...)", "must be given once", text)
                    raise InputError(msg)
                arguments[str(k.arg)] = _value(k.value, text, depth + 1)
            return _call(name, [_value(a, text, depth + 1) for a in node.args], arguments)
        case ast.Constant(value=bool() | str() as value):
            return value
        case ast.Constant(value=int() | float() as value) if abs(value) <= sys.float_info.max:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if (
            type(value) is not bool
        ):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, text, depth + 1) for item in items]
        case ast.Name(id="peak"):
            return PEAK
        case ast.Name(id=name) if name in FAMILIES and name not in _HIDDEN:
            msg = refusal(
                name, "must be called with its arguments", name, f"Write {name}({', '.join(_arguments(name))})."
            )
            raise InputError(msg)
        case ast.Name(id=name):
            return _unknown(name)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult(), right=right):
            a = _value(left, text, depth if isinstance(node.op, ast.Add) else depth + 1)  # a sum is flat
            b = _value(right, text, depth + 1)
            parts, numbers = (Schedule, Prefix), (int, float)
            if isinstance(node.op, ast.Add) and isinstance(a, parts) and isinstance(b, parts):
                return compose.chain(a, b)
            if isinstance(node.op, ast.Mult) and isinstance(a, Schedule) and isinstance(b, Schedule):
                from lrdecay.schedule.compose_factors import product

                return product(a, b)
            if isinstance(node.op, ast.Mult) and isinstance(a, Schedule) and type(b) in numbers:
                return compose.scale(a, b)
            if isinstance(node.op, ast.Mult) and isinstance(b, Schedule) and type(a) in numbers:
                return compose.scale(b, a)
    return _refuse(node, text)


def _refuse(node: ast.expr, text: str) -> Any:
    part = ast.get_source_segment(text.strip(), node) or text
    cure = "Calls of families, +, *, numbers, quoted text and lists are allowed."
    msg = refusal("parse(...)", "must be given the notation of a schedule", part, cure)
    raise InputError(msg)


def _unknown(name: object) -> Any:
    known = [f for f in FAMILIES if f not in _HIDDEN]
    msg = refusal(f"{name}(...)", "must be a known schedule", name, did_you_mean(str(name), known))
    raise InputError(msg)


def _arguments(name: str) -> list[str]:
    """The names of a family's arguments, in order; ``*parts`` are not named."""
    return [p.name for p in inspect.signature(FAMILIES[name]).parameters.values() if p.kind is not p.VAR_POSITIONAL]


def _call(name: Any, positional: list[Any], named: dict[str, Any]) -> Any:
    """Call a family, with the mistakes of a call worded as ours."""
    if not isinstance(name, str) or name not in FAMILIES or name in _HIDDEN:
        return _unknown(name)
    family = FAMILIES[name]
    parameters = inspect.signature(family).parameters
    known = _arguments(name)
    for given in named:
        if given not in known:
            msg = refusal(f"{name}({given}=...)", "must be a known argument", given, did_you_mean(str(given), known))
            raise InputError(msg)
    if known == list(parameters) and len(positional) > len(known):
        msg = refusal(f"{name}(...)", f"must have at most {len(known)} arguments", len(positional))
        raise InputError(msg)
    if known == list(parameters):
        twice = [k for k in known[: len(positional)] if k in named]
        missing = [
            k for k in known[len(positional) :] if k not in named and parameters[k].default is inspect.Parameter.empty
        ]
    else:
        twice, missing = [], [k for k in known if k not in named and parameters[k].default is inspect.Parameter.empty]
    if twice:
        msg = refusal(f"{name}({twice[0]}=...)", "must be given once", named[twice[0]])
        raise InputError(msg)
    if missing:
        cure = f"It is {name}({', '.join(known)})."
        msg = f"`{name}({missing[0]}=...)` must be given. {cure}"
        raise InputError(msg)
    return family(*positional, **named)
