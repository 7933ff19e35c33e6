"""A run that is watched from end to end, with a branch at every cut that goes on as if the rate had not fallen.

Around each cut: the largest eigenvalue of the Hessian of the loss on fixed training samples (evaluation mode) at the
beginning of the window before it, at the cut, and at the end of the window after; how often successive updates change
sign along that vector (of the window's beginning) and along a random one; the gradient noise scale at the cut and at
the end of the window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrdecay.lab.explain.watch.follower import Curve, Follower
from lrdecay.lab.explain.watch.subject import Right, made, with_wrong_labels

__all__ = ["followed", "learned", "probed"]

_LONGEST = 200  # updates that are watched one by one, at most


def followed(
    seed: int,
    target: str,
    arguments: Mapping[str, Any],
    rates: Sequence[float],
    cuts: Sequence[Mapping[str, Any]],
    window: int,
    known: Mapping[str, Any],  # noqa: ARG001  (what else decides the bits: it is in the key under which this is kept)
) -> dict[str, Any]:
    """The run as it is.

    Args:
        seed: of the run.
        target: of the task function.
        arguments: of it.
        rates: of every update.
        cuts: each a `lrdecay.lab.explain.stages.Cut` as JSON.
        window: of the averaged weights, in updates.
        known: hashes of sources, versions.

    Returns:
        JSON: "curve"; "first", who was learned in the first stage; "cuts" with what was found around each, the branch
        that kept the rate, and who was learned; "diverged": the update at which the loss was not finite, or null.
    """
    run = Follower(made(target, arguments, seed, window), np.asarray(rates, dtype=np.float64), seed)
    begun = rights = run.mark()
    found: list[dict[str, Any]] = []
    first: dict[str, Any] = {}
    pending: list[tuple[list[Right], list[Right]]] = []  # at the cut; at the end of the branch that kept the rate
    for cut in cuts:
        at, updates = int(cut["at"]), min(int(cut["window"]), _LONGEST)
        run.to(at - updates)
        before = run.watched(updates)
        rights = run.mark()
        if pending:
            found[-1]["learned"] = learned(*pending[-1], rights)
        else:
            first = learned(begun, [], rights)
        noise = run.noise()
        here = run.subject.task.snapshot()
        kept, at_end = _kept(run, float(cut["before"]), int(cut["end"]), seed)
        run.subject.task.restore(here)
        after = run.watched(updates)
        sharp = run.sharp()
        found.append(
            {
                "at": at,
                "before": before | {"sharp": after["eigenvalue"], "off": after["residual"], "why": after["why"]},
                "after": after | {"sharp": sharp["eigenvalue"], "off": sharp["residual"], "why": sharp["why"]},
                "noise_before": noise,
                "noise_after": run.noise(),
                "kept": kept,
            }
        )
        pending.append((rights, at_end))
    run.to(len(rates))
    found[-1]["learned"] = learned(*pending[-1], run.mark())
    return _said(run, seed) | {"first": first, "cuts": found}


def probed(
    seed: int,
    target: str,
    arguments: Mapping[str, Any],
    rates: Sequence[float],
    bounds: Sequence[int],
    window: int,
    share: float,
    known: Mapping[str, Any],  # noqa: ARG001
) -> dict[str, Any]:
    """The same run on the task with wrong labels; its curve has what is fitted of them, and of the others."""
    subject = with_wrong_labels(target, arguments, seed, window, share)
    run = Follower(subject, np.asarray(rates, dtype=np.float64), seed)
    for bound in bounds:
        run.to(bound)
        run.mark()
    return _said(run, seed) | {"flipped": subject.flipped}


def _said(run: Follower, seed: int) -> dict[str, Any]:
    task, subject = run.subject.task, run.subject
    return {
        "seed": seed,
        "metric": "heldout loss" if task.metric == "loss" else task.metric,
        "goal": task.goal,
        "heldout": len(task.parts["heldout"][0]),
        "samples": len(task.parts["train"][0]),
        "batch": task.parts["batch_size"],
        "optimizer": type(task.parts["optimizer"]).__name__,
        "momentum": subject.momentum,
        "averaged": subject.average is not None,
        "labels": subject.labels,
        "curve": run.curve,
        "diverged": run.diverged,
    }


def _kept(run: Follower, rate: float, end: int, seed: int) -> tuple[Curve, list[Right]]:
    """From here to the end of the stage at the rate before the cut."""
    rates = run.rates.copy()
    rates[run.subject.task.step :] = rate
    other = Follower(run.subject, rates, seed)
    other.diverged = run.diverged
    other.mark()
    other.to(end)
    return other.curve, other.mark()


def learned(before: list[Right], kept: list[Right], after: list[Right]) -> dict[str, Any]:
    """Who was wrong and is right now, and back, on each set; beside it the same in the branch that kept the rate.

    "errors" are standard errors over samples of what came (after - before), of what the branch's averaged weights had
    (averaged - before), and of the second minus what came beyond it.

    Args:
        before: at the stage's beginning; of each weights (raw, averaged) and each set.
        kept: at its end, in the branch; empty where there is none.
        after: at its end.
    """
    found: dict[str, Any] = {}
    if not before or not after:
        return found
    for name, was in before[0].items():
        now = after[0][name]
        gained = now & ~was
        row: dict[str, Any] = {"samples": len(was), "gained": int(gained.sum()), "lost": int((was & ~now).sum())}
        if kept:
            there = kept[0][name]
            row |= {"kept_gained": int((there & ~was).sum()), "kept_lost": int((was & ~there).sum())}
        if len(kept) > 1:
            averaged = kept[1][name]
            a, b, k = (one.astype(np.float64) for one in (now, was, averaged))
            contrasts = {"came": a - b, "had": k - b, "tilt": 2 * k - a - b}
            errors = {what: float(one.std() / np.sqrt(len(one))) for what, one in contrasts.items()}
            row |= {"gained_and_averaged": int((gained & averaged).sum()), "errors": errors}
        found[name] = row
    return found
