"""Which number a run is judged by, and whether more of it is better. Guessed only where one reading is possible."""

from __future__ import annotations

import re
from typing import cast

from lrdecay.errors import InputError, refusal
from lrdecay.runs.trainable import Goal

__all__ = ["judge"]

_LARGE = frozenset(["acc", "accuracy", "auc", "auroc", "f1", "precision", "recall", "bleu", "map", "r2"])
_SMALL = frozenset(["loss", "err", "error", "perplexity", "ppl", "nll", "mse", "mae", "rmse", "mape", "bpc", "entropy"])
_WORDS = re.compile("f1|r2|[a-z]+")


def judge(given: str | None, logged: tuple[str, ...]) -> tuple[str, Goal]:
    """The metric's name and goal.

    Args:
        given: what the user said: "name", "name:min", "name:max", or None.
        logged: the names that were logged beside the training loss.

    Returns:
        The named metric; else the only one logged; else the training loss.

    Raises:
        InputError: several are logged and none was named, or nobody can tell whether more is better.
    """
    if given is None and len(logged) > 1:
        cure = f"Name one: --metric {logged[0]}."
        msg = refusal("--metric NAME", f"must be given when several are logged ({', '.join(logged)})", given, cure)
        raise InputError(msg)
    if given is None:
        name, colon, goal = (logged[0] if logged else "loss"), "", ""
    else:
        name, colon, goal = given.partition(":")
    if name and goal in ("min", "max"):
        return name, cast("Goal", goal)
    if colon or not name:
        msg = refusal("--metric NAME:GOAL", "must be a name that may end in :min or :max", given)
        raise InputError(msg)
    words = _words(name)
    if words & _SMALL:
        return name, "min"
    if words & _LARGE:
        return name, "max"
    cure = f"Write --metric {name}:max or --metric {name}:min."
    msg = refusal("--metric NAME", "must say whether more is better", name, cure)
    raise InputError(msg)


def _words(name: str) -> set[str]:
    """The words of a name, in lower case, without numbers: "val_acc@5" -> val, acc; "mAP" -> map, m, ap."""
    apart = re.sub("(?<=[a-z])(?=[A-Z])", " ", name)
    return set(_WORDS.findall(f"{name} {apart}".lower()))
