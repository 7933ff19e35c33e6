"""A rule in a transformers trainer sees the metrics of each evaluation, and a resumed run goes on bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.played import checksum
from tests.adapters.rules import falling
from tests.adapters.transformers.small import DATA, Rates, trainer
from transformers import Trainer

from lrdecay.adapters.transformers import attach
from lrdecay.errors import InputError
from lrdecay.runs.seeding import kept_random_state
from lrdecay.schedule import constant

SEEN = [1.0, 2.0, 1.0, 0.5, 0.7, 0.6]  # the second and the fifth evaluation are worse
EVALUATING = {"eval_strategy": "steps", "eval_steps": 5, "max_steps": 33}
RULED = 'constant(0.1) * falling(metric="told")'


@pytest.fixture(autouse=True)
def _random_state_is_kept() -> Iterator[None]:
    with kept_random_state():
        yield


def made(folder: Path, schedule: Any = RULED, **more: Any) -> tuple[Trainer, list[float]]:
    rates = Rates()
    one = trainer(folder, rates, heldout=DATA[:8], **(EVALUATING | more))
    one.compute_metrics = lambda _: {"told": SEEN[one.state.global_step // 5 - 1]}
    attach(one, schedule)
    return one, rates.used


def test_what_an_evaluation_found_holds_from_the_next_update_on(tmp_path: Path) -> None:
    one, used = made(tmp_path)
    one.train()
    assert used == [0.1] * 10 + [0.05] * 15 + [0.025] * 8
    assert [event.step for event in one.lr_scheduler.events] == [10, 25]
    assert one.lr_scheduler.observe(told=0.1) is None
    before = one.lr_scheduler.state_dict()
    one.evaluate()  # of no run
    assert one.lr_scheduler.state_dict() == before


def test_loss_is_the_eval_loss(tmp_path: Path) -> None:
    one, _ = made(tmp_path, constant(0.1) * falling(factor=0.9))
    one.train()
    losses = [row["eval_loss"] for row in one.state.log_history if "eval_loss" in row]
    rule, multiplier, state = falling(), 1.0, falling().begin()["last"]
    for loss in losses:
        if state is not None and loss > state:
            multiplier, state = multiplier * 0.9, None
        else:
            state = loss
    assert rule.needs == {"loss"}
    assert len(losses) >= 6
    assert one.lr_scheduler.dial.multiplier == multiplier
    assert one.lr_scheduler.dial.state()["rule"]["state"]["own"] == {"last": state}


@pytest.mark.parametrize("step", [5, 10, 12, 25])
def test_a_run_resumed_at_any_step_goes_on_bit_for_bit(step: int, tmp_path: Path) -> None:
    whole, used = made(tmp_path / "whole")
    whole.train()
    stopped, _ = made(tmp_path / "stopped", save_strategy="steps", save_steps=step)
    stopped.train()
    again, rest = made(tmp_path / "again")
    again.train(resume_from_checkpoint=str(tmp_path / "stopped" / f"checkpoint-{step}"))
    assert rest == used[step:]
    assert checksum(again.model) == checksum(whole.model)


def test_a_trainer_that_does_not_evaluate_or_not_that_is_refused(tmp_path: Path) -> None:
    one, _ = made(tmp_path, eval_strategy="no")
    with pytest.raises(InputError, match="must evaluate for falling"):
        one.train()
    one, _ = made(tmp_path, constant(0.1) * falling(metric="bleu"))
    with pytest.raises(InputError, match="must find eval_bleu in the metrics of an evaluation"):
        one.train()


def test_one_of_several_evaluation_sets_is_read_by_its_name(tmp_path: Path) -> None:
    one, _ = made(tmp_path, constant(0.1) * falling(metric="b_told"), max_steps=10)
    one.eval_dataset = {"a": DATA[:8], "b": DATA[8:16]}
    one.train()
    assert [event.step for event in one.lr_scheduler.events] == [10]
