"""accelerate: `attach` lets a schedule drive a prepared optimizer, one update at a time on any number of processes.

Raises:
    MissingExtraError: on import, where accelerate or torch is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if _missing := [package for package in ("torch", "accelerate") if importlib.util.find_spec(package) is None]:
    _cure = "Run: pip install 'lrdecay[accelerate]'"
    _msg = f"`lrdecay.accelerate` must have {_missing[0]}, which is not installed. {_cure}"
    raise MissingExtraError(_msg)

from lrdecay.adapters.accelerate.prepared import attach, unwrapped

__all__ = ["attach", "unwrapped"]
