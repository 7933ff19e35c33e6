"""A watched task is the task that nobody watches; wrong labels are wrong; what cannot be watched says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError
from lrdecay.lab.explain.watch.following import followed, probed
from lrdecay.lab.explain.watch.subject import described, made, with_wrong_labels
from lrdecay.tasks.digits import digits

TARGET = "lrdecay.tasks.digits:digits"
SMALL: dict[str, Any] = {"batch_size": 256, "hidden": 16}
RATES = [0.5] * 16 + [0.05] * 8
CUTS = [{"at": 16, "window": 6, "before": 0.5, "after": 0.05, "end": 24, "says": ""}]


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return followed(0, TARGET, SMALL, RATES, CUTS, 6, {})


def test_watching_changes_no_bit_of_the_run(record: dict[str, Any]) -> None:
    task = digits(0, **SMALL)
    for step in record["curve"]["step"][1:]:
        task.advance({"lr": np.array(RATES[task.step : step])})
        at = record["curve"]["step"].index(step)
        assert task.evaluate()["accuracy"] == record["curve"]["accuracy"][at]
        assert task.evaluate()["loss"] == record["curve"]["heldout loss"][at]
    assert task.step == 24


def test_the_branch_is_the_run_that_never_dropped(record: dict[str, Any]) -> None:
    task = digits(0, **SMALL)
    task.advance({"lr": np.full(24, 0.5)})
    (cut,) = record["cuts"]
    assert cut["kept"]["step"][-1] == 24
    assert cut["kept"]["accuracy"][-1] == task.evaluate()["accuracy"]


def test_who_was_learned_agrees_with_the_accuracies(record: dict[str, Any]) -> None:
    curve, learned = record["curve"], record["cuts"][0]["learned"]["heldout"]
    rise = curve["accuracy"][-1] - curve["accuracy"][curve["step"].index(16)]
    assert learned["gained"] - learned["lost"] == round(rise * learned["samples"])
    kept = record["cuts"][0]["kept"]["accuracy"][-1] - curve["accuracy"][curve["step"].index(16)]
    assert learned["kept_gained"] - learned["kept_lost"] == round(kept * learned["samples"])


def test_every_instrument_gave_an_answer_or_a_reason(record: dict[str, Any]) -> None:
    (cut,) = record["cuts"]
    for place in ("before", "after"):
        assert cut[place]["sharp"] > 0
        assert cut[place]["off"] < 1e-3
        assert 0 <= cut[place]["flips"] <= 1
        noise = cut[f"noise_{place}"]
        assert (noise["value"] is None) == (noise["squared"] <= 2 * noise["squared_error"])


def test_wrong_labels_are_of_another_class_and_all_others_are_left_alone() -> None:
    subject = with_wrong_labels(TARGET, SMALL, 0, 6, 0.1)
    true, trained = digits(0, **SMALL).parts["train"][1], subject.task.parts["train"][1]
    assert subject.flipped == round(0.1 * len(true))
    assert int((true != trained).sum()) == subject.flipped
    assert set(trained.tolist()) == set(range(10))


def test_a_probe_says_what_is_fitted_raw_and_averaged() -> None:
    curve = probed(0, TARGET, SMALL, RATES, [0, 16, 24], 6, 0.1, {})["curve"]
    for name in ("wrong_fit", "clean_fit", "mended"):
        for column in (curve[name], curve[f"averaged {name}"]):
            assert all(0 <= v <= 1 for v in column)
    assert curve["clean_fit"][-1] > 0.5 > curve["wrong_fit"][-1]


def test_a_run_that_diverges_says_where_and_measures_nothing_after() -> None:
    found = followed(0, TARGET, SMALL, [1e30] * 24, CUTS, 6, {})
    assert found["diverged"] < 24
    assert found["cuts"][0]["after"]["sharp"] is None
    assert "not finite" in found["cuts"][0]["after"]["why"]


def test_what_is_no_torch_task_is_refused() -> None:
    with pytest.raises(InputError, match="gives a TorchTask, got 'QuadraticTask'"):
        made("lrdecay.tasks.quadratic:quadratic", {}, 0, 5)


@pytest.mark.parametrize(
    ("targets", "why"),
    [("torch.randn(8)", "numbers"), ("torch.zeros(8, 3).long()", "shape"), ("torch.zeros(8).long()", "one class")],
)
def test_targets_that_are_no_classes_say_why(tmp_path: Path, targets: str, why: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\nfrom lrdecay.adapters.torch import TorchTask\n\n"
        "def f(seed):\n    net = torch.nn.Linear(2, 3)\n    opt = torch.optim.SGD(net.parameters(), lr=1.0)\n"
        f"    data = (torch.randn(8, 2), {targets})\n"
        "    loss = lambda o, y: o.square().mean()\n"
        "    return TorchTask(model=net, optimizer=opt, loss=loss, train=data, heldout=data, batch_size=4, epochs=2,\n"
        "                     metric='loss')\n"
    )
    assert why in described(f"{file}:f", {}, 0)["labels"]


def test_an_optimizer_that_averages_itself_is_watched_without_averages() -> None:
    torch.manual_seed(0)
    assert "of its own" in described(TARGET, {"optimizer": "schedulefree"}, 0)["averages"]
    assert made(TARGET, {"optimizer": "schedulefree"}, 0, 5).average is None
