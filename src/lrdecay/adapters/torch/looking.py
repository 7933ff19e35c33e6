"""Looking at a script's run through its optimizer, because `lrdecay lab explain` asked; nothing of the run is changed.

All that an optimizer shows is its parameters, their gradients and its updates. Hooks around each update read them:

* averaged weights, w_avg <- w_avg + max(1/n, 1/window) (w - w_avg) at the n-th update;
* weights at stated steps;
* in stated windows, whether successive updates d_t turn back: d_t·d_{t+1} < 0, and the same along a random direction;
* at a rate of 0, other weights in the place of the run's own, one set after the other, and gradients at each in groups.
  A set is put there just before an update is made, whose own gradient is still of the set before, and is left out.

With ``run.probe(model, loss, (x, y))`` in the script, at the stated steps also the largest eigenvalue of the Hessian of
the loss on these samples (evaluation mode), in the windows whether updates turn back along its vector, and which of the
samples are right, with raw and with averaged weights. Gradients are as the optimizer is given them: after clipping.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch.nn.attention import SDPBackend, sdpa_kernel

from lrdecay.adapters.torch.curvature import Eigen, flat, top_eigenvalue
from lrdecay.runs.seeding import kept_random_state

__all__ = ["Looking", "Probed"]

FloatArray = NDArray[np.float64]

_SAMPLES = 512  # on which curvature is measured


@frozen(eq=False)
class Probed:
    """What `run.probe` was given: loss(model(x), y) is a number, with samples along the first axis of both."""

    model: torch.nn.Module
    loss: Callable[[Any, Any], torch.Tensor]
    x: torch.Tensor
    y: torch.Tensor


@final
class Looking:
    """What is read of a run, to the file that is asked for.

    Args:
        optimizer: of the script.
        order: a JSON file: "out" (.npz), "window" of the average, "average" to begin with (.npz of an earlier look;
            null: none), "keep": steps at which weights are kept, "windows": pairs of steps, "put": at which step which
            weights ("at", "file", "name"), "groups" of gradients and "batches" in all of them at each of these.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, order: Path) -> None:
        """Nothing was seen yet."""
        self._order: Mapping[str, Any] = json.loads(order.read_text())
        self._parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        self._probed: Probed | None = None
        self._step = 0
        self._count = 0
        self._average: list[torch.Tensor] = []
        self._last: list[torch.Tensor] | None = None
        self._update: list[torch.Tensor] | None = None
        self._random: list[torch.Tensor] = []
        self._top: Eigen | None = None
        self._found: dict[str, Any] = {}
        self._said: dict[str, Any] = {"turned": {}, "along": {}, "random": {}, "tops": {}, "moved": {}}
        self._standing: FloatArray | None = None  # weights that were put there
        self._sets = 0
        self._sums: list[list[torch.Tensor]] = []
        self._squares: list[list[float]] = []
        momentum = optimizer.param_groups[0]["momentum"] if isinstance(optimizer, torch.optim.SGD) else None
        self._said |= {"optimizer": type(optimizer).__name__, "momentum": momentum, "probed": False}
        optimizer.register_step_pre_hook(self._before)
        optimizer.register_step_post_hook(self._after)

    def probe(self, model: Any, loss: Any, data: tuple[Any, Any]) -> None:
        """What `run.probe` was given."""
        self._probed = Probed(model, loss, *data)
        self._said["probed"] = True

    @torch.no_grad()
    def begin(self, step: int) -> None:
        """The first update comes: take up the average."""
        self._step = step
        if self._order["average"] is not None:
            with np.load(self._order["average"], allow_pickle=False) as kept:
                self._count = int(kept["count"])
                self._average = self._like(kept["average"])
        else:
            self._average = [p.detach().clone() for p in self._parameters]
        self._look()

    def end(self) -> None:
        """No more updates are made: write the file."""
        self._close()
        out = Path(self._order["out"])
        found = dict(self._found) | {
            "weights": self._flat(),
            "average": self._joined(self._average),
            "count": np.array(self._count),
            "said": np.frombuffer(json.dumps(self._said).encode(), dtype=np.uint8),
        }
        temporary = out.with_name(f".{out.name}.tmp.npz")
        np.savez(temporary, **found)
        temporary.replace(out)

    @torch.no_grad()
    def _before(self, *_: object) -> None:
        put = next((one for one in self._order["put"] if one["at"] == self._step), None)
        if put is not None:
            self._close()
            with np.load(put["file"], allow_pickle=False) as kept:
                self._put(kept[put["name"]])
            self._standing = self._flat()
            self._sums = [[torch.zeros_like(p) for p in self._parameters] for _ in range(self._order["groups"])]
            self._squares = [[] for _ in range(self._order["groups"])]
        elif self._standing is not None:
            self._gather()
        if self._window() is not None:
            self._last = [p.detach().clone() for p in self._parameters]

    def _gather(self) -> None:
        """One more gradient at weights that were put there."""
        made, batches = sum(map(len, self._squares)), self._order["batches"]
        if made >= batches:
            return
        group = made * self._order["groups"] // batches
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._parameters]
        for total, g in zip(self._sums[group], gradients, strict=True):
            total += g
        self._squares[group].append(float(sum(g.double().square().sum() for g in gradients)))

    def _close(self) -> None:
        """These weights are done with: what their gradients came to, and whether they stayed."""
        if self._standing is None:
            return
        number = str(self._sets)
        self._said["moved"][number] = float(np.abs(self._flat() - self._standing).max())
        if self._squares and all(self._squares):
            means = [self._joined(own) / len(s) for own, s in zip(self._sums, self._squares, strict=True)]
            stacked = np.stack(means)
            self._found[f"squares@{number}"] = np.array([np.mean(s) for s in self._squares])
            self._found[f"products@{number}"] = stacked @ stacked.T
        self._sets += 1
        self._standing = None

    @torch.no_grad()
    def _after(self, *_: object) -> None:
        window = self._window()
        if window is not None and self._last is not None:
            self._turn(window, [p.detach() - q for p, q in zip(self._parameters, self._last, strict=True)])
        self._step += 1
        self._count += 1
        share = max(1 / self._count, 1 / self._order["window"])
        for average, p in zip(self._average, self._parameters, strict=True):
            average += share * (p.detach() - average)
        self._look()

    def _turn(self, window: str, update: list[torch.Tensor]) -> None:
        if not self._random:
            generator = torch.Generator().manual_seed(0)
            self._random = [torch.randn(p.shape, generator=generator).to(p) for p in self._parameters]
        rows = {"turned": self._update, "random": self._random}
        for name, other in rows.items():
            if other is not None:
                product = float(sum((u * v).sum() for u, v in zip(update, other, strict=True)))
                self._said[name].setdefault(window, []).append(product)
        if self._top is not None:
            product = float(self._joined(update) @ self._top.vector)
            self._said["along"].setdefault(window, []).append(product)
        self._update = update

    def _window(self) -> str | None:
        """The window this update is in, by its first step."""
        return next((str(a) for a, b in self._order["windows"] if a <= self._step < b), None)

    def _look(self) -> None:
        """What is kept at this step."""
        at = self._step
        if any(at == a for a, _ in self._order["windows"]):
            self._update = None
        if at not in self._order["keep"]:
            return
        self._found[f"weights@{at}"] = self._flat()
        if self._probed is None:
            return
        self._top, why = self._sharpest()
        top = self._top
        self._said["tops"][str(at)] = {
            "eigenvalue": None if top is None else top.value,
            "residual": None if top is None else top.residual,
            "why": why,
        }
        right = self._right()
        if right is not None:
            here = self._flat()
            self._found[f"right@{at}"] = right
            self._put(self._joined(self._average))
            averaged = self._right()
            self._put(here)
            if averaged is not None:
                self._found[f"averaged right@{at}"] = averaged

    def _sharpest(self) -> tuple[Eigen | None, str]:
        if self._probed is None:
            return None, ""
        p = self._probed
        x, y = p.x[:_SAMPLES], p.y[:_SAMPLES]
        modes = [(module, module.training) for module in p.model.modules()]
        p.model.train(False)
        try:
            with kept_random_state(), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
                top = top_eigenvalue(lambda: p.loss(p.model(x), y), self._parameters)
        except RuntimeError as problem:
            return None, f"the loss cannot be differentiated twice: {' '.join(str(problem).split())[:120]}"
        finally:
            for module, mode in modes:
                module.training = mode
        return (top, "") if top.converged else (None, f"the iteration did not converge (residual {top.residual:.1e})")

    @torch.no_grad()
    def _right(self) -> NDArray[np.bool_] | None:
        """Which of the probe's samples are right; None where its targets are no classes."""
        p = self._probed
        if p is None or p.y.ndim != 1 or p.y.is_floating_point():
            return None
        modes = [(module, module.training) for module in p.model.modules()]
        p.model.train(False)
        with kept_random_state():
            output = torch.cat([p.model(part) for part in torch.split(p.x, 250)])
        for module, mode in modes:
            module.training = mode
        return np.asarray((output.argmax(dim=-1) == p.y).cpu().numpy()) if output.ndim == 2 else None

    def _flat(self) -> FloatArray:
        return flat([p.detach().cpu() for p in self._parameters])

    def _joined(self, tensors: Sequence[torch.Tensor]) -> FloatArray:
        return flat([t.cpu() for t in tensors])

    def _like(self, numbers: FloatArray) -> list[torch.Tensor]:
        found, at = [], 0
        for p in self._parameters:
            part = torch.as_tensor(numbers[at : at + p.numel()], dtype=p.dtype)
            found.append(part.view(p.shape).to(p.device))
            at += p.numel()
        return found

    @torch.no_grad()
    def _put(self, numbers: FloatArray) -> None:
        for p, own in zip(self._parameters, self._like(numbers), strict=True):
            p.copy_(own)
