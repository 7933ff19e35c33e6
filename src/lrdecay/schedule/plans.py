"""Plans: the learning rate, momentum, weight decay and batch size of a run together, for each group of parameters.

    plan(lr=cosine(0.1), momentum=ramp(0.95, 0.85, over="30%") + ramp(0.85, 0.95), weight_decay=5e-4)
    plan(lr="warmup(500) + cosine(3e-4)", beta2=0.95, weight_decay=0.1, groups={"*.bias": group(weight_decay=0)})

A plan is a value like a schedule: frozen, equal by content, its ``repr`` its constructor and its text notation. Bound
to a horizon it gives numbers (`lrdecay.schedule.plan_bound`).

Optimizers shrink the weights by lr·weight_decay in an update (torch's AdamW, and the L2 term of SGD and Adam). So a
plan says what the ``weight_decay`` it states is multiplied by, and the number to write into the optimizer follows:

    weight_decay_times   shrinks by w(t) times    is written as         which is
    "lr"                 lr(t)                    w(t)                  coupled to the rate: torch, the default
    "lr/peak"            lr(t) / max lr           w(t) / max lr         free of the peak, with the shape of the decay:
                                                                        Loshchilov & Hutter 2019, arXiv:1711.05101;
                                                                        Wortsman et al. 2023, arXiv:2309.14322
    "1"                  1                        w(t) / lr(t)          free of the rate altogether

lr is the group's own and max lr its largest in the run. Where lr(t) = 0 an optimizer that multiplies by the rate
cannot shrink anything: "1" writes 0 there, and nothing shrinks in that update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, final

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, one_of, refusal
from lrdecay.schedule.duration import Duration
from lrdecay.schedule.plan_groups import Group, as_json, quoted
from lrdecay.schedule.plan_layers import Layers
from lrdecay.schedule.plan_values import NAMES, Value, value

if TYPE_CHECKING:
    from lrdecay.schedule.horizon import Horizon
    from lrdecay.schedule.plan_bound import BoundPlan

__all__ = ["TIMES", "Plan", "plan"]

TIMES = ("lr", "lr/peak", "1")
"""What the stated weight decay is multiplied by in an update."""


@final
@frozen(kw_only=True, repr=False)
class Plan:
    """What a run does to every group at every update; made by `plan`, and by `grow_batch` from another plan."""

    lr: Value
    momentum: Value | None = None
    beta1: Value | None = None
    beta2: Value | None = None
    weight_decay: Value | None = None
    batch_size: Value | None = None
    weight_decay_times: str = "lr"  # one of TIMES
    groups: tuple[tuple[str, Group], ...] = ()  # label and group, in the order they are tried
    layers: Layers | None = None
    max_batch: int | None = None  # decays of lr are growth of the batch up to here; set by `grow_batch`
    every: Duration | None = None  # a smooth lr is taken at these ticks; set by `grow_batch`

    @property
    def names(self) -> tuple[str, ...]:
        """What is planned, in the order of `NAMES`."""
        grown = self.max_batch is not None
        return tuple(n for n in NAMES if getattr(self, n) is not None or (n == "batch_size" and grown))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all groups: "" is the default; with layers, each label once more for each layer."""
        labels = ("", *(label for label, _ in self.groups))
        if self.layers is None:
            return labels
        return labels + tuple(layer_label(label, k) for label in labels for k in range(self.layers.layers + 2))

    def found(self, label: str) -> tuple[Group | None, int | None]:
        """The group and the layer of a label; None for the default and for no layer.

        Raises:
            InputError: the plan has no such label.
        """
        groups = dict(self.groups)
        if not label or label in groups:
            return groups.get(label), None
        base, _, layer = label.rpartition("layer ")
        base = base.removesuffix(" ")
        if label not in self.labels:
            msg = refusal("values(group=...)", "must be a label of the plan", label, did_you_mean(label, self.labels))
            raise InputError(msg)
        return groups.get(base), int(layer)

    def bind(self, horizon: Horizon) -> BoundPlan:
        """Fix this plan on a horizon; see `lrdecay.schedule.plan_bound.BoundPlan`.

        Raises:
            InputError: a schedule does not fit, leaves the range of its name, or the horizon does not know the batch.
        """
        from lrdecay.schedule.plan_bound import bind_plan

        return bind_plan(self, horizon)

    def to_json(self) -> dict[str, Any]:
        """What was given, under ``"type": "plan"``; `lrdecay.schedule.plan_notation.plan_from_json` reads it back.

        Raises:
            InputError: a group is chosen by a function.
        """
        given: dict[str, Any] = {n: as_json(v) for n in NAMES if (v := getattr(self, n)) is not None}
        if self.weight_decay_times != "lr":
            given["weight_decay_times"] = self.weight_decay_times
        if self.groups:
            given["groups"] = {label: g.to_json() for label, g in self.groups}
        for name in ("layers", "max_batch", "every"):
            if getattr(self, name) is not None:
                given[name] = as_json(getattr(self, name))
        return {"type": "plan", **given}

    def __repr__(self) -> str:
        given = [f"{n}={v!r}" for n in NAMES if (v := getattr(self, n)) is not None]
        if self.weight_decay_times != "lr":
            given.append(f'weight_decay_times="{self.weight_decay_times}"')
        if self.groups:
            given.append("groups={" + ", ".join(f"{quoted(label)}: {g!r}" for label, g in self.groups) + "}")
        if self.layers is not None:
            given.append(f"layers={self.layers!r}")
        text = f"plan({', '.join(given)})"
        if self.max_batch is None:
            return text
        every = "" if self.every is None else f", every={self.every!r}"
        return f"grow_batch({text}, max_batch={self.max_batch}{every})"


def plan(
    *,
    lr: Any,
    momentum: Any = None,
    beta1: Any = None,
    beta2: Any = None,
    weight_decay: Any = None,
    batch_size: Any = None,
    weight_decay_times: str = "lr",
    groups: Any = None,
    layers: Any = None,
) -> Plan:
    """Plan several values of a run together; each is a number, a schedule or its text.

    Args:
        lr: the learning rate, >= 0.
        momentum: in [0, 1).
        beta1: in [0, 1).
        beta2: in [0, 1).
        weight_decay: >= 0; what it is multiplied by says ``weight_decay_times``.
        batch_size: samples in one update, all processes together: a whole number, or a schedule made of steps.
        weight_decay_times: "lr", "lr/peak" or "1"; see the module.
        groups: a dictionary, a `group` for each label; the label is the pattern where the group has none of its own.
        layers: `layerwise` or `discriminative`: rates by depth, on top of the groups.

    Raises:
        InputError: a value is out of range, a group states what the plan does not, or two groups have one label.
    """
    stated = {"lr": lr, "momentum": momentum, "beta1": beta1, "beta2": beta2}
    stated |= {"weight_decay": weight_decay, "batch_size": batch_size}
    values = {name: value(f"plan({name}=...)", name, given) for name, given in stated.items()}
    if values["lr"] is None:
        msg = refusal("plan(lr=...)", "must be a number >= 0, or a schedule", None)
        raise InputError(msg)
    one_of(TIMES).check("plan(weight_decay_times=...)", weight_decay_times)
    if weight_decay_times != "lr" and weight_decay is None:
        msg = refusal("plan(weight_decay_times=...)", "must come with weight_decay", weight_decay_times)
        raise InputError(msg)
    if layers is not None and not isinstance(layers, Layers):
        msg = refusal("plan(layers=...)", "must be layerwise(...) or discriminative(...)", layers)
        raise InputError(msg)
    made = Plan(
        lr=cast("Value", values.pop("lr")),
        **cast("dict[str, Any]", values),
        weight_decay_times=weight_decay_times,
        groups=_groups(groups, values),
        layers=layers,
    )
    if len(set(made.labels)) < len(made.labels):
        msg = refusal("plan(groups=...)", "must not have a label that is made for a layer", sorted(dict(made.groups)))
        raise InputError(msg)
    return made


def layer_label(label: str, layer: int) -> str:
    """The label of a layer of a group."""
    return f"{label} layer {layer}" if label else f"layer {layer}"


def _groups(groups: Any, values: Mapping[str, Any]) -> tuple[tuple[str, Group], ...]:
    if groups is None:
        return ()
    if not isinstance(groups, Mapping):
        msg = refusal("plan(groups=...)", "must be a dictionary", groups, 'Such as {"*.bias": group(weight_decay=0)}.')
        raise InputError(msg)
    for label, made in groups.items():
        if not isinstance(label, str) or not label or not label.isprintable():
            msg = refusal("plan(groups=...)", "must have labels that are printable text", label)
            raise InputError(msg)
        if not isinstance(made, Group):
            msg = refusal(f"plan(groups={{{label!r}: ...}})", "must be group(...)", made)
            raise InputError(msg)
        for name in ("momentum", "beta1", "beta2", "weight_decay"):
            if getattr(made, name) is not None and values[name] is None:
                rule = f"must be stated for the plan too, because the group {label!r} has its own"
                msg = refusal(f"plan({name}=...)", rule, None)
                raise InputError(msg)
    return tuple(groups.items())
