"""A range test in process, a few times over: what every framework's `find` does once it can make and undo a step.

The words, for every framework alike:

point     one *successful* optimizer step at a given rate; calls before it that made none (micro-batches, skipped
          steps) are averaged into its loss. A loss that is not finite ends it at once, for no step may ever come
repeat    from the state at hand, with random numbers and data order of its own seed
along     f(r): the loss of an update's own batches after it was made at rate r, for `rangetest.critical`; seen by
          a second step on the same batches at rate 0
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from attrs import field, frozen

from lrdecay.errors import InputError, RunError, non_negative_int, positive_int, refusal
from lrdecay.rangetest.driver import FIRST_SEED, Curve, Rising, checked, one_curve
from lrdecay.rangetest.reading import Reading, read
from lrdecay.rangetest.transaction import transaction
from lrdecay.runs.trainable import FloatArray

__all__ = ["Measured", "Repeatable", "along", "curves_of", "measured", "one_point"]

_MOST_CALLS = 1000  # calls without a step, before we say that none is coming

S = TypeVar("S")


@frozen(eq=False)
class Measured:
    """The curves of a range test in process."""

    label: str  # of what was trained
    asked: FloatArray = field(repr=False)  # rates of all points that were asked for, shape (points,)
    curves: tuple[Curve, ...] = field(repr=False)  # one per repeat
    seeds: tuple[int, ...]
    notes: tuple[str, ...]  # what a reader must know

    @property
    def reading(self) -> Reading:
        """The averaged curve, read."""
        return read([(c.rates, c.losses) for c in self.curves])

    @property
    def suggestion(self) -> float | None:
        """The peak to use; None where the curve gives no clear answer."""
        return self.reading.suggestion

    @property
    def restored(self) -> bool:
        """Whether everything kept has the digest it had before, in all processes."""
        return all(c.restored for c in self.curves)


class Repeatable(Rising[S], Protocol[S]):
    """What can be raised and put back, and begun again with another seed."""

    def again(self, s: S, seed: int) -> None:
        """Back to the state, but with random state and data order of another seed."""


def measured(
    process: Repeatable[S],
    rates: FloatArray,
    *,
    label: str,
    seed: int,
    repeats: int,
    heldout_every: int | None,
    notes: Callable[[int], list[str]],
    cure: str,
) -> Measured:
    """Raise the rate through the rates, ``repeats`` times from the state at hand, and put everything back.

    Args:
        process: what is trained.
        rates: rising, shape (points,).
        label: of what was trained.
        seed: the repeats use FIRST_SEED + seed, and on.
        repeats: curves.
        heldout_every: points from one held-out loss to the next; None: no look.
        notes: what a reader must know after so many repeats; asked afterwards.
        cure: what to do where the state could not be put back.

    Raises:
        RunError: the loss is not finite from the start, or the state could not be put back.
    """
    non_negative_int.check("find(seed=...)", seed)
    positive_int.check("find(repeats=...)", repeats)
    seeds = tuple(range(FIRST_SEED + seed, FIRST_SEED + seed + repeats))

    curves = curves_of(process, rates, seeds, heldout_every=heldout_every, cure=cure)
    said = ["every repeat starts from the weights at hand", *notes(repeats)]
    return Measured(label, rates, curves, seeds, tuple(said))


def curves_of(
    process: Repeatable[S], rates: FloatArray, seeds: Sequence[int], *, heldout_every: int | None, cure: str
) -> tuple[Curve, ...]:
    """The curves, one per seed, all from the state at hand; which is put back.

    Args:
        process: what is trained.
        rates: rising, shape (points,).
        seeds: of the repeats.
        heldout_every: points from one held-out loss to the next; None: no look.
        cure: what to do where the state could not be put back.

    Raises:
        RunError: the loss is not finite from the start, or the state could not be put back.
    """

    def work(before: S) -> tuple[Curve, ...]:
        def curve(of: int) -> Curve:
            process.again(before, of)
            return one_curve(process, rates, lambda: process.again(before, of), heldout_every=heldout_every, chunk=1)

        return tuple(checked(curve(s)) for s in seeds)

    return transaction(process, work, cure)


def one_point(call: Callable[[], float], made: Callable[[], int], what: str, cure: str) -> float:
    """The mean loss of the calls up to and with the next successful step.

    Args:
        call: one call's work; gives its loss.
        made: the steps made so far.
        what: the call in its own syntax, for messages.
        cure: why no step may come.

    Raises:
        InputError: a call made more than one step.
        RunError: no step comes.
    """
    losses: list[float] = []
    before = made()
    while True:
        losses.append(call())
        if not math.isfinite(losses[-1]):
            return losses[-1]
        steps = made() - before
        if steps:
            break
        if len(losses) == _MOST_CALLS:
            msg = f"`{what}` must make an optimizer step, got {_MOST_CALLS} calls without one. {cure}"
            raise RunError(msg)
    if steps > 1:
        cure = "Return after each, so that each has its loss."
        msg = refusal(what, "must make at most one optimizer step in a call", steps, cure)
        raise InputError(msg)
    return math.fsum(losses) / len(losses)


def along(
    back: Callable[[], object], rewind: Callable[[], object], point: Callable[[float], float]
) -> Callable[[float], float]:
    """f(r) of the critical rate, where a loss is had by making a step.

    Args:
        back: puts weights, optimizer and random numbers back to before the update.
        rewind: puts the data back to the update's batches.
        point: makes a step at a rate, and gives the loss before it.
    """

    def loss(rate: float) -> float:
        back()
        rewind()
        if not math.isfinite(before := point(rate)):
            return before
        rewind()
        return point(0.0)

    return loss
