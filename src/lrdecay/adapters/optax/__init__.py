"""optax: `schedule` gives the rate as optax takes it, `attach` an optimizer whose hyperparameters are scheduled.

`ruled` gives the rate of a schedule under a rule, which is set from the host. `find` searches a training loop for a
peak learning rate.

Raises:
    MissingExtraError: on import, where optax or jax is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if importlib.util.find_spec("optax") is None or importlib.util.find_spec("jax") is None:
    _msg = (
        "`lrdecay.adapters.optax` must have optax and jax, which are not installed. Run: pip install 'lrdecay[optax]'"
    )
    raise MissingExtraError(_msg)

from lrdecay.adapters.optax.finder import find
from lrdecay.adapters.optax.plans import attach, seek
from lrdecay.adapters.optax.ruled import RuledRate, ruled
from lrdecay.adapters.optax.schedule import OptaxSchedule, schedule

__all__ = ["OptaxSchedule", "RuledRate", "attach", "find", "ruled", "schedule", "seek"]
