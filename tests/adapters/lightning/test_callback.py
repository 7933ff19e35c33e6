"""Inside a real Lightning trainer: the rates are f(updates), and a run that is resumed ends in the same weights."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.lightning.small import BATCH, SPEC, Net, SaveAt, Stream, X, Y, shuffled, trainer
from tests.adapters.played import checksum
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

import lrdecay
from lrdecay.adapters.lightning import LRDecay
from lrdecay.errors import InputError
from lrdecay.runs.seeding import kept_random_state
from lrdecay.schedule import Horizon, parse

pytestmark = pytest.mark.filterwarnings(
    "ignore::lightning.fabric.utilities.warnings.PossibleUserWarning",
    "ignore:.*treespec, LeafSpec.*",
    "ignore:Be aware that when using `ckpt_path`, callbacks.*",
    "ignore:Found `dataloader_iter` argument.*",
    "ignore:.*does not have many workers.*",
)


@pytest.fixture(autouse=True)
def _random_state_is_kept() -> Any:
    with kept_random_state():
        yield


def validation() -> DataLoader[Any]:
    return DataLoader(TensorDataset(X, Y), 11)


def fit(
    *callbacks: Any,
    loader: Callable[[], Any] = shuffled,
    validate: bool = False,
    ckpt: Path | None = None,
    net: Net | None = None,
    **more: Any,
) -> Net:
    net = Net() if net is None else net
    length = {"max_epochs": 3} | more
    trainer(*callbacks, **length).fit(net, loader(), validation() if validate else None, ckpt_path=ckpt)
    return net


def assert_resumed_is_whole(folder: Path, steps: list[int], **more: Any) -> None:
    whole = fit(LRDecay(SPEC), **more)
    for step in steps:
        path = folder / f"{step}.ckpt"
        stopped = fit(LRDecay(SPEC), SaveAt(step, path), **more)
        assert checksum(stopped) == checksum(whole), "saving changes nothing"
        resumed = fit(LRDecay(SPEC), ckpt=path, **more)
        made = len(resumed.used)
        assert 0 < made < len(whole.used)
        assert resumed.used == whole.used[-made:], step
        assert checksum(resumed) == checksum(whole), step


def values(spec: str, **horizon: int) -> list[float]:
    return parse(spec).bind(Horizon(**horizon)).values().tolist()  # type: ignore[no-any-return, arg-type]


# ---- rates ----


def test_each_update_is_made_at_its_rate_and_the_trainer_says_how_long_the_run_is() -> None:
    decay = LRDecay('step(0.1, factor=0.5, every="1ep")')
    net = fit(decay)
    assert [rate for rate, _ in net.used] == values('step(0.1, factor=0.5, every="1ep")', steps=33, steps_per_epoch=11)
    assert decay.scheduler is not None
    assert decay.scheduler.count == 33


def test_accumulated_batches_are_one_update_and_an_epoch_is_as_many_updates_as_its_batches_make() -> None:
    net = fit(LRDecay('step(0.1, factor=0.5, every="1ep")'), accumulate_grad_batches=3)
    expected = values('step(0.1, factor=0.5, every="1ep")', steps=12, steps_per_epoch=4)
    assert [rate for rate, _ in net.used] == [expected[4 * (i // 11) + i % 11 // 3] for i in range(33)]


def test_a_run_of_max_steps_and_a_horizon_of_ones_own() -> None:
    assert [rate for rate, _ in fit(LRDecay(SPEC), max_epochs=None, max_steps=9).used] == values(SPEC, steps=9)
    long = fit(LRDecay(SPEC, Horizon(steps=100)), max_epochs=None, max_steps=9)
    assert [rate for rate, _ in long.used] == values(SPEC, steps=100)[:9]
    bound = fit(LRDecay(parse(SPEC).bind(Horizon(steps=50))), max_epochs=None, max_steps=9)
    assert [rate for rate, _ in bound.used] == values(SPEC, steps=50)[:9]


def test_without_validation_a_constant_rate_trains_as_lightning_alone_does() -> None:
    assert checksum(fit()) == checksum(fit(LRDecay("constant(1.0)")))


def test_the_rate_is_logged_under_the_name_given_and_lightnings_own_monitor_sees_the_same(tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger

    monitor = LearningRateMonitor(logging_interval="step")
    fit(LRDecay(SPEC, log="lr"), monitor, logger=CSVLogger(tmp_path), log_every_n_steps=1)
    (path,) = tmp_path.rglob("metrics.csv")
    table = np.genfromtxt(path, delimiter=",", names=True)
    for name in ("lr", "lrSGD"):
        logged = table[name][np.isfinite(table[name])]
        assert np.allclose(logged, values(SPEC, steps=33), rtol=1e-6)


def test_an_update_that_mixed_precision_skips_is_none() -> None:
    from lightning.pytorch.plugins import MixedPrecision

    class Overflowing(Net):
        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            loss = super().training_step(batch, index)
            return loss * float("inf") if index == 2 else loss

    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    decay, net = LRDecay(SPEC), Overflowing()
    fit(decay, net=net, plugins=[MixedPrecision("16-mixed", "cpu", scaler)], max_epochs=1)
    expected = values(SPEC, steps=11)
    assert [rate for rate, _ in net.used] == [*expected[:3], *expected[2:10]]
    assert decay.scheduler is not None
    assert decay.scheduler.count == 10


class ByHand(Net):
    """Manual optimization: two optimizers, of which the second makes two updates in a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.seen: list[float] = []

    def training_step(self, batch: Any, _index: int) -> None:
        for optimizer in [self.optimizers()[0], self.optimizers()[1], self.optimizers()[1]]:
            optimizer.zero_grad()
            self.manual_backward(self.net(batch[0]).square().mean())
            handle = optimizer.optimizer.register_step_post_hook(
                lambda o, *_: self.seen.append(o.param_groups[0]["lr"])
            )
            optimizer.step()
            handle.remove()

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(part.parameters(), lr=1.0) for part in (self.net[0], self.net[3])]


def test_each_of_several_optimizers_has_its_own_schedule_and_its_own_updates() -> None:
    first, second = (
        LRDecay("linear(0.5)", Horizon(steps=11), optimizer=0),
        LRDecay("linear(0.2)", Horizon(steps=22), optimizer=1),
    )
    net = ByHand()
    fit(first, second, net=net, max_epochs=1)
    assert net.seen[0::3] == values("linear(0.5)", steps=11)
    assert [rate for i, rate in enumerate(net.seen) if i % 3] == values("linear(0.2)", steps=22)


# ---- resuming ----


def test_lightning_alone_does_not_resume_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole = fit(SaveAt(14, tmp_path / "c.ckpt"))
    assert checksum(fit(ckpt=tmp_path / "c.ckpt")) != checksum(whole), "if this fails, `position` may be dropped"


def test_a_run_resumed_at_any_step_ends_in_the_same_weights(tmp_path: Path) -> None:
    assert_resumed_is_whole(tmp_path, [1, 10, 11, 12, 22, 32, *random.sample(range(13, 22), 2)])


@pytest.mark.parametrize(
    ("steps", "more"),
    [
        ([3, 11, 17], {"validate": True}),
        ([3, 4, 11, 17], {"validate": True, "val_check_interval": 4}),
        ([1, 4, 5], {"accumulate_grad_batches": 3, "validate": True}),
        ([3, 7, 9], {"limit_train_batches": 7}),
        ([3, 11, 17], {"max_epochs": None, "max_steps": 25}),
        ([3, 11, 17], {"reload_dataloaders_every_n_epochs": 1, "validate": True}),
    ],
    ids=["validation", "validation-inside", "accumulation", "limited", "max-steps", "reloaded"],
)
def test_also_with_what_a_trainer_can_be_told(tmp_path: Path, steps: list[int], more: dict[str, Any]) -> None:
    assert_resumed_is_whole(tmp_path, steps, **more)


class Noisy(TensorDataset):
    """Adds noise to what is read, in whichever process reads it."""

    def __getitem__(self, index: Any) -> Any:
        x, y = super().__getitem__(index)
        return x + 0.1 * torch.randn(6), y


LOADERS: dict[str, Callable[[], Any]] = {
    "generator": lambda: shuffled(generator=torch.Generator().manual_seed(5)),
    "weighted": lambda: DataLoader(TensorDataset(X, Y), BATCH, sampler=WeightedRandomSampler(torch.ones(44), 44)),
    "noisy": lambda: DataLoader(Noisy(X, Y), BATCH, shuffle=True),
    "stream": lambda: DataLoader(Stream(), BATCH),
    "two": lambda: {"a": shuffled(), "b": shuffled()},
}


@pytest.mark.parametrize("kind", LOADERS)
def test_also_with_loaders_of_other_kinds(tmp_path: Path, kind: str) -> None:
    if kind == "two":

        class Both(Net):
            def training_step(self, batch: Any, index: int) -> torch.Tensor:
                return super().training_step(batch["a"], index) + super().training_step(batch["b"], index)

        whole = fit(LRDecay(SPEC), SaveAt(14, tmp_path / "c.ckpt"), loader=LOADERS[kind], net=Both())
        resumed = fit(LRDecay(SPEC), ckpt=tmp_path / "c.ckpt", loader=LOADERS[kind], net=Both())
        assert checksum(resumed) == checksum(whole)
        return
    assert_resumed_is_whole(tmp_path, [3, 11, 17], loader=LOADERS[kind], max_epochs=None, max_steps=33)


@pytest.mark.filterwarnings("ignore:os.fork")  # JAX, if another test has loaded it, warns when a loader forks
def test_also_where_other_processes_read_the_data(tmp_path: Path) -> None:
    loader = lambda: DataLoader(Noisy(X, Y), BATCH, shuffle=True, num_workers=1)  # noqa: E731
    assert_resumed_is_whole(tmp_path, [14], loader=loader, max_epochs=2)


def test_a_checkpoint_between_two_updates_holds_the_gradients_summed_so_far(tmp_path: Path) -> None:
    class SaveAfter(SaveAt):
        def on_train_batch_end(self, t: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
            if t.fit_loop.total_batch_idx + 1 == self.step:
                t.save_checkpoint(self.path)

    for batches in (1, 5, 13):
        path = tmp_path / f"{batches}.ckpt"
        whole = fit(LRDecay(SPEC), SaveAfter(batches, path), accumulate_grad_batches=3)
        assert checksum(fit(LRDecay(SPEC), ckpt=path, accumulate_grad_batches=3)) == checksum(whole)


@pytest.mark.parametrize(
    "kind",
    [{"save_on_train_epoch_end": True}, {"monitor": "val_loss"}, {"every_n_train_steps": 5}],
    ids=["epoch-end", "validation-end", "steps"],
)
def test_every_checkpoint_of_lightnings_own_resumes_exactly_and_loads_weights_only(
    tmp_path: Path, kind: dict[str, Any]
) -> None:
    from lightning.pytorch.callbacks import ModelCheckpoint

    more = {"validate": True, "val_check_interval": 4, "enable_checkpointing": True}
    whole = fit(LRDecay(SPEC), ModelCheckpoint(tmp_path, save_top_k=-1, **kind), **more)
    saved = sorted(tmp_path.glob("*.ckpt"))
    assert len(saved) >= 3
    for path in saved:
        if torch.load(path, weights_only=True)["global_step"] < 33:
            resumed = fit(LRDecay(SPEC), ckpt=path, **{**more, "enable_checkpointing": False})
            assert checksum(resumed) == checksum(whole), path.name


def test_a_run_that_ended_early_and_was_saved_afterwards_goes_on_exactly(tmp_path: Path) -> None:
    horizon = Horizon(steps=33)
    whole = fit(LRDecay(SPEC, horizon), max_epochs=None, max_steps=33)
    for step in (5, 11, 12):
        short = trainer(LRDecay(SPEC, horizon), max_steps=step)
        short.fit(Net(), shuffled())
        short.save_checkpoint(tmp_path / "c.ckpt")
        resumed = fit(LRDecay(SPEC, horizon), max_epochs=None, max_steps=33, ckpt=tmp_path / "c.ckpt")
        assert checksum(resumed) == checksum(whole)


def test_a_fork_under_another_schedule_is_the_run_that_changed_schedule_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = random.randrange(12, 21)
    fit(LRDecay(SPEC), SaveAt(step, tmp_path / "c.ckpt"))
    rates = np.array([*values(SPEC, steps=33)[:step], *values("linear(0.1)", steps=33)[step:]])
    through = fit(LRDecay("linear(0.1)", Horizon(steps=33), rates=rates))
    with pytest.raises(InputError, match=r"must agree with what is attached, schedule 'linear\(0.1\)'"):
        fit(LRDecay("linear(0.1)"), ckpt=tmp_path / "c.ckpt")
    capsys.readouterr()
    forked = fit(LRDecay("linear(0.1)", override=True), ckpt=tmp_path / "c.ckpt")
    assert checksum(forked) == checksum(through)
    assert "attached schedule 'linear(0.1)' replaces 'warmup(2) + cosine(0.1)'" in capsys.readouterr().err


def test_a_checkpoint_made_without_us_goes_on_at_the_update_it_stands_at(tmp_path: Path) -> None:
    fit(SaveAt(11, tmp_path / "c.ckpt"))
    assert [r for r, _ in fit(LRDecay(SPEC), ckpt=tmp_path / "c.ckpt").used] == values(SPEC, steps=33)[11:]


def test_training_on_with_the_same_trainer_counts_on() -> None:
    decay, net = LRDecay(SPEC, Horizon(steps=22)), Net()
    going_on = trainer(decay, max_epochs=1)
    going_on.fit(net, shuffled())
    going_on.fit_loop.max_epochs = 2
    going_on.fit(net, shuffled())
    assert [rate for rate, _ in net.used] == values(SPEC, steps=22)


# ---- refusals ----


def test_a_module_that_brings_a_scheduler_is_refused_before_it_is_trained() -> None:
    class Scheduled(Net):
        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2)]

    net = Scheduled()
    with pytest.raises(InputError, match=r"must be the only scheduler, got \['StepLR'\]. Let configure_optimizers"):
        fit(LRDecay(SPEC), net=net)
    assert net.used == []


@pytest.mark.parametrize("chosen", [None, 2])
def test_several_optimizers_want_a_choice(chosen: int | None) -> None:
    with pytest.raises(InputError, match=r"must say which of the module's 2 optimizers to drive, from 0 on, got"):
        fit(LRDecay(SPEC, optimizer=chosen), net=ByHand(), max_epochs=1)


def test_a_trainer_that_does_not_know_its_length_wants_a_horizon() -> None:
    for more in ({"max_epochs": -1}, {"max_epochs": 2, "loader": lambda: DataLoader(Stream(), BATCH)}):
        with pytest.raises(InputError, match=r"`LRDecay\(horizon=...\)` must be given where the trainer does not know"):
            fit(LRDecay(SPEC), **more)


def test_what_cannot_be_read_or_does_not_fit_is_refused_where_it_is_written() -> None:
    with pytest.raises(InputError):
        LRDecay("cosin(0.1)")
    with pytest.raises(InputError, match="must say what one epoch is"):
        LRDecay('step(0.1, factor=0.5, every="1ep")', Horizon(steps=9))
    with pytest.raises(InputError, match=r"LRDecay\(optimizer=...\)"):
        LRDecay(SPEC, optimizer=-1)


def test_the_state_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="must hold a state of LRDecay, format 1, got"):
        LRDecay(SPEC).load_state_dict({"step": 3})


def test_an_iterator_in_the_training_step_has_no_place_that_could_be_found_again(tmp_path: Path) -> None:
    class Taking(Net):
        def training_step(self, dataloader_iter: Any) -> torch.Tensor:
            batch, index, _ = next(dataloader_iter)
            return super().training_step(batch, index)

    fit(LRDecay(SPEC), SaveAt(5, tmp_path / "c.ckpt"), net=Taking())
    with pytest.raises(InputError, match="must be of a training_step that takes batches, got 'a dataloader_iter'"):
        fit(LRDecay(SPEC), ckpt=tmp_path / "c.ckpt", net=Taking())


def test_the_short_name_is_the_adapter() -> None:
    assert lrdecay.lightning.LRDecay is LRDecay


def test_the_state_goes_through_a_file_as_numbers_and_tensors() -> None:
    decay = LRDecay(SPEC)
    assert decay.state_dict() == {}
    fit(decay)
    file = io.BytesIO()
    torch.save(decay.state_dict(), file)
    file.seek(0)
    assert torch.load(file, weights_only=True)["scheduler"]["step"] == 33
