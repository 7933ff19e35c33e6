"""`steerable`: one line by which a training loop of one's own, without `lrdecay.script`, may be steered by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrdecay.errors import InputError, refusal
from lrdecay.runs.live.steering import Steering

__all__ = ["ranks", "steerable"]


def steerable(scheduler: Any, name: str | None = None, *, store: str | Path | None = None) -> Any:
    """Let `lrdecay steer` reach a run that an adapter's ``attach`` drives; gives the scheduler back.

    Call it on every rank, after a checkpoint was loaded if there is one. At the horizon's last update the run says
    that it has finished; with Keras and JAX when the process ends after it.

    Args:
        scheduler: what `lrdecay.adapters.torch.attach` returned; the callback `lrdecay.adapters.keras.LRDecay`; or what
            `lrdecay.adapters.optax.ruled` returned.
        name: of the run; None: as its checkpoint says, or as the script.
        store: where it is steered from, as ``--store``; None: the folder ``lrdecay-reports`` here.

    Raises:
        InputError: it is no scheduler that can be steered, a live run has this name, or the store cannot be had.
        RunError: the store cannot be written.
    """
    if not hasattr(scheduler, "at_boundary"):
        cure = "Give it a scheduler of torch's attach, Keras' LRDecay, or optax's ruled."
        msg = refusal("steerable(scheduler)", "must be driven by a dial", type(scheduler).__name__, cure)
        raise InputError(msg)
    table = scheduler.state_dict()["schedule"]
    Steering("steerable", name, store, True, ranks).begin(scheduler, table)
    return scheduler


def ranks() -> tuple[Callable[[Any], Any], bool] | None:
    """What tells all ranks of torch.distributed, and whether this is the first; None: this process is alone."""
    if "torch.distributed" not in sys.modules:
        return None
    from lrdecay.adapters.torch.announcing import announcer

    return announcer()
