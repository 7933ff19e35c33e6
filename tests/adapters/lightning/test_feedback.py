"""A rule in a Lightning trainer sees what is logged when a validation ends, and a resumed run goes on bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.adapters.lightning.small import Net, SaveAt, Trainer, X, Y, shuffled, trainer
from tests.adapters.played import checksum
from tests.adapters.rules import falling
from torch.utils.data import DataLoader, TensorDataset

from lrdecay.adapters.lightning import LRDecay
from lrdecay.adapters.torch import attach
from lrdecay.errors import InputError
from lrdecay.runs.seeding import kept_random_state
from lrdecay.schedule import Horizon, constant

pytestmark = pytest.mark.filterwarnings(  # Lightning's own
    "ignore::lightning.fabric.utilities.warnings.PossibleUserWarning",
    "ignore:.*treespec, LeafSpec.*",
)

SEEN = [1.0, 2.0, 1.0, 0.5, 0.7, 0.6]  # the second and the fifth validation are worse
RULED = constant(0.1) * falling(metric="val_loss")


@pytest.fixture(autouse=True)
def _random_state_is_kept() -> Iterator[None]:
    with kept_random_state():
        yield


class Told(Net):
    """Logs validation losses of ours, by the update they are made at."""

    def validation_step(self, batch: Any, index: int) -> None:
        super().validation_step(batch, index)
        self.log("told", torch.tensor(SEEN[min(self.trainer.global_step // 5 - 1, 5)]))


def fit(net: Net, *callbacks: Any, ckpt: Path | None = None, validate: bool = True, **more: Any) -> Net:
    held = DataLoader(TensorDataset(X, Y), 11) if validate else None
    length = (
        {"max_epochs": 3, "val_check_interval": 5, "check_val_every_n_epoch": None} if validate else {"max_epochs": 3}
    )
    trainer(*callbacks, **length, **more).fit(net, shuffled(), held, ckpt_path=ckpt)
    return net


def test_what_a_validation_logged_holds_from_the_next_update_on() -> None:
    decay = LRDecay('constant(0.1) * falling(metric="told")')
    net = fit(Told(), decay)
    factors = [1] * 10 + [0.5] * 15 + [0.25] * 8
    assert [rate for rate, _ in net.used] == [0.1 * m for m in factors]
    assert decay.scheduler is not None
    assert [event.step for event in decay.scheduler.events] == [10, 25]


class SaveValidated(SaveAt):
    """Saves when a validation has ended."""

    def on_train_batch_end(self, *_: Any) -> None:
        pass

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)


@pytest.mark.parametrize(
    ("step", "save"), [(4, SaveAt), (10, SaveValidated), (12, SaveAt), (24, SaveAt), (25, SaveValidated)]
)
def test_a_run_resumed_at_any_step_goes_on_bit_for_bit(step: int, save: Any, tmp_path: Path) -> None:
    ruled = 'constant(0.1) * falling(metric="told")'
    whole = fit(Told(), LRDecay(ruled))
    path = tmp_path / "at.ckpt"
    fit(Told(), LRDecay(ruled), save(step, path))
    resumed = fit(Told(), LRDecay(ruled), ckpt=path)
    assert resumed.used == whole.used[step:]
    assert checksum(resumed) == checksum(whole)


def test_without_validation_it_sees_what_an_epoch_logged_and_the_sanity_check_is_not_seen() -> None:
    class Trained(Net):
        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            self.log("seen", float(self.trainer.current_epoch), on_epoch=True, on_step=False)
            return super().training_step(batch, index)

    decay = LRDecay(constant(0.1) * falling(metric="seen"))
    net = fit(Trained(), decay, validate=False)
    assert [rate for rate, _ in net.used] == [0.1] * 22 + [0.05] * 11
    checked = LRDecay('constant(0.1) * falling(metric="told")')
    fit(Told(), checked, num_sanity_val_steps=2)
    assert checked.scheduler is not None
    assert [event.step for event in checked.scheduler.events] == [10, 25]


def test_a_metric_that_is_not_logged_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"must find loss among what is logged, got \['val_loss'\]"):
        fit(Net(), LRDecay(constant(0.1) * falling()))


def test_a_module_with_a_scheduler_of_its_own_observes_by_itself() -> None:
    class Own(Told):
        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
            scheduler = attach(optimizer, RULED, Horizon(steps=33))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

        def on_validation_epoch_end(self) -> None:
            if not self.trainer.sanity_checking:
                self.lr_schedulers().observe(val_loss=self.trainer.callback_metrics["told"])  # type: ignore[union-attr]

    net = fit(Own())
    assert [rate for rate, _ in net.used] == [0.1] * 10 + [0.05] * 15 + [0.025] * 8
