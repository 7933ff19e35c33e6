"""Does a run that is forked end where the run that was not ends? Measured, not assumed.

On a CPU with one thread the answer is yes, bit for bit. Elsewhere (GPUs with unordered sums, a user's script that does
not save its loader) this measures the difference and says how large it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, evolve, frozen

from lrdecay.errors import InputError, RunError, positive_int
from lrdecay.runs.protocol import Orders, encode
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trace import Trace

__all__ = ["ForkCheck", "fork_steps", "verify_forks"]


@frozen
class ForkCheck:
    """One fork, compared with the run that went straight through."""

    step: int  # updates made before the fork
    identical: bool  # every loss after the fork, and for a task also the whole final state, bit for bit
    loss_difference: float  # largest absolute difference of the training loss after the fork
    weight_difference: float | None  # the same of any array of floats at the end; None: a script, which keeps its own

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; a difference that is infinite as text."""
        weights = None if self.weight_difference is None else encode(self.weight_difference)
        return asdict(self) | {"loss_difference": encode(self.loss_difference), "weight_difference": weights}


def fork_steps(steps: int, count: int, seed: int) -> list[int]:
    """``count`` different steps in [1, steps - 1], drawn from the seed, in order.

    Raises:
        InputError: there are not so many.
    """
    positive_int.check("--verify-fork", count)
    if count > steps - 1:
        msg = f"`--verify-fork` must be at most {steps - 1} on a run of {steps} steps, got {count}."
        raise InputError(msg)
    drawn = np.random.default_rng(seed).choice(np.arange(1, steps), size=count, replace=False)
    return sorted(int(s) for s in drawn)


def verify_forks(spec: RunSpec, count: int) -> list[ForkCheck]:
    """Run once straight through, then once more from each of ``count`` steps on."""
    steps = fork_steps(spec.steps, count, spec.seed)
    if isinstance(spec.source, ScriptSource):
        return _check_script(evolve(spec, stop_after_divergence=False), spec.source, steps)
    if isinstance(spec.source, TaskSource):
        return _check_task(spec, spec.source, steps)
    msg = f"`--verify-fork` must be given a task or a script, got {type(spec.source).__name__}."
    raise InputError(msg)


def _check_task(spec: RunSpec, source: TaskSource, steps: list[int]) -> list[ForkCheck]:
    trunk = source.build(spec.seed)
    saved, losses, at = [], [], 0
    for step in [*steps, spec.steps]:
        losses.append(trunk.advance(spec.table(at, step))["loss"])
        if step < spec.steps:
            saved.append(trunk.snapshot())
        at = step
    whole, end = np.concatenate(losses), trunk.snapshot()
    checks = []
    for step, snapshot in zip(steps, saved, strict=True):
        branch = source.build(spec.seed)
        branch.restore(snapshot)
        again = branch.advance(spec.table(step))["loss"]
        final = branch.snapshot()
        floating = [name for name, array in end.tensors.items() if array.dtype.kind == "f"]
        weights = max((_largest(end.tensors[name], final.tensors[name]) for name in floating), default=0.0)
        same = final.digest() == end.digest() and np.array_equal(again, whole[step:], equal_nan=True)
        checks.append(ForkCheck(step, bool(same), _largest(again, whole[step:]), weights))
    return checks


def _check_script(spec: RunSpec, source: ScriptSource, steps: list[int]) -> list[ForkCheck]:
    whole = _trace(spec, source, Orders())
    checks = []
    for step in steps:
        with tempfile.TemporaryDirectory(prefix="lrdecay-") as folder:
            path = Path(folder, "checkpoint")
            _trace(spec, source, Orders(stop=step, save=path))
            again = _trace(spec, source, Orders(load=path))
        expected, got = _from(whole, step), _from(again, step)
        if len(expected) != len(got) or not len(got):
            msg = f"`--script {source.command!r}` must log the loss of each update after a fork at step {step}"
            msg += f", got {len(got)} of {len(expected)} rows. Does load(path) return the step it was saved at?"
            raise InputError(msg)
        same = np.array_equal(expected, got, equal_nan=True)
        checks.append(ForkCheck(step, bool(same), _largest(expected, got), None))
    return checks


def _trace(spec: RunSpec, source: ScriptSource, orders: Orders) -> Trace:
    """What a script logs under these orders.

    Raises:
        RunError: it died.
    """
    result = source.run_orders(spec, orders, lambda _done, _loss: None)
    if result.failure is not None:
        raise RunError(result.failure)
    return result.trace


def _from(trace: Trace, step: int) -> np.ndarray[Any, Any]:
    return trace.loss[trace.step >= step]


def _largest(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """The largest absolute difference; inf where only one of two is a number, 0 where both are infinite or neither."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):  # inf - inf
        difference = np.abs(np.where(same, 0.0, a - b))
    return float(np.max(np.nan_to_num(difference, nan=np.inf, posinf=np.inf), initial=0.0))
