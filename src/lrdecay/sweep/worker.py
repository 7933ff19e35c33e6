"""A worker of the local pool: takes one call at a time over a pipe, answers, and ends when it is told or left alone.

What goes over the pipe, from the parent ``(ticket, function, arguments)`` or None, which ends the worker; to the parent
``("made", updates)``, ``("done", ticket, result)`` or ``("failed", ticket, problem)``. Both ends are processes that one
study started itself.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from lrdecay.errors import LrdecayError, RunError

__all__ = ["counted", "portable", "report", "serve"]

_CLEANS_UP = 3.0  # seconds a worker that is left alone may take; then it ends without asking

_pipe: Any = None  # in a worker: the way to the parent
_counts: list[int] | None = None  # in a worker that has no such way: what was reported


def report(updates: int) -> None:
    """From a worker: so many more updates were made. Elsewhere, nothing."""
    if _pipe is not None:
        _pipe.send(("made", updates))
    elif _counts is not None:
        _counts.append(updates)


@contextmanager
def counted() -> Iterator[list[int]]:
    """In a worker that cannot speak while it works: what is reported inside is kept in the list this gives."""
    global _counts
    found: list[int] = []
    _counts = found
    try:
        yield found
    finally:
        _counts = None


def serve(pipe: Connection[Any, Any]) -> None:
    """What a worker does, all its life: take a call, make it, answer. Ctrl-C is the parent's business.

    On SIGTERM the call is left by way of its ``finally`` clauses, and the worker ends.
    """
    global _pipe
    _pipe = pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            order = pipe.recv()
        except (EOFError, ConnectionError):  # the parent is gone
            return
        if order is None:
            return
        ticket, function, arguments = order
        try:
            answer = _packed(("done", ticket, function(*arguments)))
        except Exception as problem:
            answer = _packed(("failed", ticket, portable(problem)))
        pipe.send_bytes(answer)


def portable(problem: Exception) -> Exception:
    """The problem as it can be sent; where it is none of ours, it carries the worker's traceback as a note."""
    if not isinstance(problem, LrdecayError):
        problem.add_note("In a worker process:\n" + "".join(traceback.format_exception(problem)))
    problem.__cause__ = problem.__context__ = problem.__traceback__ = None
    try:
        ForkingPickler.loads(_packed(problem))
    except Exception:
        return RunError(f"{type(problem).__name__} in a worker process: {problem}")
    return problem


def _packed(answer: object) -> Any:
    return ForkingPickler.dumps(answer)


def _end(*_: object) -> None:
    sys.exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_CLEANS_UP)
        os._exit(1)
