"""The user's own model and optimizer as something a rising rate can be tried on, and all of it put back.

A point is one *successful* step of the optimizer, told by its hooks: a step that a ``GradScaler`` skips is none, and
the same rate is tried again; the losses of the micro-batches before a step are averaged. A loss that is not finite
ends the point at once, for no step may ever come. The rate is written just before each step, whatever a scheduler
wrote before: the rate times a group's share of the largest group's rate (or its multiplier under an attached lrdecay
scheduler), so that ratios hold; a tensor is filled in place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from attrs import frozen
from torch.optim import Optimizer

from lrdecay.adapters.torch.along import walk
from lrdecay.adapters.torch.keeping import fingerprint, keep
from lrdecay.adapters.torch.randomness import Randomness
from lrdecay.adapters.torch.ranks import Ranks
from lrdecay.adapters.torch.scheduler import attached
from lrdecay.adapters.torch.updates import Rewind, Updates
from lrdecay.errors import InputError, refusal
from lrdecay.rangetest.repeats import one_point
from lrdecay.runs.seeding import seed_everything
from lrdecay.runs.trainable import FloatArray

__all__ = ["InProcess", "Kept"]


@frozen(eq=False)
class Kept:
    """The state of a process's training, in memory."""

    back: Callable[[], None]  # puts modules, optimizer and the rest back
    random: Randomness
    data: Any  # what ``rewind``'s save() gave


@final
class InProcess:
    """A model in training, for `lrdecay.rangetest.driver.one_curve`.

    Args:
        optimizer: the one whose steps are counted.
        roots: all objects to keep, the optimizer and the model among them.
        updates: makes what makes the updates, given this.
        heldout: gives the held-out loss; None: there is none.
        rewind: (save, load) of the position in the data.
        modules: whose training flags `evaluate` puts back.
        ranks: with whom to keep in step; the updates make their losses one.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        roots: Sequence[Any],
        updates: Callable[[InProcess], Updates],
        *,
        heldout: Callable[[], float] | None = None,
        rewind: Rewind | None = None,
        modules: Sequence[torch.nn.Module] = (),
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = Ranks() if ranks is None else ranks
        self._optimizer, self._heldout, self._rewind, self._modules = optimizer, heldout, rewind, modules
        self._scheduler = attached(optimizer)
        self._roots = [*roots, *([self._scheduler] if self._scheduler is not None else [])]
        self._shares = _shares(optimizer, None if self._scheduler is None else self._scheduler.shares)
        self._count = 0 if self._scheduler is None else self._scheduler.count
        self._made = 0
        self._rate = 0.0
        self._updates = updates(self)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Inside, steps are counted and driven."""
        handles = [
            self._optimizer.register_step_pre_hook(lambda *_: self._write()),
            self._optimizer.register_step_post_hook(lambda *_: self._after()),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    # ---- what a rising rate needs ----

    def advance(self, values: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        """One point per row of ``values["lr"]``."""
        return {"loss": np.array([self._point(rate) for rate in values["lr"].tolist()])}

    def evaluate(self, on: str = "heldout") -> Mapping[str, float]:
        """The held-out loss; modes and the process's random state are kept."""
        if self._heldout is None:
            msg = refusal("evaluate(on=...)", "must be a data set that was given", on)
            raise InputError(msg)
        modes = [(module, module.training) for root in self._modules for module in root.modules()]
        random = Randomness.now()
        with torch.no_grad():
            try:
                return {"loss": self._ranks.mean(self._heldout())}
            finally:
                random.put_back()
                for module, mode in modes:
                    module.training = mode

    def along_update(self) -> Callable[[float], float] | None:
        """See `lrdecay.rangetest.critical`."""
        again = self._updates.again()
        if again is None:
            return None
        place = walk(self._optimizer, lambda: self._point(1.0))

        def loss(rate: float) -> float:
            place(rate)
            return again()

        return loss

    def snapshot(self) -> Kept:
        """Everything; tensors are copied to the CPU."""
        data = None if self._rewind is None else self._rewind[0]()
        return Kept(keep(self._roots), Randomness.now(), data)

    def restore(self, s: Kept) -> None:
        """Back in place, the data too."""
        s.back()
        s.random.put_back()
        if self._rewind is not None:
            self._rewind[1](s.data)

    def again(self, s: Kept, seed: int) -> None:
        """Back to the state, but with random state and data order of another seed; to begin a repeat."""
        s.back()
        seed_everything(seed)
        self._updates.begin(seed)

    def digest(self) -> str:
        """Of everything kept."""
        total = hashlib.sha256(fingerprint(self._roots).encode())
        total.update(Randomness.now().content())
        if self._rewind is not None:
            total.update(fingerprint([[self._rewind[0]()]], identity=False).encode())
        return total.hexdigest()

    # ---- one point ----

    def _point(self, rate: float) -> float:
        """The mean loss of the calls up to and with the next successful step, made at this rate.

        Raises:
            InputError: a call made more than one step.
            RunError: no step comes.
        """
        self._rate = rate
        self._write()
        return self._until_a_step()

    def calls(self) -> float:
        """The mean loss of the calls up to and with the next step, which changes no weights: for looking again."""
        self._rate = 0.0
        return self._until_a_step()

    def _until_a_step(self) -> float:
        cure = "Does it step the optimizer that was given?"
        return one_point(self._updates.call, lambda: self._made, "step_fn()", cure)

    def _write(self) -> None:
        groups = self._optimizer.param_groups
        if len(groups) != len(self._shares):
            msg = refusal("step_fn()", f"must keep the optimizer's {len(self._shares)} groups", f"{len(groups)} groups")
            raise InputError(msg)
        for group, share in zip(groups, self._shares, strict=True):
            if torch.is_tensor(group["lr"]):
                group["lr"].fill_(self._rate * share)
            else:
                group["lr"] = self._rate * share

    def _after(self) -> None:
        found_inf = getattr(self._optimizer, "found_inf", None)  # set around a fused step that skips inside
        if found_inf is None or not found_inf:
            self._made += 1
            self._ranks.steps = self._made
        if self._scheduler is not None:
            self._scheduler.seek(self._count)  # its count is of the user's own updates


def _shares(optimizer: Optimizer, stated: Sequence[float] | None) -> list[float]:
    """Each group's share of the rate.

    Raises:
        InputError: all rates are zero.
    """
    if stated is not None:
        return list(stated)
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    if not max(rates) > 0:
        cure = "Give the groups rates in the ratios you want."
        msg = refusal("find(optimizer)", "must have a group with a positive learning rate", rates, cure)
        raise InputError(msg)
    return [rate / max(rates) for rate in rates]
