"""`CooldownNow` as a callback of a Lightning trainer: it disturbs nothing, and goes on from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.adapters.lightning.small import Net, Trainer, X, Y
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from lrdecay import lightning

pytestmark = pytest.mark.filterwarnings(  # Lightning's own
    "ignore:.*does not have many workers.*", "ignore:.*treespec, LeafSpec.*", "ignore:.*have no `val_dataloader`.*"
)


QUIET = {
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
}


def heldout(module: Any) -> float:
    module.train(False)
    return float(cross_entropy(module.net(X), Y))


def fitted(folder: Path, *callbacks: Any, epochs: int = 4, resume: str | None = None) -> tuple[Net, Trainer]:
    torch.manual_seed(3)
    net = Net()
    net.configure_optimizers = lambda: torch.optim.SGD(net.parameters(), lr=0.02)  # type: ignore[method-assign]
    trainer = Trainer(max_epochs=epochs, callbacks=list(callbacks), accelerator="cpu", default_root_dir=folder, **QUIET)
    trainer.fit(net, DataLoader(TensorDataset(X, Y), 4), ckpt_path=resume)
    return net, trainer


def test_a_watched_fit_is_the_fit_and_a_resumed_one_says_the_same(tmp_path: Path) -> None:
    watching = lightning.CooldownNow(heldout, every=3, cooldown=0.1)
    plain, _ = fitted(tmp_path)
    net, trainer = fitted(tmp_path, watching)

    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), plain.parameters(), strict=True))
    assert watching.watch is not None
    assert watching.watch.step == trainer.global_step == 44
    assert watching.said == watching.watch.estimate()
    assert float(trainer.callback_metrics["cooldown_now"]) == pytest.approx(watching.said.loss)

    first = lightning.CooldownNow(heldout, every=3, cooldown=0.1)
    _, trainer = fitted(tmp_path, first, epochs=2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    again = lightning.CooldownNow(heldout, every=3, cooldown=0.1)
    fitted(tmp_path, again, resume=str(tmp_path / "half.ckpt"))
    assert again.watch is not None
    assert [look["step"] for look in again.watch.state_dict()["looks"]] == list(range(3, 43, 3))
    assert again.watch.state_dict()["looks"][:7] == watching.watch.state_dict()["looks"][:7]


def test_accumulated_batches_are_one_update(tmp_path: Path) -> None:
    watching = lightning.CooldownNow(heldout, every=3)
    trainer = Trainer(
        max_epochs=2,
        callbacks=[watching],
        accelerator="cpu",
        accumulate_grad_batches=2,
        default_root_dir=tmp_path,
        **QUIET,
    )
    trainer.fit(Net(), DataLoader(TensorDataset(X, Y), 4))
    assert watching.watch is not None
    assert watching.watch.step == trainer.global_step == 12
