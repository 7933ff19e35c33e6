"""Which number a run is judged by, and whether more of it is better. Guessed only where one reading is possible."""

from __future__ import annotations

from typing import cast

from lrdecay.errors import InputError, refusal
from lrdecay.runs.trainable import Goal

__all__ = ["judge"]

_LARGE = ("acc", "auc", "f1", "score", "precision", "recall", "bleu", "map", "r2")
_SMALL = ("loss", "err", "perplexity", "ppl", "nll", "mse", "mae", "rmse", "bpc")


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
    name, _, goal = (given or (logged[0] if logged else "loss")).partition(":")
    if goal in ("min", "max"):
        return name, cast("Goal", goal)
    if goal:
        msg = refusal("--metric NAME:GOAL", "must end in :min or :max", given)
        raise InputError(msg)
    word = name.lower()
    if any(w in word for w in _SMALL):
        return name, "min"
    if any(w in word for w in _LARGE):
        return name, "max"
    cure = f"Write --metric {name}:max or --metric {name}:min."
    msg = refusal("--metric NAME", "must say whether more is better", name, cure)
    raise InputError(msg)
