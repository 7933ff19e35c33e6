"""Variants: the same schedules under other arguments of the task, or other words of the script's command.

    wd={0.05,0.1} batch={256,512} optimizer={sgd,adamw}       8 variants, the leftmost changing slowest
    wd=0.05 wd=0.1                                            2: what bash makes of wd={0.05,0.1}

A value is JSON where it reads as such, and otherwise a word; in quotes it is always a text. A name that stands twice
adds its values. ``wd`` is short for ``weight_decay`` and ``batch`` for ``batch_size``, unless the task itself takes an
argument of the short name. Pure: which task takes what, and where its sources come from, is said to these functions.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from itertools import product
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, refusal

__all__ = ["ALIASES", "MOST", "Variant", "filled", "parse_variants"]

ALIASES = {"wd": "weight_decay", "batch": "batch_size"}
"""Short names, and the arguments they stand for."""

MOST = 1_000
"""The most variants of one study."""

_SHORT = {long: short for short, long in ALIASES.items()}
_CALL = "--vary NAME={VALUE,VALUE}"
_SUCH_AS = "Such as --vary wd={0.05,0.1} batch={256,512}."
_OPENING, _CLOSING = "([{", ")]}"


@frozen
class Variant:
    """One choice for every name: ``wd=0.05 batch=256``."""

    overrides: tuple[tuple[str, Any], ...]  # (short name, JSON value), in the order written

    def __str__(self) -> str:
        return " ".join(f"{name}={_written(value)}" for name, value in self.overrides)

    def arguments(self, taken: Collection[str] | None, task: str) -> dict[str, Any]:
        """The overrides as arguments of a task.

        Args:
            taken: the names of its arguments; None where it takes any.
            task: what to call it in a message.

        Raises:
            InputError: it takes no argument of a name.
        """
        found = {}
        for name, value in self.overrides:
            long = ALIASES.get(name, name)
            if taken is not None and name not in taken and long not in taken:
                msg = refusal(f"--vary {name}=...", f"must be an argument of {task}", name, did_you_mean(long, taken))
                raise InputError(msg)
            found[name if taken is not None and name in taken else long] = value
        return found


def parse_variants(given: str | Sequence[str]) -> tuple[Variant, ...]:
    """Every combination of the values of every name; none where nothing is given.

    Args:
        given: one text, or several; see the module.

    Raises:
        InputError: a word is no NAME=VALUE, a brace is not closed or empty, a value stands twice, or there are more
            than `MOST` combinations.

    Example:
        >>> [str(v) for v in parse_variants("wd={0.05,0.1} average=ema")]
        ['wd=0.05 average=ema', 'wd=0.1 average=ema']
    """
    text = given if isinstance(given, str) else " ".join(given)
    axes: dict[str, list[Any]] = {}
    for word, place in _parts(text, " "):
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier() or not value:
            msg = refusal(_CALL, f"must be a name, =, and values (at character {place})", word, _SUCH_AS)
            raise InputError(msg)
        values = axes.setdefault(_SHORT.get(name, name), [])
        for chosen in _values(value, place + len(name) + 1):
            if any(chosen == v and isinstance(chosen, bool) == isinstance(v, bool) for v in values):
                msg = refusal(f"--vary {name}=...", "must name each value once", chosen)
                raise InputError(msg)
            values.append(chosen)
    count = math.prod(map(len, axes.values()))
    if count > MOST:
        msg = refusal("--vary", f"must have at most {MOST} combinations", count)
        raise InputError(msg)
    return tuple(Variant(tuple(zip(axes, chosen, strict=True))) for chosen in product(*axes.values())) if axes else ()


def filled(command: str, variant: Variant) -> str:
    """A script's command with each ``{name}`` in its words replaced, as ``{seed}`` is; short and long names.

    Raises:
        InputError: a name stands nowhere in the command.
    """
    values: dict[str, str] = {}
    for name, value in variant.overrides:
        text = value if isinstance(value, str) else json.dumps(value)
        names = {name, ALIASES.get(name, name)}
        if not any(f"{{{n}}}" in command for n in names):
            cure = f"Say where it goes: --script 'python train.py --{name} {{{name}}}'."
            msg = refusal(f"--vary {name}=...", f"must stand in the command of the script as {{{name}}}", command, cure)
            raise InputError(msg)
        values |= dict.fromkeys(names, text)
    placeholder = re.compile("{(" + "|".join(map(re.escape, values)) + ")}")
    return shlex.join(placeholder.sub(lambda m: values[m[1]], word) for word in shlex.split(command))


def _parts(text: str, separator: str, offset: int = 1) -> Iterator[tuple[str, int]]:
    """What stands between separators outside braces, brackets and quotes, and at which character; blanks are left out.

    Raises:
        InputError: a brace, a bracket or a quote is not closed.
    """
    open_, quote, start = list[tuple[str, int]](), "", 0
    for i, c in enumerate(text + separator):
        if quote:
            quote = "" if c == quote and i < len(text) else quote
        elif c in "\"'":
            quote, opened = c, i
        elif c in _OPENING:
            open_.append((c, i))
        elif c in _CLOSING:
            if not open_ or _OPENING.index(open_.pop()[0]) != _CLOSING.index(c):
                msg = refusal(_CALL, f"must have brackets that match (at character {i + offset})", text, _SUCH_AS)
                raise InputError(msg)
        elif not open_ and (c == separator or (separator == " " and c.isspace())):
            part = text[start:i]
            if part.strip() or separator != " ":
                yield part.strip(), start + offset
            start = i + 1
    if quote or open_:
        place = opened if quote else open_[0][1]
        msg = refusal(_CALL, f"must close what it opens (at character {place + offset})", text, _SUCH_AS)
        raise InputError(msg)


def _values(text: str, place: int) -> Iterator[Any]:
    """The values of one word: a set in braces, or one value."""
    if not text.startswith("{"):
        yield _value(text, place)
        return
    inside = text[1:-1]
    if not text.endswith("}") or not inside.strip():
        msg = refusal(_CALL, f"must have values between its braces (at character {place})", text, _SUCH_AS)
        raise InputError(msg)
    for part, at in _parts(inside.rstrip().removesuffix(","), ",", place + 1):
        yield _value(part, at)


def _value(text: str, place: int) -> Any:
    """A JSON value or a word.

    Raises:
        InputError: it is empty, or holds a brace: a set in a set, or a JSON object.
    """
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    if not text or (not quoted and set(text) & set("{}")):
        rule = f"must have {'plain values, not sets in sets' if text else 'a value'} (at character {place})"
        msg = refusal(_CALL, rule, text, _SUCH_AS)
        raise InputError(msg)
    if quoted:
        return text[1:-1]
    try:
        found = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return found


def _written(value: Any) -> str:
    """As it is read back: a word bare, anything that would be read otherwise in quotes."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        bare = list(_parts(value, " ")) == [(value, 1)] and _value(value, 1) == value and "," not in value
    except InputError:
        bare = False
    return value if bare else f"'{value}'" if "'" not in value else f'"{value}"'
