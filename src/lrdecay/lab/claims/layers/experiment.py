"""Fine-tuning on few labels: one rate for all layers, rates of their own, or only the last layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from lrdecay.lab.arms import Arm
from lrdecay.lab.differences import Table, differences
from lrdecay.lab.evidence import Evidence
from lrdecay.lab.figures import along
from lrdecay.lab.laboratory import Laboratory
from lrdecay.lab.tuning import Size, tuned

__all__ = ["ARMS", "SIZES", "TABLE", "measure"]

TASK = "lrdecay.lab.claims.layers.tasks.fine_tuned:fine_tuned"

ARMS: Mapping[str, Mapping[str, Any]] = {
    "one rate": {"rates": "one"},
    "lower rates below": {"rates": "discriminative", "ratio": 2.6},
    "lower rates above": {"rates": "discriminative", "ratio": 1 / 2.6},
    "the last layer": {"rates": "frozen"},
}

TABLE: Table = {
    "rates of their own": [("lower rates below", 1), ("one rate", -1)],
    "below minus above": [("lower rates below", 1), ("lower rates above", -1)],
    "all layers": [("one rate", 1), ("the last layer", -1)],
    "trained before": [("one rate", 1), ("one rate, not trained before", -1)],
    "another order": [("one rate, another order", 1), ("one rate", -1)],
    "against wrong labels": [("one rate", 1), ("one rate, wrong labels", -1)],
    "features already right": [("lower rates below, right features", 1), ("one rate, right features", -1)],
}

SIZES: Mapping[str, Size] = {
    "smoke": Size(10, 4, (0.03, 0.1), (100,)),
    "small": Size(50, 30, (0.01, 0.03, 0.1, 0.3, 1.0), (100, 101, 102)),
    "full": Size(50, 60, (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), (100, 101, 102, 103, 104, 105)),
}
"""Its images are the labels of each class."""

_TOO_LARGE = 0.1
"""The rate of the planted effect: for features that are already right."""

_BEFORE = {"smoke": 2, "small": 20, "full": 60}


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:
    """Choose every arm's peak on pilots, then run the arms and their controls."""
    size = SIZES[scale]
    own: dict[str, Any] = {"labels": size.images, "before": _BEFORE[scale], "split": "validation"}
    bare = [
        Arm(name, TASK, "slanted_triangular({0!r})", own | dict(more), epochs=size.epochs, evaluations=5)
        for name, more in ARMS.items()
    ]
    chosen = tuned(lab, bare, size.peaks, size.pilots)
    arms = [evolve(c.arm, arguments={**c.arm.arguments, "split": "test"}) for c in chosen.values()]
    one = arms[0]

    def control(name: str, **more: Any) -> Arm:
        return evolve(one, name=f"{one.name}, {name}", arguments={**one.arguments, **more})

    arms += [
        control("another order", order=1),
        control("wrong labels", wrong=0.3),
        control("not trained before", source="none"),
        *(_on_right_features(arm) for arm in arms[:2]),
    ]
    runs = lab.run(arms, seeds, "fine-tuning")
    return Evidence(
        differences(runs, TABLE, "accuracy", worst=0.2),
        arms=runs.rows(),
        figures=(along(runs, "accuracy", [*ARMS], "test accuracy on the new classes"),),
        notes=(
            "Peaks chosen on pilots, of the layer with the largest rate: "
            + ", ".join(f"{n} {c.peak:g}{c.edge}" for n, c in chosen.items())
            + ".",
        ),
    )


def _on_right_features(arm: Arm) -> Arm:
    """An arm whose lower layers were trained on the very classes it is fine-tuned on, at a rate that spoils them."""
    arguments = {**arm.arguments, "source": "same"}
    schedule = f"slanted_triangular({_TOO_LARGE})"
    return evolve(arm, name=f"{arm.name}, right features", schedule=schedule, arguments=arguments)
