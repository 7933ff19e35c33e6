"""What a run is judged by: what the user said, or the only possible reading, or a question back."""

from __future__ import annotations

import pytest

from lrdecay.errors import InputError
from lrdecay.runs.metric import judge


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("logged", [(), ("reward",), ("a", "b"), ("accuracy",)])
def test_a_metric_named_with_its_goal_is_taken_at_its_word(goal: str, logged: tuple[str, ...]) -> None:
    assert judge(f"reward:{goal}", logged) == ("reward", goal)
    assert judge(f"accuracy:{goal}", logged) == ("accuracy", goal)
    assert judge(f"loss:{goal}", logged) == ("loss", goal)


@pytest.mark.parametrize(
    "name",
    [
        "accuracy",
        "acc",
        "val_acc",
        "top5_accuracy",
        "Accuracy",
        "testAccuracy",
        "valAUC",
        "acc1",
        "acc@5",
        "AUC",
        "roc_auc",
        "f1",
        "macro-f1",
        "bleu4",
        "mAP",
        "mAP50",
        "recall",
        "test/precision",
        "r2",
    ],
)
def test_more_of_these_is_better(name: str) -> None:
    assert judge(name, ()) == (name, "max")
    assert judge(None, (name,)) == (name, "max")


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "val_loss",
        "heldout_loss",
        "testLoss",
        "error",
        "err",
        "top1_err",
        "perplexity",
        "PPL",
        "nll",
        "mse",
        "MAE",
        "rmse",
        "mape",
        "bpc",
        "accuracy_error",
        "precision_loss",
        "cross-entropy loss",
    ],
)
def test_less_of_these_is_better(name: str) -> None:
    assert judge(name, ()) == (name, "min")
    assert judge(None, (name,)) == (name, "min")


@pytest.mark.parametrize(
    "name", ["reward", "fid_score", "score", "accumulated_cost", "merry", "bitmap", "x", "elo", "123"]
)
def test_where_nobody_can_tell_which_way_is_better_it_asks(name: str) -> None:
    with pytest.raises(
        InputError, match=f"must say whether more is better, got '{name}'. Write --metric {name}:max or"
    ):
        judge(name, ())
    with pytest.raises(InputError, match="must say whether more is better"):
        judge(None, (name,))


def test_the_only_metric_logged_is_taken_else_the_training_loss() -> None:
    assert judge(None, ("val_loss",)) == ("val_loss", "min")
    assert judge(None, ()) == ("loss", "min")


def test_one_of_several_must_be_named() -> None:
    with pytest.raises(
        InputError, match=r"must be given when several are logged \(a, b\), got None. Name one: --metric a"
    ):
        judge(None, ("a", "b"))
    assert judge("b:max", ("a", "b")) == ("b", "max")


@pytest.mark.parametrize("given", ["loss:", "accuracy:up", "accuracy:MAX", "a:b:min", ":min", "", ":"])
def test_a_metric_that_is_not_a_name_and_a_goal_is_refused(given: str) -> None:
    with pytest.raises(InputError, match=r"`--metric NAME") as caught:
        judge(given, ())
    assert "\n" not in str(caught.value)
