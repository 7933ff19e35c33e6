"""Where cooldowns of a length start and end; arithmetic only, exact, each boundary rounded once, half up.

A length is a share p of the *final* horizon T, 0 < p < 1. From a checkpoint of step s there are two fair ways to
compare lengths, and they answer different questions:

    matching trunk   each starts at s:       T = s / (1 - p), so that T - s = p·T
    matching total   each ends at one T:     starts at T (1 - p); by default T = s / (1 - p_max)

The first asks what a cooldown makes of this checkpoint, at whatever it costs; the second how best to spend what is
left.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fractions import Fraction

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, positive_int, refusal
from lrdecay.schedule.duration import round_half_up
from lrdecay.schedule.shapes import CLOSED_SHAPES

__all__ = ["SHAPES", "Length", "Stretch", "lengths_of", "matching_total", "matching_trunk", "shapes_of"]

SHAPES = (*CLOSED_SHAPES, "power", "exponential")
"""What `wsd` takes."""


@frozen
class Length:
    """A share of the final horizon."""

    written: str  # "10%"
    share: Fraction  # in (0, 1)


@frozen
class Stretch:
    """One cooldown: updates ``start`` .. ``end`` - 1."""

    length: Length
    start: int
    end: int

    @property
    def updates(self) -> int:
        """Its length."""
        return self.end - self.start


def lengths_of(given: str | Sequence[str]) -> tuple[Length, ...]:
    """Read ``"5%,10%"`` or a list of such, in the order given.

    Raises:
        InputError: there is none, one is no percentage between 0% and 100%, or stands twice.
    """
    found: list[Length] = []
    for word in _words(given):
        match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*%", word, re.ASCII)
        share = Fraction(match[1]) / 100 if match else Fraction(0)
        if not 0 < share < 1:
            cure = "Lengths are percent of the final horizon, such as 5%,10%,20%."
            msg = refusal("--lengths", "must lie between 0% and 100%", word, cure)
            raise InputError(msg)
        if share in (length.share for length in found):
            msg = refusal("--lengths", "must name each length once", word)
            raise InputError(msg)
        found.append(Length(word.replace(" ", ""), share))
    if not found:
        msg = refusal("--lengths", "must name at least one", given, "Such as --lengths 5%,10%,20%.")
        raise InputError(msg)
    return tuple(found)


def shapes_of(given: str | Sequence[str], known: Collection[str] = SHAPES) -> tuple[str, ...]:
    """Read ``"linear,1-sqrt"`` or a list of such.

    Raises:
        InputError: there is none, one is no shape of a cooldown, or stands twice.
    """
    found = _words(given)
    for i, word in enumerate(found):
        if word not in known:
            msg = refusal("--shapes", f"must be of {', '.join(known)}", word, did_you_mean(word, known))
            raise InputError(msg)
        if word in found[:i]:
            msg = refusal("--shapes", "must name each shape once", word)
            raise InputError(msg)
    if not found:
        msg = refusal("--shapes", "must name at least one", given, "Such as --shapes linear,1-sqrt.")
        raise InputError(msg)
    return tuple(found)


def matching_trunk(step: int, lengths: Sequence[Length]) -> tuple[Stretch, ...]:
    """Each from the checkpoint's step on, to a horizon of which it is the share.

    Raises:
        InputError: one is shorter than an update.
    """
    return tuple(_checked(Stretch(p, step, round_half_up(step / (1 - p.share))), step) for p in lengths)


def matching_total(step: int, lengths: Sequence[Length], total: int | None = None) -> tuple[Stretch, ...]:
    """Each to one horizon; by default the one at which the longest starts at the checkpoint's step.

    Raises:
        InputError: the horizon is not above the step, or a cooldown would start before it or has no update.
    """
    if total is None:
        total = round_half_up(step / (1 - max(p.share for p in lengths)))
    positive_int.check("--total", total)
    if total <= step:
        msg = refusal("--total", f"must be more than the checkpoint's step, {step}", total)
        raise InputError(msg)
    return tuple(_checked(Stretch(p, round_half_up(total * (1 - p.share)), total), step) for p in lengths)


def _checked(stretch: Stretch, step: int) -> Stretch:
    p, start, end = stretch.length.written, stretch.start, stretch.end
    if start < step:
        cure = f"A cooldown of {p} of {end} updates starts at step {start}: a longer --total, or a shorter length."
        msg = refusal("--lengths", f"must start at the checkpoint's step, {step}, or later", p, cure)
        raise InputError(msg)
    if stretch.updates < 1:
        msg = refusal("--lengths", f"must be at least one update of {end}", p, "A longer one, or a later checkpoint.")
        raise InputError(msg)
    return stretch


def _words(given: str | Sequence[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given)
    return [word.strip() for text in texts for word in str(text).split(",") if word.strip()]
