"""Which optimizers, at which peaks, under which schedules: tuned on pilots with equal trials, or at their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from lrdecay.lab.arms import Arm
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.tuning import Tuned, tuned

__all__ = ["AVERAGE", "DEFAULTS", "PEAKS", "SIZES", "Trained", "pilots", "verdict_arms"]

TASK = "lrdecay.lab.claims.optimizers.tasks.signals:signals"

AVERAGE = "ema(1ep)"

PEAKS: Mapping[str, tuple[float, ...]] = {
    "sgd": (0.03, 0.1, 0.3, 1.0),
    "adam": (0.003, 0.01, 0.03, 0.1),
    "adamw": (0.003, 0.01, 0.03, 0.1),
    "rmsprop": (0.003, 0.01, 0.03, 0.1),
    "adadelta": (1.0, 3.0, 10.0, 30.0),
    "schedulefree": (0.01, 0.03, 0.1, 0.3),
    "schedulefree_sgd": (0.3, 1.0, 3.0, 10.0),
}
"""That are tried, as many for each."""

DEFAULTS: Mapping[str, float] = {"adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "adadelta": 1.0}
"""Rates of Keras' documentation, which says of RMSprop and Adadelta to leave them; Zeiler's 1 for Adadelta."""

_PLAIN = ("sgd", "adam", "adamw", "rmsprop", "adadelta")
_AVERAGED = ("sgd", "adamw")
_FREE = ("schedulefree", "schedulefree_sgd")


@frozen
class Trained:
    """What a scale trains.

    Attributes:
        images: training signals.
        epochs: of a run.
        pilots: seeds on which peaks are chosen.
        peaks: how many of `PEAKS` are tried, from the second on where not all.
        evaluations: along a run whose time to target counts.
    """

    images: int
    epochs: int
    pilots: tuple[int, ...]
    peaks: int = 4
    evaluations: int = 20


SIZES: Mapping[str, Trained] = {
    "smoke": Trained(500, 4, (100,), 2, 8),
    "small": Trained(4000, 10, (100, 101, 102)),
    "full": Trained(4000, 40, (100, 101, 102), 4, 40),
}


def pilots(lab: Laboratory, size: Trained) -> Mapping[str, Tuned]:
    """The best peak of each optimizer and schedule on validation signals, by "adam constant", and "sgd averaged"."""
    found: dict[str, Tuned] = {}
    for optimizer, all_peaks in PEAKS.items():
        peaks = all_peaks if size.peaks == len(all_peaks) else all_peaks[1 : 1 + size.peaks]
        specs = {"free": 'warmup("5%") + constant({0!r})'}
        if optimizer in _PLAIN:
            specs = {"constant": "constant({0!r})", "cosine": "cosine({0!r})"}
        arms = {kind: _arm(f"{optimizer} {kind}", spec, size, optimizer, kind) for kind, spec in specs.items()}
        found |= tuned(lab, list(arms.values()), peaks, size.pilots)
        if optimizer in _AVERAGED:
            both = tuned(lab, [arms["constant"]], peaks, size.pilots, f"{AVERAGE}/accuracy")
            found[f"{optimizer} averaged"] = both[f"{optimizer} constant"]
    return found


def verdict_arms(chosen: Mapping[str, Tuned], size: Trained) -> list[Arm]:
    """Every arm of the verdict, on test signals."""
    arms = [_tested(name, one.arm, size) for name, one in chosen.items()]
    for optimizer, rate in DEFAULTS.items():
        bare = _arm("", f"constant({rate!r})", size, optimizer, "default")
        arms.append(_tested(f"{optimizer} default", bare, size))
    for base in ("sgd cosine", "sgd constant"):
        plain = evolve(chosen[base].arm, arguments={**chosen[base].arm.arguments, "average": ["none"]})
        arms.append(_tested(f"{base}, another order", plain, size, order=1))
        arms.append(_tested(f"{base}, wrong labels", plain, size, wrong=0.3))
    return arms


def _arm(name: str, spec: str, size: Trained, optimizer: str, kind: str) -> Arm:
    weights: Sequence[str] = ["none", AVERAGE] if kind == "constant" and optimizer in _AVERAGED else ["none"]
    own: dict[str, Any] = {"optimizer": optimizer, "split": "validation", "images": size.images, "average": weights}
    return Arm(name, TASK, spec, own, epochs=size.epochs, evaluations=1)


def _tested(name: str, arm: Arm, size: Trained, **more: Any) -> Arm:
    own = {**arm.arguments, "split": "test", **more}
    return evolve(arm, name=name, arguments=own, evaluations=size.evaluations)
