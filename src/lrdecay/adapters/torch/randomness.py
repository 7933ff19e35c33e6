"""The random state of the process and of the accelerators in use, taken and put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from attrs import frozen

from lrdecay.runs.seeding import RandomState, random_state, set_random_state

__all__ = ["Randomness"]


@final
@frozen(eq=False)
class Randomness:
    """The state of python's, numpy's and torch's generators, those of CUDA devices and of MPS among them."""

    process: RandomState
    devices: Mapping[str, Any]

    @classmethod
    def now(cls) -> Randomness:
        """As it is."""
        devices: dict[str, Any] = {}
        if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            devices |= {f"cuda:{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
        if torch.backends.mps.is_available():
            devices["mps"] = torch.mps.get_rng_state()
        return cls(random_state(), devices)

    def put_back(self) -> None:
        """Everything is drawn from here again."""
        set_random_state(self.process)
        for name, state in self.devices.items():
            if name == "mps":
                torch.mps.set_rng_state(state)
            else:
                torch.cuda.set_rng_state(state, name)

    def content(self) -> bytes:
        """For a digest."""
        arrays = [self.process.tensors[name].tobytes() for name in sorted(self.process.tensors)]
        devices = [(name, state.tolist()) for name, state in self.devices.items()]
        return b"".join(arrays) + repr((self.process.state, devices)).encode()
