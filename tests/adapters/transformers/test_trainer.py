"""Inside a real transformers trainer: the rates are f(updates), what is logged is right, and resuming is exact."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.adapters.played import checksum
from tests.adapters.transformers.small import SPEC, Rates, trainer
from transformers import GPT2Config, GPT2LMHeadModel, Trainer

import lrdecay
from lrdecay.adapters.torch import AttachedScheduler
from lrdecay.adapters.transformers import attach
from lrdecay.errors import InputError
from lrdecay.runs.seeding import kept_random_state
from lrdecay.schedule import Horizon, parse


@pytest.fixture(autouse=True)
def _random_state_is_kept() -> Iterator[None]:
    with kept_random_state():
        yield


def values(spec: str, **horizon: int) -> list[float]:
    return parse(spec).bind(Horizon(**horizon)).values().tolist()  # type: ignore[no-any-return, arg-type]


def trained(folder: Path, spec: str = SPEC, resume: Path | None = None, **more: Any) -> tuple[Trainer, list[float]]:
    rates = Rates()
    made = trainer(folder, rates, **more)
    attach(made, spec)
    made.train(resume_from_checkpoint=None if resume is None else str(resume))
    return made, rates.used


def test_each_update_is_made_at_its_rate_and_that_rate_is_logged(tmp_path: Path) -> None:
    made, used = trained(tmp_path, 'step(0.1, factor=0.5, every="1ep")', num_train_epochs=2)
    expected = values('step(0.1, factor=0.5, every="1ep")', steps=22, steps_per_epoch=11)
    assert used == expected
    assert [row["learning_rate"] for row in made.state.log_history if "learning_rate" in row] == expected
    assert isinstance(made.lr_scheduler, AttachedScheduler)
    assert made.lr_scheduler.count == 22


def test_accumulated_batches_are_one_update(tmp_path: Path) -> None:
    _, used = trained(tmp_path, gradient_accumulation_steps=3, num_train_epochs=1)
    assert used == values(SPEC, steps=4)


def test_a_model_of_transformers_with_groups_of_its_own(tmp_path: Path) -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=16, n_positions=8, n_embd=8, n_layer=1, n_head=2))
    rates = Rates()
    made = trainer(tmp_path, rates, model=model, max_steps=3, optim="adamw_torch", weight_decay=0.1)
    made.train_dataset = [{"input_ids": torch.arange(8), "labels": torch.arange(8)}] * 16
    attach(made, "cosine(0.01)")
    made.train()
    assert rates.used == values("cosine(0.01)", steps=3)
    groups = made.lr_scheduler.optimizer.param_groups
    assert len(groups) == 2
    assert {group["lr_scale"] for group in groups} == {1.0}


def test_a_run_of_max_steps_does_not_guess_its_epochs_and_takes_a_horizon_of_ones_own(tmp_path: Path) -> None:
    every_epoch = 'step(0.1, factor=0.5, every="1ep")'
    with pytest.raises(InputError, match="must say what one epoch is"):
        trained(tmp_path, every_epoch, max_steps=5)
    rates = Rates()
    made = trainer(tmp_path, rates, max_steps=5)
    attach(made, every_epoch, Horizon(steps=100, steps_per_epoch=2))
    made.train()
    assert rates.used == values(every_epoch, steps=100, steps_per_epoch=2)[:5]


def test_training_again_starts_the_schedule_again(tmp_path: Path) -> None:
    rates = Rates()
    made = trainer(tmp_path, rates, max_steps=4)
    attach(made, SPEC)
    made.train()
    made.train()
    assert rates.used == values(SPEC, steps=4) * 2


def test_a_run_resumed_at_a_random_step_in_an_accumulating_epoch_ends_in_the_same_weights(tmp_path: Path) -> None:
    more = {"gradient_accumulation_steps": 2, "num_train_epochs": 2}
    whole, used = trained(tmp_path, save_strategy="steps", save_steps=1, **more)
    assert len(used) == 12
    for step in (random.randrange(1, 6), 6, random.randrange(7, 12)):
        checkpoint = tmp_path / f"checkpoint-{step}"
        state = torch.load(checkpoint / "scheduler.pt", weights_only=True)
        assert json.loads(json.dumps(state)) == state
        assert state["step"] == step
        resumed, rest = trained(tmp_path / "again", resume=checkpoint, save_strategy="steps", save_steps=1, **more)
        assert rest == used[step:]
        assert checksum(resumed.model) == checksum(whole.model), step


def test_another_schedule_than_the_checkpoints_is_refused_unless_it_is_to_win(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"max_steps": 6, "save_strategy": "steps", "save_steps": 3}
    trained(tmp_path, **more)
    checkpoint = tmp_path / "checkpoint-3"
    with pytest.raises(InputError, match=r"must agree with what is attached, schedule 'linear\(0.1\)'"):
        trained(tmp_path / "a", "linear(0.1)", checkpoint, **more)
    rates = Rates()
    made = trainer(tmp_path / "b", rates, **more)
    attach(made, "linear(0.1)", override=True)
    made.train(resume_from_checkpoint=str(checkpoint))
    assert rates.used == values("linear(0.1)", steps=6)[3:]
    assert "replaces 'warmup(2) + cosine(0.1)'" in capsys.readouterr().err


def test_what_is_no_trainer_or_has_a_scheduler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"`attach\(trainer\)` must be a transformers.Trainer, got 3"):
        attach(3, SPEC)
    made = trainer(tmp_path)
    made.create_optimizer()
    made.create_scheduler(10)
    with pytest.raises(InputError, match=r"must be a trainer without a scheduler, got 'LambdaLR'. Leave optimizers="):
        attach(made, SPEC)


def test_what_cannot_be_read_or_does_not_fit_is_refused_where_it_is_written(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    with pytest.raises(InputError):
        attach(made, "cosin(0.1)")
    with pytest.raises(InputError, match="must say what one epoch is"):
        attach(made, 'step(0.1, factor=0.5, every="1ep")', Horizon(steps=9))


def test_the_short_name_is_the_adapter() -> None:
    assert lrdecay.transformers.attach is attach
