"""`find` for a Lightning module: a range test with the updates that a trainer would make of it.

    find(module, loader).suggestion
    find(module, datamodule=data, trainer=trainer).suggestion     # its precision, accumulation and clipping

A trainer of its own, with the settings of the one that is given, sets everything up by ``fit``: the data, the
optimizer that ``configure_optimizers`` makes, hooks, devices, precision. Where it would begin its first epoch its loop
is advanced by hand instead (`lrdecay.adapters.lightning.looped`). The user's trainer is only read. Callbacks are not
called, nothing is logged, validated or saved; a scheduler is left out, and each group's own rate says its share. Then
the module, its data and the random state are what they were, bit for bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.strategies import SingleDeviceStrategy
from lightning.pytorch.trainer import call
from lightning.pytorch.utilities import CombinedLoader
from torch.utils.data import DataLoader

from lrdecay.adapters.lightning.looped import LoopUpdates
from lrdecay.adapters.torch.in_process import InProcess
from lrdecay.adapters.torch.measuring import CURE, Asked, Measured, asked, base_rates, dry_note, measure, usable
from lrdecay.adapters.torch.passes import feeds
from lrdecay.adapters.torch.surroundings import Surroundings
from lrdecay.adapters.torch.updates import held_out
from lrdecay.errors import Constraint, InputError, refusal
from lrdecay.rangetest.driver import Curve
from lrdecay.rangetest.transaction import transaction

__all__ = ["find"]

_a_module = Constraint("must be a lightning.pytorch.LightningModule", lambda m: isinstance(m, LightningModule))
_a_trainer = Constraint("must be a lightning.pytorch.Trainer", lambda t: t is None or isinstance(t, Trainer))
_a_function = Constraint("must be a function that gives the held-out loss", lambda f: f is None or callable(f))
_READ = (
    *("max_epochs", "max_steps", "precision", "accumulate_grad_batches", "gradient_clip_val"),
    *("gradient_clip_algorithm", "limit_train_batches", "overfit_batches", "default_root_dir"),
)


class _Begun(Exception):  # noqa: N818  (it is no error)
    """The trainer has begun, and is to go no further."""


@final
class _RangeTest(Callback):
    """The range test, where training begins; it ends it."""

    def __init__(self, shape: Asked, heldout: Callable[[], Any] | None, keep: Sequence[Any]) -> None:
        self._shape, self._heldout, self._keep = shape, heldout, keep
        self.updates: LoopUpdates | None = None
        self.curves: tuple[Curve, ...] = ()
        self.failure: BaseException | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Everything is set up, nothing was trained.

        A failure is kept, not raised: Lightning would make an exit of Ctrl-C.
        """
        try:
            self.curves = self._curves(trainer, pl_module)
        except BaseException as problem:
            self.failure = problem
        raise _Begun

    def on_train_batch_end(self, _trainer: Trainer, _module: LightningModule, outputs: Any, *_: Any) -> None:
        """Hear the batch's loss."""
        if self.updates is not None:
            self.updates.hear(outputs)

    def _curves(self, trainer: Trainer, module: LightningModule) -> tuple[Curve, ...]:
        if not hasattr(trainer.fit_loop._data_fetcher, "batches"):
            rule = "must take batches for their losses to be counted"
            msg = refusal("training_step(...)", rule, "a dataloader_iter")
            raise InputError(msg)
        trainer.strategy.lr_scheduler_configs = []
        for hook in ("on_train_start", "on_train_epoch_start"):
            call._call_lightning_module_hook(trainer, hook)
        optimizer = usable(trainer.optimizers[0])
        base_rates(optimizer)
        look = None if self._heldout is None else held_out(self._heldout, module, None, module.device)

        def updates(process: InProcess) -> LoopUpdates:
            self.updates = LoopUpdates(trainer, process.calls)
            return self.updates

        scaler = getattr(trainer.precision_plugin, "scaler", None)
        loaders = trainer.fit_loop._combined_loader.flattened if trainer.fit_loop._combined_loader else []
        roots = [module, optimizer, *([] if scaler is None else [scaler]), *self._keep]
        roots += [one for loader in loaders for one in feeds(loader)]
        return measure(InProcess(optimizer, roots, updates, heldout=look, modules=[module]), self._shape)


def find(
    module: LightningModule,
    train_dataloaders: Any = None,
    *,
    datamodule: LightningDataModule | None = None,
    trainer: Trainer | None = None,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    heldout: Callable[[], Any] | None = None,
    heldout_every: int = 5,
    keep: Sequence[Any] = (),
) -> Measured:
    """Raise the rate of the largest group from low to high, a few times over from the module's weights.

    Args:
        module: with automatic optimization of one optimizer, which is made anew by ``configure_optimizers``.
        train_dataloaders: as for ``trainer.fit``; or a data module.
        datamodule: as for ``trainer.fit``; without either, the module's own ``train_dataloader``.
        trainer: whose settings to use; on one device. By default ``Trainer()``'s.
        seed: the repeats seed the process's and the loader's generators with FIRST_SEED + seed, and on.
        repeats: curves, each from the same weights, with its own data order.
        points: successful optimizer steps in a curve.
        low: first rate.
        high: last rate.
        ramp: "exponential" or "linear".
        heldout: gives the held-out loss.
        heldout_every: points from one held-out loss to the next.
        keep: more objects to put back.

    Raises:
        InputError: something asked for cannot be done, such as manual optimization or several optimizers; nothing was
            changed, or all was put back.
        RunError: the loss is not finite from the start, no step is ever made, or the state could not be put back.
    """
    _a_module.check("find(module)", module)
    _a_trainer.check("find(trainer=...)", trainer)
    _a_function.check("find(heldout=...)", heldout)
    if not module.automatic_optimization:
        cure = "Give lrdecay.find(model, optimizer, step_fn) the function that makes one update."
        msg = refusal("find(module)", "must leave its optimization to Lightning", "manual optimization", cure)
        raise InputError(msg)
    if trainer is not None and not (isinstance(trainer.strategy, SingleDeviceStrategy) and trainer.world_size == 1):
        cure = "Find with Trainer(devices=1), with accumulate_grad_batches for the same batch in all."
        msg = refusal("find(trainer=...)", "must train on one device", type(trainer.strategy).__name__, cure)
        raise InputError(msg)
    shape = asked(
        seed=seed,
        repeats=repeats,
        points=points,
        low=low,
        high=high,
        ramp=ramp,
        heldout=heldout,
        heldout_every=heldout_every,
    )
    given = (train_dataloaders, datamodule) if datamodule is not None else (train_dataloaders,)
    holders = [one for one in given if isinstance(one, LightningDataModule)]
    loaders = CombinedLoader(train_dataloaders).flattened if train_dataloaders not in (None, *holders) else []
    loaders += [v for one in (module, *holders) for v in vars(one).values() if isinstance(v, DataLoader)]
    around = Surroundings(holders, [module, *(one for loader in loaders for one in feeds(loader)), *keep])
    test = _RangeTest(shape, heldout, keep)
    transaction(around, lambda _: _fit(test, trainer, module, train_dataloaders, datamodule), CURE)
    notes = ["every repeat starts from the weights at hand, and an optimizer that was made anew"]
    if test.updates is not None:
        notes += dry_note(test.updates.batches.dry, test.updates.batches.length)
    return Measured(type(module).__name__, shape.rates, test.curves, shape.seeds, tuple(notes))


def _fit(test: _RangeTest, like: Trainer | None, module: LightningModule, loaders: Any, data: Any) -> None:
    """Begin to train, which makes the test; raises what it raised."""
    configure = module.configure_optimizers

    def configure_optimizers() -> Any:
        """The module's own, if it is one optimizer."""
        configured = configure()
        if _count(configured) > 1:
            cure = "Give lrdecay.find(model, optimizer, step_fn) one of them and the function that makes its update."
            msg = refusal("configure_optimizers()", "must give one optimizer", _count(configured), cure)
            raise InputError(msg)
        return configured

    own: Any = module  # two of its methods, until all is put back
    own.configure_optimizers, own.configure_callbacks = configure_optimizers, list
    try:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore", PossibleUserWarning)  # they will hear it when they fit
            _trainer(test, like).fit(module, loaders, datamodule=data)
    except _Begun:
        if test.failure is not None:
            raise test.failure from None
        return
    except SystemExit as problem:
        if isinstance(problem.__context__, KeyboardInterrupt):  # which Lightning makes an exit of
            raise problem.__context__ from None
        raise
    msg = refusal("find(module)", "must have batches to train on and a training_step", "none")
    raise InputError(msg)


def _trainer(test: _RangeTest, like: Trainer | None) -> Trainer:
    """One to make the test, silent, with the settings of the user's."""
    settings: dict[str, Any] = {"max_epochs": 1000}  # as Lightning has it, but it warns of that
    logs = False
    if like is not None:
        settings = {name: getattr(like, name) for name in _READ}
        logs = bool(like.loggers)
        settings["accelerator"] = like.strategy.root_device.type  # by name: it decides what autocast is of
        settings["detect_anomaly"] = like._detect_anomaly
    on_cpu = like is not None and like.strategy.root_device.type == "cpu"
    devices: Any = 1 if like is None or on_cpu else like.device_ids
    settings |= dict.fromkeys(("enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)
    return Trainer(
        **settings,
        devices=devices,
        logger=DummyLogger() if logs else False,
        callbacks=[test],
        limit_val_batches=0,
        num_sanity_val_steps=0,
    )


def _count(configured: Any) -> int:
    """How many optimizers ``configure_optimizers`` gave."""
    if not isinstance(configured, list | tuple):
        return 1
    pair = len(configured) == 2 and isinstance(configured[0], list | tuple)
    return len(configured[0]) if pair else len(configured)
