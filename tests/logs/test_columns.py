"""Which column is what: guessed where one alone can be it, asked for where not."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.logs.columns import log_of, step_name
from lrdecay.logs.log import Series, Table, series
from lrdecay.logs.rows import Asked, table_of_rows


def table(**sizes: int) -> Table:
    """Columns of so many entries, each other numbers."""
    columns: dict[str, Series] = {}
    for seed, (name, size) in enumerate(sizes.items()):
        columns[name] = series(np.arange(size), np.random.default_rng(seed).random(size))
    return Table("run", "run.csv", "CSV", columns)


@pytest.mark.parametrize(
    ("names", "loss", "rate"),
    [
        (("loss", "lr"), "loss", "lr"),
        (
            ("train/loss", "eval/accuracy", "train/learning_rate", "train/grad_norm"),
            "train/loss",
            "train/learning_rate",
        ),
        (("val_loss", "rate"), "val_loss", "rate"),
        (
            ("train_loss_step", "train_loss_epoch", "val_accuracy", "lr-AdamW", "lr-AdamW-momentum"),
            "train_loss_step",
            "lr-AdamW",
        ),
        (("lm loss", "learning-rate", "lm loss vs samples", "batch-size"), "lm loss", "learning-rate"),
        (("kl_loss", "Training Loss", "lr/group0"), "Training Loss", "lr/group0"),
        (("loss", "accuracy", "perplexity"), "loss", None),
    ],
)
def test_a_name_that_alone_can_be_it_is_taken(names: tuple[str, ...], loss: str, rate: str | None) -> None:
    log = log_of(table(**dict.fromkeys(names, 40)))
    assert (log.loss_name, log.rate_name) == (loss, rate)


def test_the_last_word_of_a_run_is_no_loss_beside_its_curve() -> None:
    assert log_of(table(**{"train/loss": 40, "train/train_loss": 1})).loss_name == "train/loss"


def test_groups_of_one_rate_are_one_and_of_several_are_asked_for() -> None:
    found = table(loss=40, **{"lr-Adam/pg1": 40, "lr-Adam/pg2": 40})
    with pytest.raises(InputError, match="--lr lr-Adam/pg1 or --lr lr-Adam/pg2"):
        log_of(found)
    columns = dict(found.columns) | {"lr-Adam/pg2": found.columns["lr-Adam/pg1"]}
    assert log_of(Table("run", "run.csv", "CSV", columns)).rate_name == "lr-Adam/pg1"


@pytest.mark.parametrize(
    ("names", "step"),
    [
        (["epoch", "step", "loss"], "step"),
        (["_step", "trainer/global_step", "loss"], "trainer/global_step"),
        (["_step", "loss"], "_step"),
        (["Step", "loss"], "Step"),
        (["epoch", "loss"], None),
    ],
)
def test_the_step_is_told_by_its_name(names: list[str], step: str | None) -> None:
    assert step_name(names, None, "run") == step


def test_wandbs_count_of_log_calls_is_named_where_it_is_the_step() -> None:
    rows = [{"_step": i, "loss": 1.0} for i in range(3)]
    (note,) = table_of_rows(rows, Asked(), name="run", source="run", kind="W&B").notes
    assert "W&B's count of log calls" in note
    assert table_of_rows(rows, Asked(step="_step"), name="run", source="run", kind="W&B").notes == ()


def test_rows_without_a_step_are_counted() -> None:
    rows = [{"step": i, "loss": 1.0} for i in range(3)] + [{"loss": 9.0}]
    made = table_of_rows(rows, Asked(), name="run", source="run", kind="CSV")
    assert made.notes == ("1 rows without a step were left out.",)
    assert len(made.columns["loss"]) == 3
