"""The sets in the text of a grid: where each stands, what it may be, and what it stands for.

A part of `lrdecay.schedule.grid`. Positions in a message are characters of the text, counted from 1; between the syntax
tree and here they are bytes of UTF-8, as Python's parser counts.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

from attrs import frozen

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.register import FAMILIES

__all__ = ["Axis", "axes_of", "horizon_axis"]

_CURE = "A set holds values in braces: cooldown={'10%', '20%'}."


@frozen
class Axis:
    """One set: where it stands in the text, and what may stand there."""

    start: int  # of the opening brace, in bytes
    end: int  # behind the closing one
    family: str  # whose argument it is; empty where it is none
    name: str
    choices: tuple[tuple[str, Any], ...]  # (text, value)


def axes_of(body: str, call: str) -> Iterator[Axis]:
    """The sets of a schedule's text, without its horizon.

    Args:
        body: the text.
        call: what refuses it, in a message.

    Raises:
        InputError: the text cannot be read, or a set is empty or stands in another.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(body, mode="eval").body
        yield from _sets(tree, body, call, "", "schedule")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        if isinstance(problem, InputError):
            raise
        where = _place(body, problem.lineno or 1, problem.offset or 1) if isinstance(problem, SyntaxError) else 1
        told = isinstance(problem, SyntaxError) and any(w in problem.msg for w in ("never closed", "match"))
        reason = f": {problem.msg}" if told and isinstance(problem, SyntaxError) else ""
        _refuse(call, f"must be given schedules{reason}", where, body)


def horizon_axis(text: str, length: str, call: str) -> Axis | None:
    """The set behind the ``@`` of a text, if there is one.

    Args:
        text: the text.
        length: what stands behind the ``@``.
        call: what refuses it, in a message.

    Raises:
        InputError: there is a brace, and it is not one set of lengths.
    """
    place = text.rindex("@") + 1
    if "{" not in length and "}" not in length:
        return None
    inside = length[1:-1]
    if not (length.startswith("{") and length.endswith("}")) or "{" in inside or "}" in inside:
        _refuse(call, "must have one set of lengths behind the @", place, length, "Such as @ {40ep, 60ep}.")
    choices = [part.strip() for part in inside.removesuffix(",").split(",")]
    if not all(choices):
        _refuse(call, "must have lengths between its braces", place, length, "Such as @ {40ep, 60ep}.")
    return Axis(
        place, place, "", "horizon", tuple((c, int(c) if c.isdecimal() and len(c) < 20 else c) for c in choices)
    )


def _sets(node: ast.AST, body: str, call: str, family: str, name: str) -> Iterator[Axis]:
    """The sets at and below a node that stands for this argument of this family."""
    match node:
        case ast.Dict(keys=keys):
            place = _character(body, node)
            _refuse(call, "must have values between its braces", place, "{}" if not keys else _source(body, node))
        case ast.Set(elts=items):
            for item in items:
                inner = next((n for n in ast.walk(item) if isinstance(n, ast.Set | ast.Dict)), None)
                if inner is not None:
                    cure = "Write them as one set, or give two schedules."
                    _refuse(call, "must have no set inside a set", _character(body, inner), _source(body, inner), cure)
            start = _byte(body, node.lineno, node.col_offset)
            end = _byte(body, node.end_lineno or 0, node.end_col_offset or 0)
            yield Axis(start, end, family, name, tuple(_choice(body, item) for item in items))
        case ast.Call(func=ast.Name(id=called)):
            known = _arguments(called)
            for i, given in enumerate(node.args):
                yield from _sets(given, body, call, called, known[i] if i < len(known) else f"argument {i + 1}")
            for k in node.keywords:
                yield from _sets(k.value, body, call, called, k.arg or "")
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for i, item in enumerate(items):
                yield from _sets(item, body, call, family, f"{name}[{i}]")
        case _:
            product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
            for below in ast.iter_child_nodes(node):
                numbers = isinstance(below, ast.Set) and isinstance(below.elts[0], ast.Constant)
                yield from _sets(below, body, call, family, "factor" if product and numbers else name)


def _choice(body: str, item: ast.expr) -> tuple[str, Any]:
    """What to write, and what to say was chosen: the value itself, or notation."""
    written = _source(body, item)
    if isinstance(item, ast.Constant) and isinstance(item.value, int | float | str):
        return written, item.value
    return (f"({written})" if isinstance(item, ast.BinOp) else written), " ".join(written.split())


def _arguments(family: str) -> list[str]:
    """The names of a family's arguments, in order; none where it is not known, which the parser will say."""
    if family not in FAMILIES:
        return []
    parameters = inspect.signature(FAMILIES[family]).parameters.values()
    return [] if any(p.kind is p.VAR_POSITIONAL for p in parameters) else [p.name for p in parameters]


def _refuse(call: str, rule: str, position: int, got: object, cure: str = _CURE) -> NoReturn:
    """Refuse what stands at a character, counted from 1."""
    msg = refusal(call, f"{rule} (at character {position})", got, cure)
    raise InputError(msg)


def _source(body: str, node: ast.AST) -> str:
    return ast.get_source_segment(body, node) or body


def _byte(body: str, line: int, column: int) -> int:
    """The position in UTF-8 of a line (from 1) and a column in bytes (from 0)."""
    return sum(len(part.encode()) + 1 for part in body.split("\n")[: line - 1]) + column


def _place(body: str, line: int, column: int) -> int:
    """The character, from 1, of a line and a column that count from 1."""
    return sum(len(part) + 1 for part in body.split("\n")[: line - 1]) + column


def _character(body: str, node: Any) -> int:
    """The character, from 1, that a node starts at."""
    return len(body.encode()[: _byte(body, node.lineno, node.col_offset)].decode()) + 1
