"""A range test of a Lightning module: its own updates, and all as it was, so that fitting after it is fitting."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.lightning.small import Callback, LightningDataModule, LightningModule, Net, X, Y, shuffled, trainer
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import lrdecay
from lrdecay.adapters.lightning import find
from lrdecay.errors import InputError, RunError
from lrdecay.runs.seeding import seed_everything

pytestmark = pytest.mark.filterwarnings(
    "ignore::lightning.fabric.utilities.warnings.PossibleUserWarning", "ignore:.*treespec, LeafSpec.*"
)
SHAPE: dict[str, Any] = {"repeats": 2, "points": 12, "low": 1e-3, "high": 100.0}


class Full(LightningModule):
    """A module with hyperparameters, hooks, a scheduler that starts at zero, logging, and a loss that may raise."""

    def __init__(self, rate: float = 0.05, adam: bool = False) -> None:
        super().__init__()
        self.save_hyperparameters()
        torch.manual_seed(1)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(6, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.4),
            torch.nn.Linear(8, 3),
        )
        self.fails_at: tuple[int, type[BaseException]] | None = None
        self.called, self.ended = 0, 0
        torch.manual_seed(2)

    def training_step(self, batch: Any, _index: int) -> Any:
        self.called += 1
        if self.fails_at is not None and self.called == self.fails_at[0]:
            msg = "on purpose"
            raise self.fails_at[1](msg)
        loss = cross_entropy(self.net(batch[0]), batch[1])
        self.log("loss", loss)
        return {"loss": loss, "size": len(batch[0])}

    def on_train_batch_end(self, outputs: Any, *_: Any) -> None:
        self.ended += outputs["size"]

    def on_train_epoch_end(self) -> None:
        assert self.ended >= len(X)

    def configure_optimizers(self) -> Any:
        kind = torch.optim.AdamW if self.hparams["adam"] else torch.optim.SGD
        groups = [{"params": self.net[0].parameters(), "lr": self.hparams["rate"] / 10}]
        groups += [{"params": [*self.net[1].parameters(), *self.net[4].parameters()]}]
        optimizer = kind(groups, lr=self.hparams["rate"])
        warming = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: min(t / 4, 1.0))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": warming, "interval": "step"}}

    def configure_callbacks(self) -> Any:
        return [Loud()]


class Loud(Callback):
    """Counts the trainings it saw."""

    seen = 0

    def on_train_start(self, *_: Any) -> None:
        Loud.seen += 1


class Data(LightningDataModule):
    """The data, with a loader that it keeps."""

    def __init__(self, **more: Any) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(5)
        self.loader = DataLoader(TensorDataset(X, Y), 4, shuffle=True, generator=self.generator, **more)
        self.stages: list[str] = []

    def setup(self, stage: str) -> None:
        self.stages = [*self.stages, stage]

    def train_dataloader(self) -> Any:
        return self.loader


def random_state() -> Any:
    name, keys, *more = np.random.get_state()  # noqa: NPY002
    return random.getstate(), name, keys.tobytes(), *more, torch.get_rng_state().tolist()


def weights(module: torch.nn.Module) -> list[bytes]:
    return [value.numpy().tobytes() for value in module.state_dict().values()]


def surface(module: Any, made: Any, data: Any) -> str:
    """All that the module, the trainer and the data show, taken without the code that is tested."""
    parts: list[Any] = [
        {name: id(value) for name, value in vars(module).items() if not isinstance(value, bool | int | float)},
        [m.training for m in module.modules()],
        [p.grad for p in module.parameters()],
        [id(p) for p in module.parameters()],
        (dict(module.hparams), weights(module), module.called, module.ended),
        {name: id(value) for name, value in vars(made).items()},
        made.fit_loop.state_dict(),
        (str(vars(made.state)), [id(c) for c in made.callbacks], made.global_step),
        {name: id(value) for name, value in vars(data).items()},
        data.generator.get_state().tolist() if isinstance(data, Data) else None,
        random_state(),
    ]
    return repr(parts)


CASES: list[tuple[dict[str, Any], bool, bool, Any]] = [
    ({}, False, False, None),
    ({"accumulate_grad_batches": 3, "gradient_clip_val": 0.1}, True, True, None),
    ({"accumulate_grad_batches": 2, "precision": "bf16-mixed"}, True, False, (17, ValueError)),
    ({}, True, True, (1, KeyboardInterrupt)),
    ({}, False, False, (11, SystemExit)),
]


@pytest.mark.parametrize(("settings", "adam", "by_module", "failure"), CASES)
def test_to_find_and_then_to_fit_is_bit_for_bit_to_fit(
    settings: dict[str, Any], adam: bool, by_module: bool, failure: Any
) -> None:
    left = []
    for look in (False, True):
        module, made = Full(adam=adam), trainer(max_epochs=2, **settings)
        data: Any = Data() if by_module else shuffled()
        where = {"datamodule": data} if by_module else {"train_dataloaders": data}
        if look:
            Loud.seen = 0
            module.fails_at = failure
            before = surface(module, made, data)
            if failure is None:
                assert find(module, trainer=made, **where, **SHAPE).restored
            else:
                with pytest.raises(failure[1], match="on purpose"):
                    find(module, trainer=made, **where, **SHAPE)
            assert surface(module, made, data) == before
            assert Loud.seen == 0
            module.fails_at = None
        made.fit(module, **where)
        left.append((weights(module), module.called, made.global_step, random_state()))
    assert left[0] == left[1]


def test_in_the_middle_of_training_it_starts_from_the_trained_weights() -> None:
    left = []
    for look in (False, True):
        module, loader = Full(), shuffled()
        made = trainer(max_epochs=1)
        made.fit(module, loader)
        if look:
            before = surface(module, made, loader)
            find(module, loader, **SHAPE, trainer=made)
            assert surface(module, made, loader) == before
        assert module.trainer is made
        made.fit_loop.max_epochs = 2
        made.fit(module, loader)
        left.append(weights(module))
    assert left[0] == left[1]


class Rising(Callback):
    """Seeds as a repeat does, and writes the rates of a range test."""

    def __init__(self, rates: Any) -> None:
        self.rates, self.losses = list(rates), []

    def on_train_epoch_start(self, run: Any, *_: Any) -> None:
        if run.current_epoch == 0:
            seed_everything(20_000)
            iter(run.train_dataloader)  # draws, as the pass did that was begun before

    def on_before_optimizer_step(self, _run: Any, _module: Any, optimizer: Any) -> None:
        optimizer.param_groups[0]["lr"] = self.rates.pop(0)

    def on_train_batch_end(self, _run: Any, _module: Any, outputs: Any, *_: Any) -> None:
        self.losses.append(float(outputs["loss"]))


def test_the_curve_is_what_the_trainer_sees_under_these_rates() -> None:
    settings = {"max_epochs": 3, "accumulate_grad_batches": 2, "gradient_clip_val": 0.5}
    loader = DataLoader(TensorDataset(X, Y), 4)
    curve = find(Net(), loader, trainer=trainer(**settings), repeats=1, points=12, low=1e-3, high=0.5).curves[0]

    rising = Rising(curve.rates.tolist())
    trainer(rising, **{**settings, "max_epochs": 2}).fit(Net(), loader)
    epochs = [rising.losses[:11], rising.losses[11:]]  # the sixth update of each has one batch
    sums = [[sum(epoch[i : i + 2]) for i in range(0, 10, 2)] + [2 * epoch[10]] for epoch in epochs]
    assert curve.losses.tolist() == pytest.approx([*sums[0], *sums[1]], rel=1e-6)


def test_lrdecay_find_takes_a_module_and_says_what_was_done() -> None:
    modes: list[bool] = []

    def heldout() -> float:
        modes.append(module.net.training)
        module.net.train(False)
        return 1.0

    module, data = Full(), DataLoader(TensorDataset(X, Y), 11, shuffle=True)
    found = lrdecay.find(module, train_dataloaders=data, repeats=3, points=60, low=1e-4, high=1e3, heldout=heldout)
    assert found.task == "Full"
    assert found.restored
    assert found.critical_rate is not None
    assert any("ran dry after 4 batches" in note for note in found.notes)
    assert len({c.losses[3] for c in found.curves}) == 3  # each its own data order
    assert set(modes) == {True}
    assert module.net.training


def test_the_loss_along_an_update_is_seen_with_its_batch_and_its_random_numbers() -> None:
    losses: list[float] = []

    class Hearing(Full):
        def training_step(self, batch: Any, index: int) -> Any:
            given = Full.training_step(self, batch, index)
            losses.append(float(given["loss"].detach()))
            return given

    find(Hearing(), shuffled(), trainer=trainer(accumulate_grad_batches=3), repeats=1, points=10)
    assert losses[:3] == losses[3:6]  # the update itself, and the first look, at the same weights


def test_a_lightning_module_with_an_optimizer_beside_it_is_a_plain_model() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.net.parameters(), lr=0.1)
    found = lrdecay.find(net.net, optimizer, loss=cross_entropy, loader=shuffled(), **SHAPE)
    other = torch.optim.SGD(net.parameters(), lr=0.1)
    net.forward = net.net.forward  # type: ignore[method-assign]
    again = lrdecay.find(net, other, loss=cross_entropy, loader=shuffled(), **SHAPE)
    assert [c.losses.tolist() for c in again.curves] == [c.losses.tolist() for c in found.curves]


@pytest.mark.filterwarnings("ignore:os.fork")
def test_workers_that_are_kept_give_the_fit_the_batches_it_would_have_had() -> None:
    left = []
    for look in (False, True):
        module, data = Full(), Data(num_workers=1, persistent_workers=True)
        if look:
            find(module, datamodule=data, trainer=trainer(max_epochs=1), repeats=1, points=12)
        trainer(max_epochs=1).fit(module, datamodule=data)
        left.append(weights(module))
    assert left[0] == left[1]


def test_nothing_is_written(tmp_path: Path) -> None:
    made = trainer(max_epochs=1, default_root_dir=tmp_path, logger=True, enable_checkpointing=True)
    find(Full(), shuffled(), trainer=made, **SHAPE)
    assert list(tmp_path.rglob("*")) == []


class Manual(Net):
    def __init__(self) -> None:
        Net.__init__(self)
        self.automatic_optimization = False


class Two(Net):
    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD([p], lr=0.1) for p in self.parameters()]


class Silent(Net):
    def training_step(self, batch: Any, _index: int) -> Any:
        return None


class Vector(Net):
    def training_step(self, batch: Any, _index: int) -> Any:
        return self.net(batch[0]).square()


class Broken(Net):
    def training_step(self, batch: Any, _index: int) -> Any:
        return self.net(batch[0]).mean() * float("nan")


BAD: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (lambda: 3, {}, InputError, r"`find\(module\)` must be a lightning.pytorch.LightningModule, got 3"),
    (Manual, {}, InputError, r"`find\(module\)` must leave its optimization to Lightning, got 'manual optimization'\."),
    (Two, {}, InputError, r"`configure_optimizers\(\)` must give one optimizer, got 4\."),
    (Broken, {}, RunError, "must start from a finite loss, got nan"),
    (Silent, {}, InputError, r"`training_step\(...\)` must give a loss, got None"),
    (Net, {"trainer": 3}, InputError, r"`find\(trainer=...\)` must be a lightning.pytorch.Trainer, got 3"),
    (Net, {"high": 1e-9}, InputError, r"`find\(high=...\)` must be above"),
    (Net, {"heldout": [1]}, InputError, r"`find\(heldout=...\)` must be a function"),
]


@pytest.mark.filterwarnings("ignore:`training_step` returned `None`")
@pytest.mark.parametrize(("kind", "options", "error", "said"), BAD, ids=[said for *_, said in BAD])
def test_bad_input_is_one_clear_sentence_and_nothing_is_changed(
    kind: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    module = kind()
    before = (weights(module), sorted(vars(module))) if isinstance(module, Net) else None
    with pytest.raises(error, match=said) as caught:
        find(module, shuffled(), **(SHAPE | options))
    assert "\n" not in str(caught.value)
    assert not hasattr(caught.value, "__notes__")
    assert before is None or before == (weights(module), sorted(vars(module)))


def test_a_trainer_of_several_processes_is_refused() -> None:
    made = trainer(devices=2, strategy="ddp")
    with pytest.raises(InputError, match=r"`find\(trainer=...\)` must train on one device, got 'DDPStrategy'"):
        find(Net(), shuffled(), trainer=made)
