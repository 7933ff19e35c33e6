"""Where a Lightning run stands in its data, and how it gets back there.

Lightning goes on in the middle of an epoch at the batch index it stopped at, but of a loader that was shuffled anew. A
`PositionedLoader` stands between Lightning's fetcher and its `CombinedLoader` and remembers three things: the random
state when the epoch's iterator was made (the workers' seed is drawn there), the random state before its first batch (a
shuffling sampler draws its seed there), and how many batches were taken. To get back it makes the iterator again from
the same two states, takes as many batches, and then puts the random state of the checkpoint in place; so the batches
that are left and the dropout masks are those of the run that went through.

What this cannot know: a data set that draws from the process's generators while it is read, or an ``IterableDataset``
whose order depends on anything but those two states. A loader with ``state_dict`` keeps its own place, and Lightning
asks it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, final

from lrdecay.adapters.lightning.drawn import drawn_state, generators_of, set_drawn_state
from lrdecay.errors import InputError, refusal

__all__ = ["PositionedLoader", "positioned"]


@final
class PositionedLoader:
    """A `CombinedLoader` that counts what is taken from it. Made by `positioned`; the module says what it is for."""

    def __init__(self, fetcher: Any, batches_ready: Callable[[], int]) -> None:
        self._inner, self._fetcher, self._batches_ready = fetcher.combined_loader, fetcher, batches_ready
        self._generators = generators_of(self._inner.flattened)
        self._iterator: Iterator[Any] | None = fetcher.iterator
        self._back: Callable[[], None] | None = None
        self._position: dict[str, Any] | None = None
        self._created = self._begun = drawn_state(self._generators)
        self._taken = 0

    def state(self) -> dict[str, Any]:
        """Plain: the epoch's two random states, the batches taken and used, and the random state now."""
        place = {"taken": self._taken, "used": self._batches_ready(), "own_place": bool(self._inner._state_dicts())}
        return place | {"created": self._created, "begun": self._begun, "now": drawn_state(self._generators)}

    def go_back(self, position: dict[str, Any], then: Callable[[], None]) -> None:
        """Before the next batch is taken, go to this position; ``then`` is called when we are there."""
        self._position, self._back = position, then
        if not position["own_place"]:
            self._fetcher.batches = []  # taken ahead, from the wrong place

    def __iter__(self) -> Iterator[Any]:
        self._created = drawn_state(self._generators)
        self._iterator, self._taken = iter(self._inner), 0
        return self

    def __next__(self) -> Any:
        if self._position is not None:
            return self._first_again(self._position)
        if self._taken == 0:
            self._begun = drawn_state(self._generators)
        return self._take()

    def __len__(self) -> int:
        return len(self._inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _take(self) -> Any:
        assert self._iterator is not None  # noqa: S101  (Lightning makes it before it takes from it)
        batch = next(self._iterator)
        self._taken += 1
        return batch

    def _first_again(self, position: dict[str, Any]) -> Any:
        """The batch that follows the position; Lightning has said by now which one it takes that for."""
        self._position, held = None, None
        going_on = self._batches_ready()
        if going_on not in (0, position["used"]):
            msg = refusal("ckpt_path", f"must go on after batch {position['used']} of its epoch, as saved", going_on)
            raise InputError(msg)
        if going_on > 0 and not position["own_place"]:
            set_drawn_state(position["created"], self._generators)
            iter(self)
            set_drawn_state(position["begun"], self._generators)
            for taken in range(position["taken"]):
                batch = next(self)
                held = batch if taken >= going_on else None
        set_drawn_state(position["now"], self._generators)
        if self._back is not None:
            self._back()
        if position["own_place"]:
            return self._take()
        if going_on == 0:  # an epoch begins: its iterator is made after the checkpoint
            iter(self)
        batch = next(self) if held is None else held
        if self._fetcher.length is None:  # Lightning takes one batch ahead to know the last one
            try:
                self._fetcher.batches.append(next(self))
            except StopIteration:
                self._fetcher.done = True
        return batch


def positioned(trainer: Any) -> PositionedLoader | None:
    """Put a `PositionedLoader` into the trainer's fetcher; the one that is there, if there is one.

    None where ``training_step`` takes the iterator itself: nobody can then count what is taken.
    """
    loop = trainer.fit_loop
    fetcher = loop._data_fetcher
    if not hasattr(fetcher, "batches"):
        return None
    if not isinstance(fetcher.combined_loader, PositionedLoader):
        loader = PositionedLoader(fetcher, lambda: int(loop.epoch_loop.batch_progress.current.ready))
        fetcher.setup(loader)
        working = any(getattr(one, "num_workers", 0) > 0 for one in loader.flattened)
        if working or fetcher.fetched:  # the order is drawn already, from a state that nobody kept
            iter(fetcher)
        else:
            fetcher.iterator = loader
    return fetcher.combined_loader  # type: ignore[no-any-return]
