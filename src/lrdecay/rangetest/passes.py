"""Data for a range test in process: a fresh pass for each repeat, begun again when it runs dry. No framework.

Random generators that a loader has of its own are seeded for a repeat, and put back by whoever began.

Batches    the user's own loader or list, in whatever order it gives; a pass under way elsewhere is not touched
Samples    arrays: batch k of a repeat holds the samples that `lrdecay.runs.order.sample_order` says for its seed
Recorded   either of them, and the batches since a mark once more: for looking along an update
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, final

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.runs.order import sample_order

__all__ = ["Batches", "Recorded", "Samples", "Source"]


class Source(Protocol):
    """An endless run of batches."""

    def begin(self, seed: int) -> None:
        """A fresh pass, its order drawn from this seed."""

    def next(self) -> Any:
        """The next batch."""

    def generators(self) -> list[Any]:
        """The random generators it has of its own, with torch's ``get_state`` and ``set_state``."""

    def notes(self, repeats: int) -> list[str]:
        """What a reader must know of the data of the curves."""


@final
class Batches:
    """The batches of a loader, over and over.

    Args:
        loader: gives batches, in a fresh pass each time it is iterated.
        call: the argument it came by, for messages.
        cure: what to give in place of something that is iterated only once.
        convert: applied to every batch.
        reorder: has the next pass draw its order from a seed; by default the generators that are found are seeded.

    Raises:
        InputError: it cannot be begun anew.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        call: str,
        cure: str = "Give what makes it.",
        convert: Callable[[Any], Any] = lambda batch: batch,
        reorder: Callable[[int], object] | None = None,
    ) -> None:
        if not hasattr(loader, "__iter__") or isinstance(loader, Iterator):
            msg = refusal(call, "must be iterable again and again", type(loader).__name__, cure)
            raise InputError(msg)
        self._dry, self._length = 0, 0  # how often it ended before the test did; batches in a pass
        self._loader, self._call, self._convert = loader, call, convert
        self._reorder = self._seed if reorder is None else reorder
        self._pass: Iterator[Any] = iter(())
        self._given = 0

    def generators(self) -> list[Any]:
        """The random generators the loader has of its own; the process's are not among them."""
        batch_sampler = getattr(self._loader, "batch_sampler", None)
        owners = [self._loader, getattr(self._loader, "sampler", None), batch_sampler]
        owners.append(getattr(batch_sampler, "sampler", None))
        found = [getattr(owner, "generator", None) for owner in owners]
        return list({id(g): g for g in found if hasattr(g, "manual_seed") and hasattr(g, "get_state")}.values())

    def begin(self, seed: int) -> None:
        """A fresh pass, its order drawn from this seed."""
        self._reorder(seed)
        self._open()

    def next(self) -> Any:
        """The next batch.

        Raises:
            InputError: there is none at all.
        """
        while True:
            for batch in self._pass:
                self._given += 1
                return self._convert(batch)
            if not self._given:
                cure = "Is the data set empty, or smaller than a batch with drop_last=True?"
                msg = refusal(self._call, "must give at least one batch", "none", cure)
                raise InputError(msg)
            self._dry, self._length = self._dry + 1, self._given
            self._open()

    def notes(self, repeats: int) -> list[str]:
        """That it does not shuffle, and that it ran dry."""
        notes = []
        sampler = getattr(self._loader, "sampler", None)
        in_order = isinstance(self._loader, list | tuple) or type(sampler).__name__ == "SequentialSampler"
        if in_order and repeats > 1:
            notes.append("the loader does not shuffle: repeats differ only in what the model draws")
        if self._dry:
            times = "once" if self._dry == 1 else f"{self._dry} times"
            notes.append(f"the loader ran dry after {self._length} batches, and was begun again {times}")
        return notes

    def _seed(self, seed: int) -> None:
        for generator in self.generators():
            generator.manual_seed(seed)

    def _open(self) -> None:
        own = getattr(self._loader, "__dict__", {})
        if "_iterator" not in own:
            self._pass = iter(self._loader)
        else:  # torch's DataLoader with persistent workers would hand out the same pass again
            theirs, own["_iterator"] = own["_iterator"], None
            try:
                self._pass = iter(self._loader)
            finally:
                own["_iterator"] = theirs
        self._given = 0


@final
class Samples:
    """Batches of one size from arrays, shuffled by the repeat's seed; a batch may span the end of a pass.

    Args:
        count: samples there are.
        batch_size: samples in a batch; above ``count``, all of them.
        take: the batch with the samples of these indices, shape (batch,).
    """

    def __init__(self, count: int, batch_size: int, take: Callable[[Any], Any]) -> None:
        positive_int.check("find(batch_size=...)", batch_size)
        if count < 1:
            msg = refusal("find(...)", "must be given at least one sample", count)
            raise InputError(msg)
        self._count, self._size, self._take = count, min(batch_size, count), take
        self._seed, self._at, self._most = 0, 0, 0

    def generators(self) -> list[Any]:
        """None."""
        return []

    def begin(self, seed: int) -> None:
        """From the first sample in the order of this seed."""
        self._seed, self._at = seed, 0

    def next(self) -> Any:
        """The next batch."""
        order = sample_order(self._seed, self._count, self._at, self._size)
        self._at += self._size
        self._most = max(self._most, self._at)
        return self._take(order)

    def notes(self, repeats: int) -> list[str]:  # noqa: ARG002
        """How often the data were gone through, if more than once."""
        if self._most <= self._count:
            return []
        return [f"a repeat went through the {self._count} samples {self._most / self._count:.3g} times"]


@final
class Recorded:
    """A source whose batches since a mark can be had once more."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: list[Any] | None = None  # since the mark; None: there is none
        self._at = 0

    def begin(self, seed: int) -> None:
        """A fresh pass; the mark is gone."""
        self._kept = None
        self._source.begin(seed)

    def mark(self) -> None:
        """From here on, `rewind` goes back to here."""
        self._kept, self._at = [], 0

    def rewind(self) -> None:
        """Back to the mark."""
        self._at = 0

    def next(self) -> Any:
        """The next batch."""
        if self._kept is None:
            return self._source.next()
        if self._at == len(self._kept):
            self._kept.append(self._source.next())
        self._at += 1
        return self._kept[self._at - 1]
