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

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.grid_sets import Axis, axes_of, horizon_axis
from lrdecay.schedule.notation import Spec, parse_spec

__all__ = ["MOST", "Grid", "GridPoint", "check_grid", "expand_grid", "is_grid", "read_grid"]

MOST = 10_000
"""The most combinations a grid may have."""

_LONGEST = 10_000  # characters


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


def read_grid(text: str, parse_one: Callable[[str], Spec] = parse_spec) -> Grid:
    """The schedules of a grid with the values chosen on each axis.

    Args:
        text: the grid.
        parse_one: what reads a combination.

    Raises:
        InputError: a brace is not closed, a set is empty or stands in another, there are more than `MOST`
            combinations, or one of them is no schedule; the message says where.
    """
    read = _read(text, "expand_grid(...)")
    axes, length = read.axes, read.length
    pieces = _pieces(read.body, read.inside)
    names = _names(axes)
    found: dict[Spec, GridPoint] = {}
    repeated: list[str] = []
    for chosen in itertools.product(*(axis.choices for axis in axes)):
        said = [written for written, _ in chosen]
        one = "".join(itertools.chain(*itertools.zip_longest(pieces, said[: len(pieces) - 1], fillvalue="")))
        if length is not None:
            one += f" @ {said[-1] if len(said) == len(pieces) else length}"
        spec = parse_one(one)
        if spec in found:
            repeated.append(str(spec))
        else:
            found[spec] = GridPoint(spec, dict(zip(names, (value for _, value in chosen), strict=True)))
    return Grid(read.text, tuple(found.values()), tuple(repeated))


def check_grid(text: str, call: str) -> None:
    """Refuse what is no grid, before its combinations are made.

    Args:
        text: of a grid, as it was typed.
        call: what it was typed as, such as ``-s TEXT``; it is named in the message.

    Raises:
        InputError: as `read_grid`, except that a combination may still be no schedule.
    """
    _read(text, call)


@frozen
class _Read:
    """A text, taken apart."""

    text: str
    body: str  # without its horizon
    length: str | None  # what stands behind the ``@``
    inside: list[Axis]  # the sets of the body
    behind: list[Axis]  # that of the length, if it is one

    @property
    def axes(self) -> list[Axis]:
        """All of them, in the order they are written."""
        return [*self.inside, *self.behind]


def _read(text: str, call: str) -> _Read:
    """Everything about a text but its combinations."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        shown = text[:40] + "..." if isinstance(text, str) else text
        msg = refusal(call, f"must be given a text of at most {_LONGEST} characters", shown)
        raise InputError(msg)
    text = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    body, length = _split(text)
    inside = sorted(axes_of(body, call), key=lambda axis: axis.start)
    behind = None if length is None else horizon_axis(text, length, call)
    read = _Read(text, body, length, inside, [] if behind is None else [behind])
    count = math.prod(len(axis.choices) for axis in read.axes)
    if count > MOST:
        shown = " x ".join(str(len(axis.choices)) for axis in read.axes)
        msg = refusal(call, f"must have at most {MOST} combinations", f"{shown} = {count}")
        raise InputError(msg)
    return read


def _split(text: str) -> tuple[str, str | None]:
    """The schedule, and what stands behind ``@``; None where there is none."""
    body, at, length = text.rpartition("@")
    if not at or '"' in length or "'" in length:
        return text, None
    return body.strip(), length.strip()


def _pieces(body: str, axes: list[Axis]) -> list[str]:
    """The text around the sets: one piece more than there are sets."""
    data, ends = body.encode(), [0, *(axis.end for axis in axes)]
    return [data[a:b].decode() for a, b in zip(ends, [*(axis.start for axis in axes), len(data)], strict=True)]


def _names(axes: list[Axis]) -> list[str]:
    """A name for each axis, no two alike."""
    count = Counter(axis.name for axis in axes)
    longer = [f"{a.family}.{a.name}" if count[a.name] > 1 and a.family else a.name for a in axes]
    often, seen = Counter(longer), Counter[str]()
    names = []
    for name in longer:
        seen[name] += 1
        names.append(f"{name} {seen[name]}" if often[name] > 1 else name)
    return names
