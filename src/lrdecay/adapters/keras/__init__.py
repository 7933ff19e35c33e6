"""Keras 3, on any backend: `attach` puts a schedule into an optimizer, `LRDecay` is the same as a callback.

`from_peer` reads a live schedule of Keras' own.

Raises:
    MissingExtraError: on import, where keras is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if importlib.util.find_spec("keras") is None:
    _msg = "`lrdecay.adapters.keras` must have keras, which is not installed. Run: pip install 'lrdecay[keras]'"
    raise MissingExtraError(_msg)

from lrdecay.adapters.keras.attaching import Attached, attach
from lrdecay.adapters.keras.callback import LRDecay
from lrdecay.adapters.keras.peers import from_peer
from lrdecay.adapters.keras.schedule import KerasSchedule

__all__ = ["Attached", "KerasSchedule", "LRDecay", "attach", "from_peer"]
