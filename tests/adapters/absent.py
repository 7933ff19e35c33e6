"""A process in which some packages are not installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

__all__ = ["last_line_without"]

_WITHOUT = """
import importlib.abc, importlib.util, sys

def absent(name):
    return name.partition('.')[0] in {absent!r}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if absent(name):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if absent(name) else found(name, *rest)
sys.meta_path.insert(0, Absent())
{code}
"""


def last_line_without(absent: Sequence[str], code: str) -> str:
    """The last line that a failing piece of code says where these packages cannot be imported."""
    text = _WITHOUT.format(absent=list(absent), code=code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    return done.stderr.splitlines()[-1]
