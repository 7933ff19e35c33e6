"""What goes wrong, in one voice: the exceptions, and the constraint objects that word every message.

Every message reads ``` `call(arg=...)` rule, got value. cure ```: the call as the user typed it, the rule it broke, the
value that broke it, and what to do instead. Messages are one line. Nothing is logged and then ignored.

    LrdecayError
    ├── InputError   what was asked cannot be done as asked; the command line exits 2
    └── RunError     the work itself failed (a diverged run, a dead child); the command line exits 1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from attrs import Attribute, frozen

__all__ = [
    "Constraint",
    "InputError",
    "LrdecayError",
    "MissingExtraError",
    "RunError",
    "argument",
    "at_least_one",
    "did_you_mean",
    "factor_in_unit_interval",
    "non_negative",
    "non_negative_int",
    "one_of",
    "positive",
    "positive_int",
    "refusal",
    "true_or_false",
]


_LONGEST = 240  # characters of a call or a value that a message shows


class LrdecayError(Exception):
    """Root of everything lrdecay raises on purpose."""


class InputError(LrdecayError, ValueError):
    """What was asked cannot be done as asked. Nothing was started; the command line exits 2."""


class RunError(LrdecayError, RuntimeError):
    """The work was started and failed. What was recorded until then is kept; the command line exits 1."""


class MissingExtraError(InputError, ImportError):
    """An optional dependency is not installed; the message carries the pip line."""


def refusal(call: str, rule: str, value: object, cure: str = "") -> str:
    """The one form of a message: ``` `call` rule, got value. cure ```.

    Args:
        call: the call in its own syntax, such as ``step(every=...)``.
        rule: what must hold, starting with "must".
        value: what was given instead; shown by ``repr``.
        cure: a sentence saying what to do; may be empty.
    """
    tail = f" {cure}" if cure else ""
    return _one_line(f"`{_shortened(call)}` {rule}, got {_shown(value)}.{tail}")


def _shown(value: object) -> str:
    """``repr`` on one line; what Python itself refuses to print is named by its type."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a value nested a thousand deep
        return f"a value of type {type(value).__name__} that is too large to show"
    return _shortened(" ".join(line.strip() for line in text.splitlines()))


def _shortened(text: str) -> str:
    """Long text without its middle."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: 2 * _LONGEST // 3]} ... {text[-_LONGEST // 4 :]}"


def _one_line(text: str) -> str:
    """A message as it may be printed: no line breaks, no control characters, no lone surrogates."""
    return "".join(c if c.isprintable() else " " for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A cure for a misspelt word: the nearest known one, or all of them."""
    import difflib  # not before a word is misspelt: loading it is a good part of loading this module

    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(names)}."


@frozen
class Constraint:
    """A rule on one value: what it says, how it is checked, and what cures a breach."""

    rule: str  # reads after the call: "must be a positive number"
    holds: Callable[[Any], bool]
    cure: str = ""

    def check(self, call: str, value: object) -> None:
        """Raise `InputError` if the value breaks the rule."""
        if not self.holds(value):
            msg = refusal(call, self.rule, value, self.cure)
            raise InputError(msg)


def argument(constraint: Constraint) -> Callable[[Any, Attribute[Any], Any], None]:
    """An attrs validator that applies a constraint to a field, naming it as ``family(field=...)``."""

    def validate(instance: object, attribute: Attribute[Any], value: object) -> None:
        constraint.check(f"{type(instance).__name__}({attribute.name}=...)", value)

    return validate


def _finite(value: object) -> bool:
    if type(value) is bool or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer above the largest float
        return False


positive = Constraint("must be a positive number", lambda v: _finite(v) and v > 0)
non_negative = Constraint("must be a number >= 0", lambda v: _finite(v) and v >= 0)
factor_in_unit_interval = Constraint(
    "must be in (0, 1]", lambda v: _finite(v) and 0 < v <= 1, "A decay multiplies the rate by it."
)
positive_int = Constraint("must be a positive integer", lambda v: type(v) is int and v > 0)
non_negative_int = Constraint("must be an integer >= 0", lambda v: type(v) is int and v >= 0)
true_or_false = Constraint("must be True or False", lambda v: type(v) is bool)
at_least_one = Constraint("must hold at least one item", lambda v: len(v) > 0)


def one_of(names: Iterable[str]) -> Constraint:
    """The value must be one of these words."""
    known = tuple(names)
    return Constraint(f"must be one of {', '.join(known)}", lambda v: isinstance(v, str) and v in known)
