"""The lines of code that a writer has made so far, each an assignment to a name of its own."""

from __future__ import annotations

from typing import Any, NoReturn, final

from attrs import field, frozen

from lrdecay.dialects.writing_words import Words
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Bound
from lrdecay.schedule.segments import Segment

__all__ = ["Lines", "plus"]

_TABLE = "Its rates can be written: tabulated(bound.values().tolist())."


@final
@frozen
class Lines:
    """Lines in the words of one library, for one schedule."""

    words: Words
    bound: Bound
    lines: list[str] = field(factory=list)

    def line(self, name: str, expression: str) -> str:
        """Assign, and give the name."""
        self.lines.append(f"{name} = {expression}")
        return name

    def new(self, letter: str, expression: str) -> str:
        """Assign to the next name with this letter, and give it."""
        return self.line(f"{letter}{sum(line[0] == letter for line in self.lines) + 1}", expression)

    def since(self, t: str, a: int, most: int) -> str:
        """The updates since a, from 0 to most."""
        return self.words.clip(plus(t, -a), most)

    def between(self, high: float, low: float, f: str) -> str:
        """high·f + low·(1 - f); f is a name of its own where it is needed twice."""
        if low == 0.0:
            return f"{self.words.number(high)} * {f}"
        if high == 0.0:
            return f"{self.words.number(low)} * (1.0 - {f})"
        f = self.new("f", f)
        return f"{self.words.number(high)} * {f} + {self.words.number(low)} * (1.0 - {f})"

    def check_integers(self, largest: int) -> None:
        """Refuse what the library's integers cannot count.

        Raises:
            InputError: a product on the way is too large.
        """
        self.words.check_integers(self.bound, largest)

    def check_rates(self, segment: Segment) -> None:
        """Refuse a part whose own rates the library's floats cannot hold, whatever the whole has.

        Raises:
            InputError: they are too small or too large.
        """
        self.words.check_rates(self.bound, segment)

    def refuse(self, rule: str, part: Any, cure: str = _TABLE) -> NoReturn:
        """Refuse the schedule because of a part of it.

        Raises:
            InputError: always.
        """
        msg = refusal(repr(self.bound.schedule), rule, part, cure)
        raise InputError(msg)

    def unknown(self, part: Any) -> NoReturn:
        """Refuse what has no words here.

        Raises:
            InputError: always.
        """
        self.refuse("must be made of parts that can be written as code", part)

    def changing(self) -> NoReturn:
        """Refuse what counts samples.

        Raises:
            InputError: always.
        """
        rule = "must have one batch size to be written as code, which counts updates"
        self.refuse(rule, list(self.bound.horizon.batch_changes))


def plus(t: str, n: int) -> str:
    """``t + n``, short where n is 0."""
    return t if n == 0 else f"({t} {'+' if n > 0 else '-'} {abs(n)})"
