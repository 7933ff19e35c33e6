"""PyTorch: `attach` drives an optimizer's learning rate, `from_peer` reads a scheduler that does, as a schedule.

`TorchTask` makes a trainable of a model and its data. `CooldownNow` says what a cooldown that begins now would reach.

For plans: `parameter_groups` makes an optimizer's groups of a model, `GrowingBatchSampler` follows batch sizes.

Raises:
    MissingExtraError: on import, where torch is not installed.
"""

import importlib.util

from lrdecay.errors import MissingExtraError

if importlib.util.find_spec("torch") is None:
    _msg = "`lrdecay.adapters.torch` must have torch, which is not installed. Run: pip install 'lrdecay[torch]'"
    raise MissingExtraError(_msg)

from lrdecay.adapters.torch.attaching import attach
from lrdecay.adapters.torch.batches import GrowingBatchSampler
from lrdecay.adapters.torch.cooldown_now import CooldownNow
from lrdecay.adapters.torch.finder import find
from lrdecay.adapters.torch.peers import from_peer
from lrdecay.adapters.torch.plan_groups import parameter_groups
from lrdecay.adapters.torch.scheduler import AttachedScheduler
from lrdecay.adapters.torch.task import TorchTask

__all__ = [
    "AttachedScheduler",
    "CooldownNow",
    "GrowingBatchSampler",
    "TorchTask",
    "attach",
    "find",
    "from_peer",
    "parameter_groups",
]
