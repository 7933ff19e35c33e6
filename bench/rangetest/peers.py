"""The real finders, each driven through its public interface on a model, an optimizer and a loader of the task.

Every test is given a model of its own, so what a finder leaves behind does no harm. What one answers, or how it failed,
is written down as it is; a finder that raises gives no answer.

fastai imports torchvision and its progress bar imports fasthtml; neither is used by its finder, and torchvision would
bring a CUDA torch. Where they are not installed, empty modules of their names stand in.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.machinery
import importlib.util
import io
import logging
import math
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from bench.rangetest.parts import LOW, Parts, parts_of, quadratic_parts

from lrdecay.rangetest.driver import FIRST_SEED
from lrdecay.runs.spec import Source

__all__ = ["PEERS", "RULES", "measured"]

os.environ.update(TQDM_DISABLE="1", MPLBACKEND="agg")  # both are read when those libraries are first imported

POINTS = 100

Answers = dict[str, float | None]


@contextlib.contextmanager
def _stand_ins(*names: str) -> Iterator[None]:
    """Empty modules for what is not installed; gone again afterwards, since others look whether they are there."""
    missing = [name for name in names if importlib.util.find_spec(name.partition(".")[0]) is None]
    for name in missing:
        module = types.ModuleType(name)
        module.__spec__, module.__path__ = importlib.machinery.ModuleSpec(name, None), []
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


def _or_none(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule of fastai's that gives nothing where it raises, so that the other three are heard."""

    @functools.wraps(rule)
    def careful(*asked: Any) -> Any:
        try:
            return rule(*asked)
        except (IndexError, RuntimeError, ValueError):
            return None, None

    return careful


def fastai(parts: Parts) -> tuple[Answers, int]:
    """`Learner.lr_find()`: valley, and its three other suggestions."""
    with (
        contextlib.nullcontext()
        if "fastai" in sys.modules
        else _stand_ins("torchvision", "fasthtml", "fasthtml.common")
    ):
        from fastai.callback.schedule import minimum, slide, steep, valley
        from fastai.data.core import DataLoaders
        from fastai.learner import Learner
        from fastai.optimizer import OptimWrapper

    with tempfile.TemporaryDirectory() as directory:
        learner = Learner(
            DataLoaders(parts.loader, parts.loader),
            parts.model,
            loss_func=parts.loss,
            opt_func=lambda _params, **_: OptimWrapper(opt=parts.optimizer),
            path=directory,
        )
        with learner.no_bar():
            found = learner.lr_find(
                show_plot=False, suggest_funcs=[_or_none(r) for r in (valley, slide, minimum, steep)]
            )
    return {f"fastai {name}": rate for name, rate in found._asdict().items()}, len(learner.recorder.lrs)


def torch_lr_finder(parts: Parts) -> tuple[Answers, int]:
    """`LRFinder.range_test()`, and the rate that `plot()` gives."""
    import matplotlib.pyplot as plt
    from torch_lr_finder import LRFinder

    finder = LRFinder(parts.model, parts.optimizer, parts.loss)
    finder.range_test(parts.loader)
    figure, axes = plt.subplots()
    try:
        given = finder.plot(ax=axes)
    finally:
        plt.close(figure)
    steps = len(finder.history["lr"])
    return {"torch-lr-finder": float(given[1]) if isinstance(given, tuple) else None}, steps


def lightning(parts: Parts) -> tuple[Answers, int]:
    """`Tuner(trainer).lr_find(module)`."""
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.tuner import Tuner

    class Module(LightningModule):  # type: ignore[misc]
        """The parts as a module."""

        def __init__(self) -> None:
            super().__init__()
            self.net, self.lr = parts.model, LOW

        def training_step(self, batch: Any, _index: int) -> torch.Tensor:
            return parts.loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return parts.optimizer

    with tempfile.TemporaryDirectory() as directory:
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = Trainer(
            accelerator="cpu", max_epochs=1000, default_root_dir=directory, enable_model_summary=False, **quiet
        )
        found = Tuner(trainer).lr_find(Module(), train_dataloaders=parts.loader)
    return {"lightning": found.suggestion()}, len(found.results["lr"])


def ignite(parts: Parts) -> tuple[Answers, int]:
    """`FastaiLRFinder` for as many updates as the others make."""
    return _ignite(parts, POINTS)


def ignite_epoch(parts: Parts) -> tuple[Answers, int]:
    """`FastaiLRFinder` as its documentation runs it: for an epoch."""
    return _ignite(parts, None)


def _ignite(parts: Parts, points: int | None) -> tuple[Answers, int]:
    from ignite.engine import create_supervised_trainer
    from ignite.handlers import FastaiLRFinder

    finder = FastaiLRFinder()
    trainer = create_supervised_trainer(parts.model, parts.optimizer, parts.loss)
    with finder.attach(trainer, {"model": parts.model, "optimizer": parts.optimizer}, num_iter=points) as running:
        running.run(parts.loader)
    return {"ignite": finder.lr_suggestion()}, len(finder.get_results()["lr"])


PEERS: dict[str, Callable[[Parts], tuple[Answers, int]]] = {
    "fastai": fastai,
    "torch-lr-finder": torch_lr_finder,
    "lightning": lightning,
    "ignite": ignite,
    "ignite, an epoch": ignite_epoch,
}

RULES = {
    "fastai": ("fastai valley", "fastai slide", "fastai minimum", "fastai steep"),
    "torch-lr-finder": ("torch-lr-finder",),
    "lightning": ("lightning",),
    "ignite": ("ignite",),
    "ignite, an epoch": ("ignite",),
}
"""What each gives."""


def measured(peer: str, where: Source | float, draw: int, repeat: int, repeats: int) -> dict[str, Any]:
    """One test of one finder, in a worker: its answers, null where it has none, and why.

    Args:
        peer: one of `PEERS`.
        where: a task's source, or a curvature of the quadratic.
        draw: counted from 0.
        repeat: within the draw.
        repeats: of a draw.
    """
    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    seed = FIRST_SEED + draw * repeats + repeat
    torch.manual_seed(seed)
    parts = quadratic_parts(where, seed) if isinstance(where, float) else parts_of(where, seed)
    answers: Answers = dict.fromkeys(RULES[peer])
    steps, why = 0, None
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        warnings.simplefilter("ignore")
        try:
            answers, steps = PEERS[peer](parts)
        except (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError) as problem:
            why = f"{type(problem).__name__}: {problem}"
    kept = {name: float(v) if v is not None and math.isfinite(v) and v > 0 else None for name, v in answers.items()}
    return {"answers": kept, "steps": steps, "why": why}
