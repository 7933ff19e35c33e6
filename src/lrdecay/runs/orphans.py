"""Child processes that end with their parent, also where the parent is killed with -9 and can tell nobody.

Linux sends the signal of ``prctl(PR_SET_PDEATHSIG)`` to a child when the thread that started it is gone. Elsewhere
there is no such thing, and an orphan runs to its end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["dies_with_us"]

_PR_SET_PDEATHSIG = 1


def dies_with_us(by: int = signal.SIGKILL) -> Callable[[], None] | None:
    """For `subprocess.Popen(preexec_fn=...)`: the child gets this signal when this process ends; None on no Linux.

    What the child starts itself is not reached, unless it passes the same on.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: nothing is allocated after it
    parent = os.getpid()

    def told() -> None:
        prctl(_PR_SET_PDEATHSIG, by)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return told
