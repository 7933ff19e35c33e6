"""A range test by a real Trainer: its own updates, and everything as it was, so that training after it is training."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.transformers.small import DATA, Net, trainer

import lrdecay
from lrdecay.adapters.transformers import attach, find
from lrdecay.errors import InputError, RunError

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
            raise self.fails_at[1]("on purpose")
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
    ({"data_seed": 7}, (25, RuntimeError)),
]


@pytest.mark.parametrize(("arguments", "failure"), CASES)
def test_to_find_and_then_to_train_is_bit_for_bit_to_train(
    tmp_path: Path, arguments: dict[str, Any], failure: Any
) -> None:
    left = []
    for look in (False, True):
        made = trainer(tmp_path, model=Failing(), **{"num_train_epochs": 1, "learning_rate": 0.05, **arguments})
        if look:
            before = surface(made)
            made.model.fails_at = failure
            if failure is None:
                assert find(made, **SHAPE).restored
            else:
                made.model.called = 0
                before = surface(made)
                with pytest.raises(failure[1], match="on purpose"):
                    find(made, **SHAPE)
            made.model.fails_at = None
            made.model.called = 0
            assert surface(made)[0] == before[0]
            assert repr(surface(made)) == repr(before)
        made.train()
        if look:
            made.model.fails_at = None
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


def test_the_curve_is_what_the_trainer_would_see_under_these_rates(tmp_path: Path) -> None:
    made = trainer(tmp_path, gradient_accumulation_steps=2, num_train_epochs=3)
    found = find(made, repeats=1, points=12, low=1e-3, high=0.5)

    other = trainer(tmp_path, gradient_accumulation_steps=2, num_train_epochs=3, learning_rate=1.0)
    rates = iter(found.curves[0].rates.tolist())
    losses: list[float] = []
    inner, step = other.training_step, other.create_optimizer

    def training_step(*a: Any, **k: Any) -> torch.Tensor:
        if not losses:
            return inner(*a, **k)
        return inner(*a, **k)

    assert step is not None
    seen: list[float] = []

    def heard(*a: Any, **k: Any) -> torch.Tensor:
        loss = training_step(*a, **k)
        seen.append(float(loss))
        return loss

    other.training_step = heard
    optimizer = other.create_optimizer()
    optimizer.register_step_pre_hook(lambda o, *_: [g.update(lr=rate) for rate in [next(rates, 0.0)] for g in o.param_groups])
    loader_seed = 20_000

    def get_train_dataloader() -> Any:
        loader = type(other).get_train_dataloader(other)
        loader.set_epoch(loader_seed)
        plain = loader.set_epoch
        vars(loader)["set_epoch"] = lambda epoch: plain(loader_seed if epoch == 0 else epoch)
        return loader

    other.get_train_dataloader = get_train_dataloader
    from lrdecay.runs.seeding import seed_everything

    begun = other.callback_handler.on_train_begin

    def on_train_begin(*a: Any, **k: Any) -> Any:
        seed_everything(loader_seed)
        return begun(*a, **k)

    other.callback_handler.on_train_begin = on_train_begin
    other.train()
    updates = [sum(seen[i : i + 2]) for i in range(0, 10, 2)]
    assert found.curves[0].losses[:5].tolist() == pytest.approx(updates, rel=1e-6)


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
            found = find(made, **SHAPE, heldout=lambda: float(made.model.training), heldout_every=4)
            assert [c.heldout[4] for c in found.curves] == [1.0, 1.0]
        made.train()
        assert made.lr_scheduler.count == 11
        left.append(weights(made))
    assert left[0] == left[1]


def test_callbacks_are_not_called_and_nothing_is_written(tmp_path: Path) -> None:
    from transformers import TrainerCallback

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
    with pytest.raises(InputError, match=r"`find\(trainer\)` must be given alone"):
        lrdecay.find(made, torch.optim.SGD(made.model.parameters()))
