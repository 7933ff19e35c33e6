"""Drive a torch optimizer by a schedule: `attach` gives a torch ``LRScheduler`` whose whole state is the step.

    scheduler = attach(optimizer, "warmup(500) + cosine(0.1)", Horizon(steps=10_000))
    for x, y in batches:
        loss(model(x), y).backward()
        optimizer.step()
        scheduler.step()

Update t of group i is made at f(t) * m_i. What differs from torch's own schedulers:

* *Absolute.* f is the rate itself; what the optimizer was built with sets only the ratios between groups. m_i is the
  group's rate over the largest group rate at the first attach, or ``multipliers=``; it is kept in
  ``group["lr_scale"]`` and never worked out again.
* *Counting.* t is the number of updates the optimizer made, counted by its step post-hook. An update skipped by a
  ``GradScaler`` is none, also where a fused optimizer skips inside its ``step()`` (the scaler then leaves
  ``optimizer.found_inf``; reading it waits for the device). ``scheduler.step()`` only writes f(t), so calling it n
  times, once per process or for micro batches changes nothing.
* *Attaching writes f(t), and no more.* ``LRScheduler.__init__`` is not called: it would wrap ``optimizer.step`` and
  step once. There is no warning about the order of calls, for no order loses a value.
* *Any order.* After ``optimizer.load_state_dict`` the rates are written again, so scheduler and optimizer may be made
  and loaded in any order. A checkpoint made under another schedule or horizon is refused, or told about (`attach`).
* A rate that is a tensor is filled in place. Whether a group's rate is one is looked at when the group is first seen
  and after loading. Under ``torch.compile``, compile the optimizer's step and call ``scheduler.step()`` outside.
* One scheduler per optimizer: attaching again retires the first. torch's ``SequentialLR`` and other schedulers cannot
  take part, for they move rates by their last value; join schedules with ``+`` and `lrdecay.join` instead.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, cast, final

import numpy as np
import torch
from attrs import field, frozen
from numpy.typing import NDArray
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrdecay.errors import (
    Constraint,
    InputError,
    RunError,
    non_negative,
    non_negative_int,
    one_of,
    positive,
    refusal,
    true_or_false,
)
from lrdecay.schedule import Bound, Horizon, Schedule, parse
from lrdecay.schedule.bound import AFTER
from lrdecay.schedule.peaks import is_open

__all__ = ["AttachedScheduler", "attach"]

_FORMAT = 1  # of the state; raised when its meaning changes
_SCALE = "lr_scale"  # the key of a group's multiplier, known from timm
_WINS = "Attach what the checkpoint says, or pass attach(..., override=True) to let what is attached win."

_attached: weakref.WeakKeyDictionary[Optimizer, weakref.ref[AttachedScheduler]] = weakref.WeakKeyDictionary()


@frozen
class _Plan:
    """The rates of a run, made once, and what they are called in a checkpoint."""

    schedule: str
    horizon: Horizon
    after: str
    rates: list[float] = field(repr=False)  # f(0), ..., f(steps - 1)
    end: float  # what holds from step `steps` on

    def at(self, t: int) -> float:
        """The rate of update t >= 0."""
        if t >= len(self.rates) and self.after != "repeat":
            return self.end
        return self.rates[t % len(self.rates)]

    def named(self) -> dict[str, Any]:
        """What must agree between a checkpoint and what is attached."""
        return {"schedule": self.schedule, "horizon": self.horizon.to_json(), "after": self.after}


@final
class AttachedScheduler(LRScheduler):
    """A schedule that drives an optimizer; made by `attach`. The module says what differs from torch's schedulers."""

    def __init__(
        self,
        optimizer: Optimizer,
        plan: _Plan,
        multipliers: Sequence[float] | None = None,
        step: int = 0,
        override: bool = False,
    ) -> None:
        # Not calling LRScheduler.__init__ is the point: it wraps optimizer.step, stores rates and steps once.
        self.optimizer = optimizer
        self._plan, self._rates, self._steps = plan, plan.rates, len(plan.rates)
        self._stated, self._override = multipliers is not None, override
        self._check_step("attach(step=...)", step)
        self._count = self._written = step
        self._plain = -1  # how many groups have a float for a rate, if all of them have
        self._step_count = 1  # torch's count of calls; accelerate adds to it, nothing here reads it
        found = _attached.get(optimizer)
        earlier = None if found is None else found()
        self._multipliers, self._reference = _multipliers(optimizer, multipliers, override, earlier)
        if earlier is not None:
            earlier._retire()
        self._hook()
        self._tell_groups()
        self._write()

    @property
    def count(self) -> int:
        """t: the updates made, which is the index of the next one."""
        return self._count

    @property
    def rate(self) -> float:
        """f(t): the rate of the next update, for a group with multiplier 1."""
        return self._plan.at(self._count)

    @property
    def last_epoch(self) -> int:
        """The t whose rate was last written; torch's name."""
        return self._written

    @last_epoch.setter
    def last_epoch(self, value: int) -> None:
        cure = "Use seek(step). Put schedules one after another with +, not with SequentialLR."
        msg = refusal("AttachedScheduler.last_epoch", "must not be set", value, cure)
        raise InputError(msg)

    @property
    def base_lrs(self) -> list[float | torch.Tensor]:  # type: ignore[override]
        """The rates of update 0, one per group; torch's name."""
        return [self._plan.at(0) * m for m in self._multipliers]

    @property
    def _last_lr(self) -> list[float | torch.Tensor]:  # type: ignore[override]
        return self.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Write f(t) into every group. Call it after the optimizer's step; calling it more often changes nothing.

        Raises:
            InputError: it was given an argument, or a group added since brings no usable rate.
            RunError: a later `attach` took over, or groups were removed.
        """
        if epoch is not None:
            msg = refusal("step(epoch)", "must be called without arguments", epoch, "Use seek(step) to go to a step.")
            raise InputError(msg)
        t = self._written = self._count
        groups = self.optimizer.param_groups
        if len(groups) != self._plain:
            self._adopt()
            self._write()
            return
        try:
            rate = self._rates[t]
        except IndexError:
            rate = self._plan.at(t)
        for group, multiplier in zip(groups, self._multipliers):  # noqa: B905  (of one length, by _write)
            group["lr"] = rate * multiplier

    def seek(self, step: int) -> None:
        """Say that ``step`` updates were made, and write f(step): for a script that resumes from its own checkpoint.

        Raises:
            InputError: not an integer >= 0, or past the end where the end policy is "raise".
        """
        self._check_step("seek(step)", step)
        self._adopt()
        self._count = self._written = step
        self._write()

    def get_last_lr(self) -> list[float | torch.Tensor]:
        """The rates last written, one per group; floats, also where a group's rate is a tensor."""
        rate = self._plan.at(self._written)
        return [rate * m for m in self._multipliers]

    def get_lr(self) -> list[float | torch.Tensor]:
        """The rates of the next update, one per group."""
        return [self.rate * m for m in self._multipliers]

    def state_dict(self) -> dict[str, Any]:
        """The step, what is attached, and the groups' multipliers, as plain JSON."""
        self._adopt()
        return {
            "format": _FORMAT,
            "step": self._count,
            **self._plan.named(),
            "multipliers": list(self._multipliers),
            "reference": self._reference,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to a checkpoint's step and multipliers, and write the rates.

        Raises:
            InputError: it is no state of ours, its groups are not the optimizer's, or it was made under another
                schedule, horizon, end policy or stated multipliers and ``override`` was not asked for.
        """
        self._adopt()
        _check_state(state_dict, len(self._multipliers))
        attached, loaded = self._plan.named(), list(state_dict["multipliers"])
        if self._stated:
            attached["multipliers"] = self._multipliers
        self._check_step("load_state_dict(step)", state_dict["step"])
        _settle("load_state_dict(...)", attached, state_dict, self._override)
        if not self._stated:
            _check_shared(self.optimizer.param_groups, loaded)
            self._multipliers = loaded
        self._reference = state_dict["reference"]
        self._tell_groups()
        self.seek(state_dict["step"])

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_handles"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)  # a copied or unpickled optimizer has lost its hooks
        self._hook()

    def _hook(self) -> None:
        optimizer = self.optimizer
        self._handles = [
            optimizer.register_step_pre_hook(self._before_update),
            optimizer.register_step_post_hook(self._after_update),
            optimizer.register_load_state_dict_pre_hook(self._before_load),
            optimizer.register_load_state_dict_post_hook(self._after_load),
        ]
        _attached[optimizer] = weakref.ref(self)

    def _retire(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._multipliers, self._plain = [], -1  # whatever is called next goes through _adopt, which says why

    def _before_update(self, optimizer: Optimizer, _args: Any, kwargs: Any) -> None:
        if len(optimizer.param_groups) != len(self._multipliers):
            self._adopt()
        if self._plan.after == "raise" and self._count >= self._steps:
            rule = f"must not be called past the end of the horizon, step {self._steps}"
            msg = refusal("optimizer.step()", rule, self._count, 'Lengthen the horizon, or attach(..., after="hold").')
            raise InputError(msg)
        if "grad_scaler" in kwargs:
            cure = "Use an optimizer that reads found_inf, such as torch's own; skipped updates cannot be seen here."
            msg = refusal("optimizer.step(...)", "must not take a grad_scaler", type(optimizer).__name__, cure)
            raise InputError(msg)

    def _after_update(self, optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        # GradScaler sets found_inf only around a step() that skips inside (_step_supports_amp_scaling: fused kernels).
        found_inf = getattr(optimizer, "found_inf", None)
        if found_inf is None or not found_inf:
            self._count += 1

    def _before_load(self, _optimizer: Optimizer, _state: Any) -> None:
        self._adopt()  # a new group's own rate is about to be overwritten

    def _after_load(self, optimizer: Optimizer) -> None:
        pairs = zip(optimizer.param_groups, self._multipliers, strict=True)
        loaded = [_scale_of(group) if _SCALE in group else own for group, own in pairs]
        if self._stated:
            call = "optimizer.load_state_dict(...)"
            _settle(call, {"multipliers": self._multipliers}, {"multipliers": loaded}, self._override)
        else:
            _check_shared(optimizer.param_groups, loaded)
            self._multipliers = loaded
        self._tell_groups()
        self._write()

    def _adopt(self) -> None:
        """Give the groups added since their multipliers and their rates."""
        groups, known = self.optimizer.param_groups, len(self._multipliers)
        if known == 0:
            msg = "`AttachedScheduler` must be the one attached last, but a later attach() took this optimizer over."
            raise RunError(msg)
        if len(groups) < known:
            msg = refusal("AttachedScheduler", f"must find the {known} groups it drives", len(groups), "Attach again.")
            raise RunError(msg)
        for group in groups[known:]:
            shared = [m for g, m in zip(groups, self._multipliers, strict=False) if _same_tensor(g["lr"], group["lr"])]
            if _SCALE not in group and not shared and self._reference is None:
                cure = 'Add it as {"params": ..., "lr_scale": 1.0}: its share of the schedule\'s rate.'
                msg = refusal("add_param_group(...)", "must bring lr_scale to this optimizer", sorted(group), cure)
                raise InputError(msg)
            if _SCALE in group:
                multiplier = _scale_of(group)
            else:
                multiplier = shared[0] if shared else _rate_of(group) / cast("float", self._reference)
            _check_shared(groups, [*self._multipliers, multiplier])
            group[_SCALE] = multiplier
            self._multipliers.append(multiplier)
        if len(groups) > known:
            self._write(known)

    def _tell_groups(self) -> None:
        for group, multiplier in zip(self.optimizer.param_groups, self._multipliers, strict=True):
            group[_SCALE] = multiplier

    def _write(self, first: int = 0) -> None:
        """Write the rate of step ``_written`` into the groups from ``first`` on, tensors in place."""
        rate, groups = self._plan.at(self._written), self.optimizer.param_groups
        for group, multiplier in zip(groups[first:], self._multipliers[first:], strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * multiplier)
            else:
                group["lr"] = rate * multiplier
        tensors = any(isinstance(group["lr"], torch.Tensor) for group in groups)
        self._plain = -1 if tensors else len(groups)

    def _check_step(self, call: str, step: object) -> None:
        non_negative_int.check(call, step)
        if self._plan.after == "raise" and cast("int", step) > self._steps:
            msg = refusal(call, f"must be at most {self._steps}, the end of the horizon", step)
            raise InputError(msg)


def attach(
    optimizer: Optimizer,
    schedule: Schedule | Bound | str,
    horizon: Horizon | None = None,
    *,
    multipliers: Sequence[float] | None = None,
    step: int = 0,
    override: bool = False,
    after: str | None = None,
    rates: NDArray[np.float64] | Sequence[float] | None = None,
) -> AttachedScheduler:
    """Let a schedule drive an optimizer; the rate of update ``step`` is written at once.

    Args:
        optimizer: any torch optimizer with a rate in its groups.
        schedule: a schedule, its text notation, or one bound already (then leave ``horizon`` out).
        horizon: the length of the run and its units.
        multipliers: one number >= 0 per group; by default the ratios of the groups' rates, or what the groups already
            carry as ``lr_scale``. Groups added later get their rate over the largest rate at the first attach; where
            that is not known (the groups came with ``lr_scale``), they must bring their own.
        step: updates already made.
        override: what is attached wins over a checkpoint that says otherwise, and each difference is printed on
            stderr. Without it, a difference is an error.
        after: the end policy, "hold" by default, or that of the bound schedule. Under "raise" it is the update past
            the end that is refused, not the ``scheduler.step()`` after the last one.
        rates: f(0), f(1), ... as float64, at least ``horizon.steps`` of them, made elsewhere from this schedule, which
            is then not evaluated here. "hold" holds entry ``steps``, or the last one where there are no more.

    Raises:
        InputError: an argument does not fit, or all rates are zero and no multipliers are given.
    """
    Constraint("must be a torch.optim.Optimizer", lambda o: isinstance(o, Optimizer)).check(
        "attach(optimizer)", optimizer
    )
    true_or_false.check("attach(override=...)", override)
    return AttachedScheduler(optimizer, _plan(schedule, horizon, after, rates), multipliers, step, override)


def _plan(schedule: object, horizon: object, after: str | None, rates: object) -> _Plan:
    """The rates, with every way of saying them checked."""
    bound = schedule if isinstance(schedule, Bound) else None
    if bound is not None:
        if horizon is not None:
            msg = refusal("attach(horizon)", "must be left out for a bound schedule, which has its own", horizon)
            raise InputError(msg)
        if after not in (None, bound.after):
            msg = refusal("attach(after=...)", f"must be that of the bound schedule, {bound.after!r}", after)
            raise InputError(msg)
        schedule, horizon, after = bound.schedule, bound.horizon, bound.after
    if isinstance(schedule, str):
        schedule = parse(schedule)
    if not isinstance(schedule, Schedule):
        msg = refusal("attach(schedule)", "must be given a schedule", schedule, 'Such as "cosine(0.1)".')
        raise InputError(msg)
    if not isinstance(horizon, Horizon):
        msg = refusal("attach(horizon)", "must say how long the run is", horizon, "Such as Horizon(steps=1000).")
        raise InputError(msg)
    after = "hold" if after is None else after
    one_of(AFTER).check("attach(after=...)", after)
    if rates is None:
        bound = bound or schedule.bind(horizon, after)
        values = bound.values()
        end = bound(horizon.steps) if after == "hold" else float(values[-1])
    else:
        if is_open(schedule):
            msg = refusal("attach(schedule, rates=...)", "must name the peak the rates were made with", schedule)
            raise InputError(msg)
        values = _table(rates, horizon.steps)
        end = float(values[min(horizon.steps, len(values) - 1)]) if after == "hold" else float(values[-1])
    return _Plan(repr(schedule), horizon, after, values[: horizon.steps].tolist(), end)


def _table(rates: object, steps: int) -> NDArray[np.float64]:
    table = np.asarray(rates)
    if table.dtype != np.float64 or table.ndim != 1 or len(table) < steps:
        rule = f"must be a float64 array of shape (steps,) for at least {steps} steps"
        msg = refusal("attach(rates=...)", rule, f"{table.dtype} {table.shape}")
        raise InputError(msg)
    bad = table[~(np.isfinite(table) & (table >= 0))]
    if bad.size:
        msg = refusal("attach(rates=...)", "must hold finite rates >= 0", float(bad[0]))
        raise InputError(msg)
    return table


def _multipliers(
    optimizer: Optimizer, stated: object, override: bool, earlier: AttachedScheduler | None
) -> tuple[list[float], float | None]:
    """The groups' multipliers, and the rate that later groups are measured by; None where it is not known."""
    groups = optimizer.param_groups
    if not any(group["params"] for group in groups):
        msg = refusal("attach(optimizer)", "must hold parameters", f"{len(groups)} groups without any")
        raise InputError(msg)
    if earlier is not None and stated is None and len(groups) > len(earlier._multipliers):
        earlier._adopt()
    rates = [_rate_of(group) for group in groups]
    carried = [_scale_of(group) if _SCALE in group else None for group in groups]
    scales = [scale for scale in carried if scale is not None]
    reference = max(rates) if not scales and any(rates) else None
    if earlier is not None:
        reference = earlier._reference
    if stated is not None:
        result = _stated(stated, len(groups))
        was = [own if scale is None else scale for own, scale in zip(result, carried, strict=True)]
        _settle("attach(multipliers=...)", {"multipliers": result}, {"multipliers": was}, override)
    elif scales:
        result = scales
        if len(scales) < len(groups):
            cure = "Say one per group with multipliers=[...]."
            msg = refusal("attach(optimizer)", f"must carry {_SCALE} in every group or in none", carried, cure)
            raise InputError(msg)
    elif reference is None:
        cure = "Build the optimizer with the ratios you want, or pass multipliers=[...]."
        msg = refusal("attach(optimizer)", "must have a group whose rate is not zero", rates, cure)
        raise InputError(msg)
    else:
        result = [rate / reference for rate in rates]
    _check_shared(groups, result)
    return result, reference


def _stated(multipliers: object, groups: int) -> list[float]:
    call = "attach(multipliers=...)"
    if not isinstance(multipliers, list | tuple) or len(multipliers) != groups:
        msg = refusal(call, f"must be a list of {groups} numbers, one per group", multipliers)
        raise InputError(msg)
    for multiplier in multipliers:
        non_negative.check(call, multiplier)
    return [float(multiplier) for multiplier in multipliers]


def _settle(call: str, attached: Mapping[str, Any], loaded: Mapping[str, Any], override: bool) -> None:
    """Where a checkpoint differs from what is attached: refuse, or say that the attached one wins."""
    different = [name for name in attached if attached[name] != loaded[name]]
    if different and not override:
        ours, theirs = (", ".join(f"{name} {d[name]!r}" for name in different) for d in (attached, loaded))
        msg = f"`{call}` must agree with what is attached, {ours}, got {theirs}. {_WINS}"
        raise InputError(msg)
    for name in different:
        print(f"lrdecay: attached {name} {attached[name]!r} replaces {loaded[name]!r}", file=sys.stderr)


def _check_state(state: Any, groups: int) -> None:
    """Refuse what is no state of this format for this many groups."""
    types = {"step": int, "schedule": str, "horizon": dict, "after": str, "multipliers": list}
    ours = isinstance(state, Mapping) and state.get("format") == _FORMAT and "reference" in state
    if not ours or any(type(state.get(key)) is not kind for key, kind in types.items()):
        cure = "For a checkpoint of another scheduler, use seek(step)."
        shown = sorted(state, key=str) if isinstance(state, Mapping) else type(state).__name__
        msg = refusal("load_state_dict(...)", f"must be given a state of lrdecay, format {_FORMAT}", shown, cure)
        raise InputError(msg)
    if len(state["multipliers"]) != groups:
        cure = "Add the same parameter groups before loading."
        msg = refusal("load_state_dict(...)", f"must be for {groups} parameter groups", len(state["multipliers"]), cure)
        raise InputError(msg)
    for multiplier in state["multipliers"]:
        non_negative.check("load_state_dict(multipliers)", multiplier)
    if state["reference"] is not None:
        positive.check("load_state_dict(reference)", state["reference"])


def _rate_of(group: Mapping[str, Any]) -> float:
    if not isinstance(group.get("lr"), Real | torch.Tensor):
        msg = refusal("attach(optimizer)", 'must have a rate in group["lr"]', group.get("lr"))
        raise InputError(msg)
    rate = float(group["lr"])
    non_negative.check('group["lr"]', rate)
    return rate


def _scale_of(group: Mapping[str, Any]) -> float:
    non_negative.check(f'group["{_SCALE}"]', group[_SCALE])
    return float(group[_SCALE])


def _same_tensor(a: object, b: object) -> bool:
    return a is b and isinstance(a, torch.Tensor)


def _check_shared(groups: Sequence[Mapping[str, Any]], multipliers: Sequence[float]) -> None:
    """Groups whose rate is one and the same tensor can only have one multiplier."""
    seen: dict[int, float] = {}
    for group, multiplier in zip(groups, multipliers, strict=False):
        if isinstance(group["lr"], torch.Tensor) and seen.setdefault(id(group["lr"]), multiplier) != multiplier:
            cure = "Give each group its own tensor, or build the optimizer with a float."
            msg = refusal("attach(optimizer)", "must not share one tensor rate between multipliers", multipliers, cure)
            raise InputError(msg)
