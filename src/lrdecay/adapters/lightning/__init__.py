"""Lightning: the callback `LRDecay` drives a trainer's optimizer, and makes a run that is resumed go on bit for bit.

`find` finds a peak with the updates a trainer would make of a module. `CooldownNow` says what a cooldown that
begins now would reach.

Raises:
    MissingExtraError: on import, where lightning is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if _missing := [package for package in ("torch", "lightning") if importlib.util.find_spec(package) is None]:
    _cure = "Run: pip install 'lrdecay[lightning]'"
    _msg = f"`lrdecay.lightning` must have {_missing[0]}, which is not installed. {_cure}"
    raise MissingExtraError(_msg)

from lrdecay.adapters.lightning.callback import LRDecay
from lrdecay.adapters.lightning.cooldown_now import CooldownNow
from lrdecay.adapters.lightning.finder import find

__all__ = ["CooldownNow", "LRDecay", "find"]
