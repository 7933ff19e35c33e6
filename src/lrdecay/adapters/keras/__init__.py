"""Keras 3, on any backend: `attach` puts a schedule into an optimizer, `LRDecay` is the same as a callback.

`from_peer` reads a live schedule of Keras' own. `find` searches a compiled model for a peak learning rate.

Raises:
    MissingExtraError: on import, where keras is not installed, or the backend that Keras looks for is not.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if importlib.util.find_spec("keras") is None:
    _msg = "`lrdecay.adapters.keras` must have keras, which is not installed. Run: pip install 'lrdecay[keras]'"
    raise MissingExtraError(_msg)

try:
    import keras  # noqa: F401  (its own error names TensorFlow, which nobody asked for, and no way out)
except ModuleNotFoundError as _problem:
    _cure = "Choose one that is installed before Python starts: KERAS_BACKEND=jax, or torch."
    _msg = f"`lrdecay.adapters.keras` must find Keras' backend, got no module {_problem.name!r}. {_cure}"
    raise MissingExtraError(_msg) from None

from lrdecay.adapters.keras.attaching import Attached, attach
from lrdecay.adapters.keras.callback import LRDecay
from lrdecay.adapters.keras.finder import find
from lrdecay.adapters.keras.peers import from_peer
from lrdecay.adapters.keras.schedule import KerasSchedule

__all__ = ["Attached", "KerasSchedule", "LRDecay", "attach", "find", "from_peer"]
