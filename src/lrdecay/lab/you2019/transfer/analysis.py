"""What the transfer experiment's statistics are, from what was measured at the end of every stage. Pure.

    D = (decay at the end - decay before the drops) - (the same of averaged weights of the run that stays at the peak)

with accuracy of a probe on frozen features, LogME, or the share of errors removed, (err before - err after)/err before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["TARGETS", "Stages", "statistics"]

FloatArray = NDArray[np.float64]

TARGETS = ("near", "digits", "emoji")


@frozen
class Stages:
    """One quantity of every arm, each shape (seeds, 2): at the end of the first stage, at the end of the third.

    Attributes:
        decay: last weights of the run with drops.
        peak: last weights of the run that stays at the peak.
        average: averaged weights of it.
        nudged: averaged weights of the run whose drops are by a hundredth.
        shuffled: last weights of the run with drops on shuffled labels.
        untrained: of the initial weights, shape (seeds,).
    """

    decay: FloatArray
    peak: FloatArray
    average: FloatArray
    nudged: FloatArray
    shuffled: FloatArray
    untrained: FloatArray

    @property
    def late(self) -> FloatArray:
        """D, shape (seeds,)."""
        return np.asarray(_change(self.decay) - _change(self.average))


def statistics(
    probes: Mapping[str, Stages], evidence: Mapping[str, Stages], accuracy: FloatArray
) -> dict[str, list[float | None]]:
    """Every statistic, one value a seed.

    Args:
        probes: of "source" and of every target that was had, accuracy of the probe.
        evidence: of the same, LogME.
        accuracy: the network's own on the source, of the run with drops; shape (seeds, 2).
    """
    found: dict[str, FloatArray] = {
        "source accuracy": _change(accuracy),
        "source probe": _change(probes["source"].decay),
        "source": probes["source"].late,
    }
    had = [name for name in TARGETS if name in probes]
    each: dict[str, dict[str, FloatArray]] = {}
    for name in had:
        p = probes[name]
        planted = p.shuffled[:, 1] - p.decay[:, 0] - _change(p.average)
        each[name] = {
            "": p.late,
            "no drop": _change(p.nudged) - _change(p.average),
            "shuffled late": planted,
            "change": _change(p.decay),
            "more epochs": _change(p.peak),
            "beyond the average": p.decay[:, 1] - p.average[:, 1],
            "error removed": np.asarray(_removed(p.decay) - _removed(p.average)),
            "LogME": evidence[name].late,
            "over untrained": p.decay[:, 0] - p.untrained,
            "shuffled": p.shuffled[:, 1] - p.decay[:, 1],
        }
        found |= {f"{name}, {what}" if what else name: values for what, values in each[name].items()}
    if len(had) == len(TARGETS):
        for what in ("no drop", "shuffled late", "change"):
            found[f"mean, {what}"] = np.mean([each[name][what] for name in had], axis=0)
    return {name: _listed(values) for name, values in found.items()}


def _change(values: FloatArray) -> FloatArray:
    return np.asarray(values[:, 1] - values[:, 0])


def _removed(accuracies: FloatArray) -> FloatArray:
    """The share of errors removed; nan where there was none."""
    before = 1.0 - accuracies[:, 0]
    none = np.full(len(before), np.nan)
    return np.asarray(np.divide(_change(accuracies), before, out=none, where=before > 0))


def _listed(values: Sequence[float] | FloatArray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
