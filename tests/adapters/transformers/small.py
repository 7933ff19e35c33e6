"""A small run of transformers' Trainer: a module with dropout, a data set of random numbers, no network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

with warnings.catch_warnings():  # its own imports warn
    warnings.simplefilter("ignore")
    from transformers import Trainer, TrainerCallback, TrainingArguments

SAMPLES, BATCH = 44, 4  # 11 batches in an epoch
SPEC = "warmup(2) + cosine(0.1)"

generator = torch.Generator().manual_seed(0)
X = torch.randn(SAMPLES, 6, generator=generator)
Y = torch.randint(3, (SAMPLES,), generator=generator)
DATA = [{"x": x, "labels": y} for x, y in zip(X, Y, strict=True)]


class Net(torch.nn.Module):
    """Two layers with dropout between them; gives its loss first, as transformers' models do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Dropout(0.4), torch.nn.Linear(8, 3)
        )

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.net(x)
        return {"loss": cross_entropy(logits, labels), "logits": logits}


class Rates(TrainerCallback):  # type: ignore[misc]
    """The rate each update was made with."""

    def __init__(self) -> None:
        self.used: list[float] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        self.used.append(float(optimizer.param_groups[0]["lr"]))


def trainer(folder: Path, *callbacks: TrainerCallback, model: Any = None, heldout: Any = None, **more: Any) -> Trainer:
    quiet = {
        "output_dir": str(folder),
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,
        "save_strategy": "no",
        "optim": "sgd",
        "learning_rate": 1.0,
        "per_device_train_batch_size": BATCH,
    }
    arguments = TrainingArguments(**{**quiet, "num_train_epochs": 3, **more})
    model = Net() if model is None else model
    return Trainer(model, arguments, train_dataset=DATA, eval_dataset=heldout, callbacks=list(callbacks))
