"""Do something to a trainable and put it back as it was, whatever happens, and know that it was.

    digest, snapshot; the work; restore; digest again; the two digests must agree

The restoring is done after an exception too, also after Ctrl-C, and a Ctrl-C that comes while it is done waits for its
end: a state half put back is worse than one not put back. The exception itself goes on as it was raised; if the
digests then differ, a note on it says so.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol, TypeVar

from lrdecay.errors import RunError

__all__ = ["Restorable", "transaction"]

S = TypeVar("S")
T = TypeVar("T")

_CHANGED = "`find` must leave the task as it was, got another digest. "
_CURE = "Its snapshot() does not hold its whole state."


class Restorable(Protocol[S]):
    """What can be put back; every `lrdecay.runs.trainable.Trainable` is one."""

    def snapshot(self) -> S:
        """Everything needed to go on from here."""

    def restore(self, s: S) -> None:
        """Go back to a snapshot."""

    def digest(self) -> str:
        """A fingerprint of the whole state."""


def transaction(subject: Restorable[S], work: Callable[[S], T], cure: str = _CURE) -> T:
    """What ``work(snapshot)`` returns; afterwards the subject is bit for bit what it was.

    Args:
        subject: what the work changes.
        work: may itself restore the snapshot it is given, to begin again.
        cure: what to do where the digests differ.

    Raises:
        RunError: the work ended well, and the digest differs from the one before it.
    """
    digest, before = subject.digest(), subject.snapshot()
    failure: BaseException | None = None
    with _interrupts() as listening:
        try:
            try:
                listening[0] = True
                result = work(before)
            except BaseException as problem:
                failure = problem
                raise
            finally:
                listening[0] = False
        finally:
            subject.restore(before)
            restored = subject.digest() == digest
            if failure is not None and not restored:
                failure.add_note(_CHANGED + cure)
    if not restored:
        msg = _CHANGED + cure
        raise RunError(msg)
    return result


@contextmanager
def _interrupts() -> Iterator[list[bool]]:
    """A switch: while it is off, an interrupt waits for the end of the block. Off again after the first that raises.

    Only the main thread is interrupted; elsewhere, and where the handler is not Python's, nothing is done.
    """
    listening = [False]
    usual: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield listening
        return
    late: list[FrameType | None] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if not listening[0]:
            late.append(frame)
            return
        listening[0] = False
        usual(number, frame)
        listening[0] = True  # it did not raise

    signal.signal(signal.SIGINT, handle)
    try:
        yield listening
    finally:
        signal.signal(signal.SIGINT, usual)
        if late:
            usual(signal.SIGINT, late[0])
