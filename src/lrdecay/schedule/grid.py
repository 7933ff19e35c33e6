"""Many schedules in one line: a set in braces wherever a value may stand, and every combination of them.

    wsd(peak, warmup=100, cooldown={"10%", "20%", "40%"}, shape={"linear", "1-sqrt"})      6 schedules
    warmup({100, 500}) + {cosine(0.1), linear(0.1)}                                        4
    cosine(0.1) @ {40ep, 60ep}                                                             2

The product is taken in the order the sets are written, the leftmost changing slowest. A set may hold numbers, quoted
texts, lists and whole schedules. Each set is an *axis*, named after the argument it stands for (``cooldown``),
``horizon`` behind the ``@``, or ``schedule`` where a schedule stands; two of one name are told apart by the family
(``linear.floor``) or else by a number. Combinations that are the same schedule are kept once, and said.

A set inside a set is refused: which combinations it means would be a guess. Python's own parser reads the text into a
syntax tree; nothing is executed.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from attrs import field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.notation import Spec, parse_spec
from lrdecay.schedule.register import FAMILIES

__all__ = ["MOST", "Grid", "GridPoint", "expand_grid", "is_grid", "read_grid"]

MOST = 10_000
"""The most combinations a grid may have."""

_LONGEST = 10_000  # characters
_CURE = "A set holds values in braces: cooldown={'10%', '20%'}."


@frozen
class GridPoint:
    """One combination."""

    spec: Spec
    axes: Mapping[str, Any] = field(eq=False)  # axis -> the value chosen: a number, a text, or notation; JSON


@frozen
class Grid:
    """All combinations of a text, in order."""

    written: str
    points: tuple[GridPoint, ...]
    repeated: tuple[str, ...]  # combinations left out, since the same schedule stands before them

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes, in the order they are written."""
        return tuple(self.points[0].axes)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The schedules."""
        return tuple(point.spec for point in self.points)


@frozen
class _Axis:
    """One set: where it stands in the text, and what may stand there."""

    start: int  # of the opening brace, in bytes
    end: int  # behind the closing one
    family: str  # whose argument it is; empty where it is none
    name: str
    choices: tuple[tuple[str, Any], ...]  # (text, value)


def is_grid(text: object) -> bool:
    """Whether a text has a brace outside quotes, and so is a grid or a broken one."""
    quote = ""
    for c in text if isinstance(text, str) else "":
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "{}":
            return True
    return False


def expand_grid(text: str) -> tuple[Spec, ...]:
    """The schedules of a grid, each once, in order; a text without a set gives its one schedule.

    Raises:
        InputError: as `read_grid`.

    Example:
        >>> [str(s) for s in expand_grid("linear({0.1, 0.2}, floor={0, 0.01}) @ 2ep")][1]
        'linear(0.1, floor=0.01) @ 2ep'
    """
    return read_grid(text).specs


def read_grid(text: str) -> Grid:
    """The schedules of a grid with the values chosen on each axis.

    Raises:
        InputError: a brace is not closed, a set is empty or stands in another, there are more than `MOST`
            combinations, or one of them is no schedule; the message says where.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        shown = text[:40] + "..." if isinstance(text, str) else text
        msg = refusal("expand_grid(...)", f"must be given a text of at most {_LONGEST} characters", shown)
        raise InputError(msg)
    text = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    body, length = _split(text)
    axes = sorted(_axes_of(body), key=lambda axis: axis.start)
    pieces = _pieces(body, axes)
    if length is not None:
        behind = _horizon(text, length)
        axes += [] if behind is None else [behind]
    count = math.prod(len(axis.choices) for axis in axes)
    if count > MOST:
        shown = " x ".join(str(len(axis.choices)) for axis in axes)
        msg = refusal("expand_grid(...)", f"must have at most {MOST} combinations", f"{shown} = {count}")
        raise InputError(msg)
    names = _names(axes)
    found: dict[Spec, GridPoint] = {}
    repeated: list[str] = []
    for chosen in itertools.product(*(axis.choices for axis in axes)):
        said = [written for written, _ in chosen]
        one = "".join(itertools.chain(*itertools.zip_longest(pieces, said[: len(pieces) - 1], fillvalue="")))
        if length is not None:
            one += f" @ {said[-1] if len(said) == len(pieces) else length}"
        spec = parse_spec(one)
        if spec in found:
            repeated.append(str(spec))
        else:
            found[spec] = GridPoint(spec, dict(zip(names, (value for _, value in chosen), strict=True)))
    return Grid(text, tuple(found.values()), tuple(repeated))


def _split(text: str) -> tuple[str, str | None]:
    """The schedule, and what stands behind ``@``; None where there is none."""
    body, at, length = text.rpartition("@")
    if not at or '"' in length or "'" in length:
        return text, None
    return body.strip(), length.strip()


def _refuse(rule: str, position: int, got: object, cure: str = _CURE) -> NoReturn:
    """Refuse what stands at a character, counted from 1."""
    msg = refusal("expand_grid(...)", f"{rule} (at character {position})", got, cure)
    raise InputError(msg)


def _axes_of(body: str) -> Iterator[_Axis]:
    """The sets of a schedule's text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(body, mode="eval").body
        yield from _sets(tree, body, "", "schedule")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        if isinstance(problem, InputError):
            raise
        where = _place(body, problem.lineno or 1, problem.offset or 1) if isinstance(problem, SyntaxError) else 1
        told = isinstance(problem, SyntaxError) and any(w in problem.msg for w in ("never closed", "match"))
        reason = f": {problem.msg}" if told and isinstance(problem, SyntaxError) else ""
        _refuse(f"must be given schedules{reason}", where, body)


def _sets(node: ast.AST, body: str, family: str, name: str) -> Iterator[_Axis]:
    """The sets at and below a node that stands for this argument of this family."""
    match node:
        case ast.Dict(keys=keys):
            place = _character(body, node)
            _refuse("must have values between its braces", place, "{}" if not keys else _source(body, node))
        case ast.Set(elts=items):
            for item in items:
                inner = next((n for n in ast.walk(item) if isinstance(n, ast.Set | ast.Dict)), None)
                if inner is not None:
                    cure = "Write them as one set, or give two schedules."
                    _refuse("must have no set inside a set", _character(body, inner), _source(body, inner), cure)
            start = _byte(body, node.lineno, node.col_offset)
            end = _byte(body, node.end_lineno or 0, node.end_col_offset or 0)
            yield _Axis(start, end, family, name, tuple(_choice(body, item) for item in items))
        case ast.Call(func=ast.Name(id=called)):
            known = _arguments(called)
            for i, given in enumerate(node.args):
                yield from _sets(given, body, called, known[i] if i < len(known) else f"argument {i + 1}")
            for k in node.keywords:
                yield from _sets(k.value, body, called, k.arg or "")
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for i, item in enumerate(items):
                yield from _sets(item, body, family, f"{name}[{i}]")
        case _:
            for below in ast.iter_child_nodes(node):
                number = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(below, ast.Set)
                scalar = number and isinstance(below.elts[0], ast.Constant | ast.UnaryOp)
                yield from _sets(below, body, family, "factor" if scalar else name)


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


def _pieces(body: str, axes: list[_Axis]) -> list[str]:
    """The text around the sets: one piece more than there are sets."""
    data, ends = body.encode(), [0, *(axis.end for axis in axes)]
    return [data[a:b].decode() for a, b in zip(ends, [*(axis.start for axis in axes), len(data)], strict=True)]


def _horizon(text: str, length: str) -> _Axis | None:
    """The set behind the ``@``, if there is one."""
    place = text.rindex("@") + 1
    if "{" not in length and "}" not in length:
        return None
    inside = length[1:-1]
    if not (length.startswith("{") and length.endswith("}")) or "{" in inside or "}" in inside:
        _refuse("must have one set of lengths behind the @", place, length, "Such as @ {40ep, 60ep}.")
    choices = [part.strip() for part in inside.removesuffix(",").split(",")]
    if not all(choices):
        _refuse("must have lengths between its braces", place, length, "Such as @ {40ep, 60ep}.")
    return _Axis(place, place, "", "horizon", tuple((c, int(c) if c.isdecimal() else c) for c in choices))


def _names(axes: list[_Axis]) -> list[str]:
    """A name for each axis, no two alike."""
    count = Counter(axis.name for axis in axes)
    longer = [f"{a.family}.{a.name}" if count[a.name] > 1 and a.family else a.name for a in axes]
    often, seen = Counter(longer), Counter[str]()
    names = []
    for name in longer:
        seen[name] += 1
        names.append(f"{name} {seen[name]}" if often[name] > 1 else name)
    return names


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
