"""A small Lightning run: a shuffled loader, dropout, and validation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

with warnings.catch_warnings():  # lightning's own imports warn
    warnings.simplefilter("ignore")
    from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer  # noqa: F401

SAMPLES, BATCH = 44, 4  # 11 batches in an epoch
SPEC = "warmup(2) + cosine(0.1)"

generator = torch.Generator().manual_seed(0)
X = torch.randn(SAMPLES, 6, generator=generator)
Y = torch.randint(3, (SAMPLES,), generator=generator)


class Net(LightningModule):
    """Two layers with dropout between them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Dropout(0.4), torch.nn.Linear(8, 3)
        )
        self.used: list[tuple[float, float]] = []  # rate and first input of each batch
        torch.manual_seed(2)

    def training_step(self, batch: Any, _index: int) -> torch.Tensor:
        x, y = batch
        optimizer = self.trainer.optimizers[0]
        self.used.append((float(optimizer.param_groups[0]["lr"]), float(x[0, 0])))
        return cross_entropy(self.net(x), y)

    def validation_step(self, batch: Any, _index: int) -> None:
        x, y = batch
        self.log("val_loss", cross_entropy(self.net(x), y))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=1.0, momentum=0.9)


class Stream(IterableDataset):  # type: ignore[type-arg]
    """The data in order, without a length."""

    def __iter__(self) -> Iterator[Any]:
        return iter(zip(X, Y, strict=True))


class SaveAt(Callback):
    """Saves Lightning's own checkpoint after some update."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step and not self.path.exists():
            trainer.save_checkpoint(self.path)


def shuffled(**more: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(X, Y), BATCH, shuffle=True, **more)


def trainer(*callbacks: Callback, **more: Any) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return Trainer(**{**quiet, "enable_checkpointing": False, "devices": 1, **more}, callbacks=list(callbacks))  # type: ignore[arg-type]
