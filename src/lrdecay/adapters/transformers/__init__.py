"""transformers: `attach` lets a schedule drive the optimizer of a ``Trainer``, by its ``create_scheduler``.

`find` finds a peak with the updates the trainer would make.

Raises:
    MissingExtraError: on import, where transformers, accelerate or torch is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if _missing := [
    package for package in ("torch", "transformers", "accelerate") if importlib.util.find_spec(package) is None
]:
    _cure = "Run: pip install 'lrdecay[transformers]'"
    _msg = f"`lrdecay.transformers` must have {_missing[0]}, which is not installed. {_cure}"
    raise MissingExtraError(_msg)

from lrdecay.adapters.transformers.finder import find
from lrdecay.adapters.transformers.peers import from_peer
from lrdecay.adapters.transformers.trainer import attach

__all__ = ["attach", "find", "from_peer"]
