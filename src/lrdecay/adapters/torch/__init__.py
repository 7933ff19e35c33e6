"""PyTorch: `attach` drives an optimizer's learning rate, `TorchTask` makes a trainable of a model and its data."""

from lrdecay.adapters.torch.scheduler import AttachedScheduler, attach
from lrdecay.adapters.torch.task import TorchTask

__all__ = ["AttachedScheduler", "TorchTask", "attach"]
