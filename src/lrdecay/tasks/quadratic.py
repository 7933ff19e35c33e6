"""`quadratic`: a noisy quadratic whose answers are known exactly; numpy only.

The loss of w in R^d is L(w) = 1/2 sum_i h_i w_i^2, measured without noise. An update sees the gradient g_i = h_i w_i +
sigma xi_i, with xi standard normal, and makes v <- momentum v + g, w <- w - rate v. Every w_i starts at 1, v at 0. The
noise of update t is drawn by a counter-based generator keyed by (seed, t), so that any update can be made at random.

Being linear, it has closed second moments. With W = E[w_i^2], C = E[w_i v_i], V = E[v_i^2] and the rate eta,

    V' = m^2 V + 2 m h C + h^2 W + sigma^2
    C' = (m C + h W) - eta V'
    W' = W - 2 eta (m C + h W) + eta^2 V'

which for m = 0 is W' = (1 - eta h)^2 W + eta^2 sigma^2: the noisy quadratic model of Zhang et al. 2019,
arXiv:1907.04164.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike

from lrdecay.errors import Constraint, InputError, argument, non_negative, positive, positive_int, refusal
from lrdecay.runs.trainable import FloatArray, Goal, Snapshot, check_values
from lrdecay.schedule import Horizon
from lrdecay.tasks.arguments import below_one, check_seed

__all__ = ["Quadratic", "QuadraticTask", "expected_loss", "quadratic"]

_one_or_more = Constraint("must be a number >= 1", lambda v: type(v) in (int, float) and 1 <= v < float("inf"))


@frozen(kw_only=True)
class Quadratic:
    """The constants of a noisy quadratic.

    Raises:
        InputError: a number is out of range.
    """

    dimension: int = field(default=20, validator=argument(positive_int))  # d
    condition: float = field(default=100.0, validator=argument(_one_or_more))  # largest over smallest curvature
    curvature_scale: float = field(default=1.0, validator=argument(positive))  # the largest curvature
    sigma: float = field(default=0.1, validator=argument(non_negative))  # sd of the gradient noise
    momentum: float = field(default=0.0, validator=argument(below_one))

    @property
    def curvatures(self) -> FloatArray:
        """h, from the largest to the smallest in a geometric row; float64, shape (dimension,)."""
        if self.dimension == 1:
            return np.array([float(self.curvature_scale)])
        powers = np.arange(self.dimension) / (self.dimension - 1)
        return np.asarray(self.curvature_scale * float(self.condition) ** -powers, dtype=np.float64)


class QuadraticTask:
    """A noisy quadratic as a `lrdecay.runs.trainable.Trainable`."""

    sets = frozenset({"lr"})
    metric = "loss"
    goal: Goal = "min"

    def __init__(self, seed: int, constants: Quadratic, steps: int) -> None:
        """See the class; ``steps`` is the default length of a run."""
        self.constants = constants
        self.horizon = Horizon(steps=steps)
        self.step = 0
        self._seed = seed
        self._h = constants.curvatures
        self._w = np.ones(constants.dimension)
        self._v = np.zeros(constants.dimension)

    def advance(
        self, values: Mapping[str, FloatArray], *, observe: frozenset[str] = frozenset({"loss"})
    ) -> Mapping[str, FloatArray]:
        """One update per row of ``values["lr"]``; gives the exact loss before each."""
        losses = np.empty(check_values(values, self.sets))
        if observe - {"loss"}:
            msg = refusal("advance(observe=...)", "must be a subset of {'loss'}", sorted(observe))
            raise InputError(msg)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging run ends in inf and nan, as it should
            for i, rate in enumerate(values["lr"].tolist()):
                losses[i] = self._loss()
                gradient = self._h * self._w + self.constants.sigma * self._noise(self.step)
                self._v = self.constants.momentum * self._v + gradient
                self._w = self._w - rate * self._v
                self.step += 1
        return {"loss": losses} if observe else {}

    def evaluate(self, on: str = "heldout") -> Mapping[str, float]:
        """The exact loss, whichever data set is asked for."""
        if on not in ("heldout", "train"):
            msg = refusal("evaluate(on=...)", "must be one of heldout, train", on)
            raise InputError(msg)
        with np.errstate(over="ignore", invalid="ignore"):
            return {"loss": self._loss()}

    def snapshot(self) -> Snapshot:
        """Weights, velocity, step; the noise needs no state."""
        return Snapshot({"w": self._w.copy(), "v": self._v.copy()}, {**self._identity(), "step": self.step})

    def restore(self, s: Snapshot) -> None:
        """Back to a snapshot of the same quadratic with the same seed.

        Raises:
            InputError: it is of another one.
        """
        other = {k: v for k, v in s.state.items() if k != "step"}
        if other != self._identity():
            msg = refusal("restore(...)", f"must be given a snapshot of {self._identity()}", other)
            raise InputError(msg)
        self._w, self._v, self.step = s.tensors["w"].copy(), s.tensors["v"].copy(), s.state["step"]

    def digest(self) -> str:
        """Of the snapshot."""
        return self.snapshot().digest()

    def _identity(self) -> dict[str, Any]:
        return {"constants": {k: float(v) for k, v in asdict(self.constants).items()}, "seed": self._seed}

    def _loss(self) -> float:
        return float(0.5 * np.sum(self._h * self._w**2))

    def _noise(self, step: int) -> FloatArray:
        key = np.array([self._seed, step], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key)).standard_normal(self.constants.dimension)


def quadratic(
    seed: int,
    *,
    dimension: int = 20,
    condition: float = 100.0,
    curvature_scale: float = 1.0,
    sigma: float = 0.1,
    momentum: float = 0.0,
    steps: int = 1000,
) -> QuadraticTask:
    """A noisy quadratic; see the module for the equations and `Quadratic` for the arguments.

    Args:
        seed: of the gradient noise.
        dimension: d.
        condition: the largest over the smallest curvature.
        curvature_scale: the largest curvature; without momentum a rate above 2 / curvature_scale diverges.
        sigma: standard deviation of the gradient noise.
        momentum: in [0, 1).
        steps: the default length of a run.

    Raises:
        InputError: a number is out of range.
    """
    check_seed("quadratic", seed)
    positive_int.check("quadratic(steps=...)", steps)
    constants = Quadratic(
        dimension=dimension,
        condition=condition,
        curvature_scale=curvature_scale,
        sigma=sigma,
        momentum=momentum,
    )
    return QuadraticTask(seed, constants, steps)


def expected_loss(rates: ArrayLike, constants: Quadratic | None = None) -> FloatArray:
    """The exact mean, over seeds, of the loss along a run.

    Args:
        rates: the rate of every update, shape (n,).
        constants: the quadratic; the default one where not given.

    Returns:
        float64, shape (n + 1,): before each update, and after the last.
    """
    constants = constants or Quadratic()
    h, m, noise = constants.curvatures, constants.momentum, constants.sigma**2
    ww, wv, vv = np.ones_like(h), np.zeros_like(h), np.zeros_like(h)
    expected = [0.5 * np.sum(h * ww)]
    for rate in np.asarray(rates, dtype=np.float64):
        vv = m**2 * vv + 2 * m * h * wv + h**2 * ww + noise
        pulled = m * wv + h * ww
        ww, wv = ww - 2 * rate * pulled + rate**2 * vv, pulled - rate * vv
        expected.append(0.5 * np.sum(h * ww))
    return np.array(expected)
