"""Lightning: the callback `LRDecay` drives a trainer's optimizer, and makes a run that is resumed go on bit for bit.

Raises:
    MissingExtraError: on import, where lightning is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

for _package in ("torch", "lightning"):
    if importlib.util.find_spec(_package) is None:
        _msg = (
            f"`lrdecay.lightning` must have {_package}, which is not installed. Run: pip install 'lrdecay[lightning]'"
        )
        raise MissingExtraError(_msg)

from lrdecay.adapters.lightning.callback import LRDecay

__all__ = ["LRDecay"]
