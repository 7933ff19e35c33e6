"""A range test by a real Trainer: its own updates, and everything as it was, so that training after it is training."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.transformers.small import DATA, Net, TrainerCallback, trainer

import lrdecay
from lrdecay.adapters.transformers import attach, find
from lrdecay.errors import InputError, RunError
from lrdecay.runs.seeding import seed_everything

pytestmark = pytest.mark.filterwarnings("ignore:.*pin_memory.*")
SHAPE: dict[str, Any] = {"repeats": 2, "points": 12, "low": 1e-3, "high": 100.0}


class Failing(Net):
    """A model whose loss raises at one call of a range test."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_at: tuple[int, type[BaseException]] | None = None
        self.called = 0

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> Any:
        self.called += 1
        if self.fails_at is not None and self.called == self.fails_at[0]:
            msg = "on purpose"
            raise self.fails_at[1](msg)
        return Net.forward(self, x, labels)


def random_state() -> Any:
    name, keys, *more = np.random.get_state()  # noqa: NPY002
    return random.getstate(), name, keys.tobytes(), *more, torch.get_rng_state().tolist()


def weights(made: Any) -> list[bytes]:
    return [p.detach().numpy().tobytes() for p in made.model.parameters()]


def surface(made: Any) -> Any:
    """All that a trainer shows, taken without the code that is tested."""
    accelerator = made.accelerator
    held = {name: len(getattr(accelerator, name)) for name in ("_models", "_optimizers", "_dataloaders")}
    optimizer = None if made.optimizer is None else copy.deepcopy(made.optimizer.state_dict())
    return (
        {name: id(value) for name, value in vars(made).items()},
        {name: id(value) for name, value in vars(made.callback_handler).items()},
        made.args.to_json_string(),
        copy.deepcopy(vars(made.state)),
        copy.deepcopy(vars(made.control)),
        (held, accelerator.step, accelerator.sync_gradients, sorted(vars(accelerator))),
        sorted(vars(made.model)),
        [m.training for m in made.model.modules()],
        [p.grad for p in made.model.parameters()],
        weights(made),
        repr(optimizer),
        random_state(),
    )


CASES: list[tuple[dict[str, Any], Any]] = [
    ({}, None),
    ({"gradient_accumulation_steps": 3}, None),
    ({"gradient_accumulation_steps": 2, "bf16": True, "optim": "adamw_torch"}, (17, ValueError)),
    ({"max_grad_norm": 0.1, "warmup_steps": 3, "lr_scheduler_type": "linear"}, (1, KeyboardInterrupt)),
    ({"data_seed": 7}, (11, RuntimeError)),
]


@pytest.mark.parametrize(("arguments", "failure"), CASES)
def test_to_find_and_then_to_train_is_bit_for_bit_to_train(
    tmp_path: Path, arguments: dict[str, Any], failure: Any
) -> None:
    left = []
    for look in (False, True):
        made = trainer(tmp_path, model=Failing(), **{"num_train_epochs": 1, "learning_rate": 0.05, **arguments})
        if look:
            made.model.fails_at = failure
            before = surface(made)
            if failure is None:
                assert find(made, **SHAPE).restored
            else:
                with pytest.raises(failure[1], match="on purpose"):
                    find(made, **SHAPE)
            assert repr(surface(made)) == repr(before)
            made.model.fails_at = None
        made.train()
        left.append((weights(made), made.state.log_history[0]["loss"], random_state()))
    assert left[0] == left[1]


def test_after_training_it_starts_from_the_trained_weights_and_the_warm_optimizer(tmp_path: Path) -> None:
    left = []
    for look in (False, True):
        made = trainer(tmp_path, num_train_epochs=1, learning_rate=0.05, optim="adamw_torch")
        made.train()
        if look:
            before = surface(made)
            find(made, **SHAPE)
            assert repr(surface(made)) == repr(before)
        made.train()
        left.append(weights(made))
    assert left[0] == left[1]


class Rising(TrainerCallback):  # type: ignore[misc]
    """Seeds as a repeat does, and writes the rates of a range test."""

    def __init__(self, rates: Sequence[float]) -> None:
        self.rates = list(rates)

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        seed_everything(20_000)

    def on_pre_optimizer_step(self, *_: Any, optimizer: Any = None, **__: Any) -> None:
        rate = self.rates.pop(0)
        for group in optimizer.param_groups:
            group["lr"] = rate


def test_the_curve_is_what_the_trainer_sees_under_these_rates(tmp_path: Path) -> None:
    arguments = {"gradient_accumulation_steps": 2, "num_train_epochs": 2, "max_grad_norm": 0.5}
    arguments |= {"train_sampling_strategy": "sequential"}
    curve = find(trainer(tmp_path, **arguments), repeats=1, points=12, low=1e-3, high=0.5).curves[0]

    made = trainer(tmp_path, Rising(curve.rates.tolist()), **arguments)
    losses: list[float] = []
    inner = made.training_step
    made.training_step = lambda *a: (loss := inner(*a), losses.append(float(loss)))[0]
    made.train()  # 11 batches in an epoch: the sixth update of each has one
    epochs = [losses[:11], losses[11:]]
    assert curve.losses.tolist() == [sum(epoch[i : i + 2]) for epoch in epochs for i in range(0, 11, 2)]


def test_the_loss_along_an_update_is_seen_with_its_batches_and_its_random_numbers(tmp_path: Path) -> None:
    made = trainer(tmp_path, gradient_accumulation_steps=3)
    losses: list[float] = []
    inner = made.training_step
    made.training_step = lambda *a: (loss := inner(*a), losses.append(float(loss)))[0]
    find(made, repeats=1, points=10)
    assert losses[:3] == losses[3:6]  # the update itself, and the first look, at the same weights


def test_lrdecay_find_takes_a_trainer_and_says_what_was_done(tmp_path: Path) -> None:
    found = lrdecay.find(trainer(tmp_path), repeats=3, points=60, low=1e-4, high=1e3)
    assert found.task == "Net"
    assert found.restored
    assert found.critical_rate is not None
    assert any("ran dry after 11 batches" in note for note in found.notes)
    assert found.to_json()["repeats"] == 3


def test_an_attached_schedule_is_left_alone_and_the_held_out_loss_is_measured(tmp_path: Path) -> None:
    left = []
    for look in (False, True):
        made = trainer(tmp_path, num_train_epochs=1)
        attach(made, "warmup(4) + cosine(0.1)")
        if look:
            found = find(made, **SHAPE, heldout=lambda t=made: float(t.model.training), heldout_every=4)
            assert [c.heldout[4] for c in found.curves] == [1.0, 1.0]
        made.train()
        assert made.lr_scheduler.count == 11
        left.append(weights(made))
    assert left[0] == left[1]


def test_callbacks_are_not_called_and_nothing_is_written(tmp_path: Path) -> None:
    class Loud(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            raise AssertionError

    folder = tmp_path / "out"
    made = trainer(folder, Loud())
    before = sorted(tmp_path.rglob("*"))
    find(made, **SHAPE)
    assert sorted(tmp_path.rglob("*")) == before


def broken() -> Net:
    made = Net()
    with torch.no_grad():
        made.net[0].weight.fill_(float("nan"))
    return made


@pytest.mark.parametrize(
    ("change", "options", "kind", "said"),
    [
        (lambda t: "trainer", {}, InputError, r"`find\(trainer\)` must be a transformers.Trainer, got 'trainer'"),
        (lambda t: t, {"low": 2.0, "high": 1.0}, InputError, r"`find\(high=...\)` must be above low=2.0"),
        (lambda t: t, {"heldout": DATA}, InputError, r"`find\(heldout=...\)` must be a function"),
        (lambda t: setattr(t, "model_wrapped", broken()) or t, {}, RunError, "must start from a finite loss"),
    ],
)
def test_bad_input_is_one_clear_sentence(
    tmp_path: Path, change: Any, options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    made = trainer(tmp_path)
    with pytest.raises(kind, match=said) as caught:
        find(change(made), **(SHAPE | options))
    assert "\n" not in str(caught.value)


def test_an_optimizer_beside_a_trainer_is_refused(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    with pytest.raises(InputError, match=r"`find\(optimizer=\.\.\.\)` must not be given with a transformers trainer"):
        lrdecay.find(made, torch.optim.SGD(made.model.parameters()))
