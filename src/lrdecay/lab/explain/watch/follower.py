"""Drives a task along its rates, and measures where it is told to; watching changes none of its bits."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch.nn.attention import SDPBackend, sdpa_kernel

from lrdecay.lab.explain.watch.gradients import noise_at_present
from lrdecay.lab.explain.watch.subject import RAW, Right, Subject
from lrdecay.lab.instruments.curvature import Eigen, flat, top_eigenvalue
from lrdecay.lab.instruments.oscillation import flip_rate, random_direction
from lrdecay.runs.protocol import finite
from lrdecay.sweep.worker import report

__all__ = ["Curve", "Follower"]

FloatArray = NDArray[np.float64]

Curve = dict[str, list[float | None]]
"""Column -> one number for each mark: "step", "loss" (mean training loss since the mark before) and every metric, of
the raw weights under its own name and of the averaged ones as "averaged NAME"."""

_SAMPLES = 512  # on which curvature is measured
_MARKS = 60  # evaluations along the run


@final
class Follower:
    """A task on its way.

    Args:
        subject: a fresh task.
        rates: of every update, shape (steps,).
        seed: of what is drawn for measuring.
    """

    def __init__(self, subject: Subject, rates: FloatArray, seed: int) -> None:
        """Nothing was trained yet."""
        self.subject, self.rates, self._seed = subject, rates, seed
        self.curve: Curve = {}
        self.diverged: int | None = None
        self._since: list[float] = []
        marks = np.linspace(0, len(rates), min(_MARKS, len(rates)) + 1)
        self._marks = sorted({math.floor(m + 0.5) for m in marks})

    def to(self, step: int) -> None:
        """Train up to this update, with an evaluation at every mark on the way."""
        for mark in [m for m in self._marks if self.subject.task.step < m < step]:
            self._train(mark)
            self.mark()
        self._train(step)

    def mark(self) -> list[Right]:
        """Evaluate here; gives who is right, for raw and averaged weights, where there are labels."""
        task = self.subject.task
        if self.curve and self.curve["step"][-1] == task.step:
            return []
        found = task.evaluate()
        row: dict[str, float | None] = {"step": task.step, "rate": float(self.rates[max(0, task.step - 1)])}
        row["loss"] = finite(float(np.mean(self._since))) if self._since else None
        for name, value in found.items():
            average, slash, metric = name.rpartition("/")
            if slash:
                label = metric if average == RAW else f"averaged {metric}"
                row["heldout loss" if label == "loss" else label.replace("averaged loss", "averaged heldout loss")] = (
                    finite(value)
                )
            elif len(task.averages) == 1:
                row["heldout loss" if metric == "loss" else metric] = finite(value)
        for name, number in row.items():
            self.curve.setdefault(name, []).append(number)
        self._since = []
        return self.subject.answers.taken()

    def watched(self, updates: int) -> dict[str, Any]:
        """Train so many updates one by one along the sharpest direction here and a random one.

        Returns:
            JSON: "eigenvalue" and "residual" (null: not converged; "why"), "flips" along it, "random", "updates".
        """
        top, why = self._top()
        last = flat(self.subject.parameters)
        directions = np.stack([top.vector if top else np.zeros_like(last), random_direction(len(last), self._seed)])
        along = []
        for _ in range(updates):
            self._train(self.subject.task.step + 1)
            now = flat(self.subject.parameters)
            along.append(directions @ (now - last))
            last = now
            if self.subject.task.step in self._marks and len(along) < updates:
                self.mark()
        steps = np.array(along)
        flips = finite(flip_rate(steps[:, 0])) if top is not None else None
        return _of(top, why) | {
            "flips": flips,
            "turned": None,
            "random": finite(flip_rate(steps[:, 1])),
            "updates": updates,
        }

    def sharp(self) -> dict[str, Any]:
        """The largest eigenvalue here: "eigenvalue", "residual", "why"."""
        return _of(*self._top())

    def noise(self) -> dict[str, Any]:
        """The gradient noise scale here, in samples; "why" where nothing can be said."""
        if self.diverged is not None:
            return {"value": None, "why": f"the loss was not finite at update {self.diverged}"}
        found = noise_at_present(self.subject, self._seed)
        return {"value": None, "why": "a gradient was not finite"} if found is None else found.to_json()

    def _top(self) -> tuple[Eigen | None, str]:
        parts, task = self.subject.task.parts, self.subject.task
        if self.diverged is not None:
            return None, f"the loss was not finite at update {self.diverged}"
        x, y = (part[:_SAMPLES] for part in parts["train"])
        here = task.snapshot()
        parts["model"].train(False)
        try:
            with sdpa_kernel(SDPBackend.MATH):  # the others cannot be differentiated twice
                top = top_eigenvalue(lambda: parts["loss"](parts["model"](x), y), self.subject.parameters)
        except RuntimeError as problem:
            return None, f"the loss cannot be differentiated twice: {' '.join(str(problem).split())[:120]}"
        finally:
            task.restore(here)
        return (top, "") if top.converged else (None, f"the iteration did not converge (residual {top.residual:.1e})")

    def _train(self, step: int) -> None:
        count = step - self.subject.task.step
        if count <= 0 or self.diverged is not None:
            return
        for part in np.array_split(self.rates[self.subject.task.step : step], math.ceil(count / 50)):
            losses = self.subject.task.advance({"lr": part})["loss"]
            report(len(part))
            self._since += losses.tolist()
            if not np.isfinite(losses).all():
                bad = int(np.flatnonzero(~np.isfinite(losses))[0])
                self.diverged = self.subject.task.step - len(part) + bad
                return


def _of(top: Eigen | None, why: str) -> dict[str, Any]:
    if top is None:
        return {"eigenvalue": None, "residual": None, "why": why}
    return {"eigenvalue": top.value, "residual": top.residual, "why": ""}
