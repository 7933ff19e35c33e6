"""Several processes that look for a rate together: one mean loss, one decision, and a failure that all hear of.

The processes keep in step by *rounds*. In a round each says whether it goes on, its loss, and how many steps it has
made; all hear all of it, by one all-reduce of a float64 tensor of shape (ranks, 3) in which each fills its own row, so
that the numbers arrive exactly and every rank works out the same mean from the same bits. What is decided from the mean
is then decided alike, and all make the same number of updates.

A rank that fails puts everything back and says in the next round that it has ended. The others hear of it in theirs:
they raise, and put everything back too. Nobody leaves before all have ended. In between, Ctrl-C waits for the next
round, because a process that stops between two collective operations leaves the others waiting in one; a second Ctrl-C
does not wait.

Rounds have a process group of their own (gloo, on the CPU), apart from the gradients'; it is made once and kept, as
torch.distributed cannot make a group of the same members again once it was destroyed.

What cannot be helped: a rank that raises inside of user code between two collective operations of that code, such as
between the forward and the backward pass of a ``DistributedDataParallel`` in a ``step_fn``, leaves the others in the
second one until its timeout.
"""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import distributed

from lrdecay.errors import InputError, RunError, refusal

__all__ = ["Ranks", "heard_by_all", "members", "rounds", "together"]

_GOING, _WELL, _FAILED = 0.0, 1.0, 2.0

_ROUNDS: dict[tuple[int, ...], weakref.ref[Any]] = {}
"""Groups for rounds by their members; torch.distributed holds them until it is shut down."""


@final
class Ranks:
    """This process among those that take part. Made by `together`.

    Attributes:
        steps: optimizer steps that this process has made; they must be as many on all.
    """

    def __init__(self, group: Any = None, names: Sequence[int] = (0,), own: int = 0) -> None:
        """``group`` None: alone. ``names`` are the global ranks, ``own`` this process's place among them."""
        self._group, self._names, self._own = group, names, own
        self._lost = False  # no more rounds can be had
        self._waiting: Callable[[], None] | None = None  # a Ctrl-C that came
        self.steps = 0

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._names)

    def mean(self, value: float) -> float:
        """The mean of a number over the ranks, the same bits on all.

        Raises:
            RunError: another rank has ended, is lost, or has made another number of steps.
        """
        if self._group is None:
            return value
        if self._waiting is not None:
            interrupt, self._waiting = self._waiting, None
            interrupt()
        heard = self._round(_GOING, value)
        self._others([row[0] != _GOING for row in heard])
        if len({row[2] for row in heard}) > 1:
            made = [int(row[2]) for row in heard]
            msg = refusal("find(...)", "must make the same updates on all ranks", made, "Do some skip steps alone?")
            raise RunError(msg)
        return sum(row[1] for row in heard) / self.size

    def check(self) -> None:
        """Hear whether all go on; raises what `mean` does."""
        self.mean(0.0)

    def end(self, *, well: bool) -> None:
        """Say that this rank has ended, and wait until all have.

        Raises:
            RunError: it ended well, and another did not.
        """
        if self._group is None or self._lost:
            return
        heard = self._round(_WELL if well else _FAILED, 0.0)
        while any(row[0] == _GOING for row in heard):
            heard = self._round(_WELL if well else _FAILED, 0.0)
        if well:
            self._others([row[0] != _WELL for row in heard])

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Inside, a first Ctrl-C waits for the next round; see the module."""
        usual: Any = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(usual):
            yield
            return

        def handle(number: int, frame: Any) -> None:
            if self._waiting is not None:
                self._waiting = None
                usual(number, frame)
            else:
                self._waiting = lambda: usual(number, frame)

        signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)
            if self._waiting is not None:
                self._waiting()

    def _others(self, failed: Sequence[bool]) -> None:
        found = [str(name) for name, bad in zip(self._names, failed, strict=True) if bad]
        if found:
            where = f"rank {found[0]}" if len(found) == 1 else f"ranks {', '.join(found)}"
            msg = f"`find` must work on all ranks, got a failure on {where}. Here all was put back; see why there."
            raise RunError(msg)

    def _round(self, state: float, value: float) -> list[list[float]]:
        table = torch.zeros(self.size, 3, dtype=torch.float64)
        table[self._own] = torch.tensor([state, value, self.steps], dtype=torch.float64)
        try:
            distributed.all_reduce(table, group=self._group)
        except RuntimeError as problem:
            self._lost = True
            msg = f"`find` must hear of all ranks, got: {' '.join(str(problem).split())[:200]}. Has one of them died?"
            raise RunError(msg) from problem
        heard: list[list[float]] = table.tolist()
        return heard


@contextmanager
def together(group: Any = None) -> Iterator[Ranks]:
    """The ranks that look together; every one of them must come here.

    Args:
        group: whom to average over; None: all processes where torch.distributed is initialised, else this one alone.

    Raises:
        InputError: this process is not in the group.
        RunError: all went well here, and not on another rank.
    """
    names, own = members(group)
    if len(names) == 1:
        yield Ranks()
        return
    ranks = Ranks(rounds(names), names, own)
    with ranks.patient():
        try:
            yield ranks
        except BaseException as problem:
            try:
                ranks.end(well=False)
            except RunError as silence:
                problem.add_note(str(silence))
            raise
        ranks.end(well=True)


def heard_by_all(call: str, row: Sequence[float]) -> list[list[float]]:
    """The row of numbers of every rank, in their order, the same bits on all; every rank must come here.

    Alone, where torch.distributed is not initialised, it is the own row and costs nothing.

    Args:
        call: who asks, for the message.
        row: this rank's numbers, as many on each; nan and inf too.

    Raises:
        RunError: a rank is lost.
    """
    names, own = members(None)
    if len(names) == 1:
        return [list(row)]
    table = torch.zeros(len(names), len(row), dtype=torch.float64)
    table[own] = torch.tensor(row, dtype=torch.float64)
    try:
        distributed.all_reduce(table, group=rounds(names))
    except RuntimeError as problem:
        msg = f"`{call}` must hear of all ranks, got: {' '.join(str(problem).split())[:200]}. Has one of them died?"
        raise RunError(msg) from problem
    heard: list[list[float]] = table.tolist()
    return heard


def rounds(names: list[int]) -> Any:
    """The members' group for rounds; made when they first look together."""
    group = _ROUNDS[tuple(names)]() if tuple(names) in _ROUNDS else None
    if group is None:
        group = distributed.new_group(names, backend="gloo", use_local_synchronization=True)
        _ROUNDS[tuple(names)] = weakref.ref(group)
    return group


def members(group: Any) -> tuple[list[int], int]:
    """The global ranks of a group's members, and this process's place among them."""
    if not (distributed.is_available() and distributed.is_initialized()):
        if group is not None:
            cure = "Call torch.distributed.init_process_group first."
            msg = refusal("find(group=...)", "must be of an initialised torch.distributed", group, cure)
            raise InputError(msg)
        return [0], 0
    own = distributed.get_rank(group)
    if own < 0:
        msg = refusal("find(group=...)", "must be a group that this process is in", group)
        raise InputError(msg)
    return list(distributed.get_process_group_ranks(group)), own
