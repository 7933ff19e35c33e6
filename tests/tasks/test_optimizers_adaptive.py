"""Optimizers that find their own rate: as their packages have them, measured and resumed as any other."""

from __future__ import annotations

import re
import sys
from copy import deepcopy
from pathlib import Path

import dog
import momo
import numpy as np
import pytest
import torch
from tests.adapters.torch.test_task import through_a_disk

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import InputError, MissingExtraError, RunError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.task_source import TaskSource
from lrdecay.tasks.digits import digits
from lrdecay.tasks.optimizers_adaptive import ADAPTIVE, average_for, make_adaptive, peak_for

each = pytest.mark.parametrize("name", ADAPTIVE)
# multiple, updates, accuracy; chance is 0.1, and for what dadapt_sgd does at 1 see docs/variants.md
LEARNS = dict.fromkeys(ADAPTIVE, (1.0, 220, 0.85)) | {"dadapt_adam": (1.0, 220, 0.7), "dadapt_sgd": (0.1, 449, 0.85)}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def small(name: str, **arguments: object) -> TorchTask:
    return digits(0, hidden=8, optimizer=name, **arguments)  # type: ignore[arg-type]


@each
def test_it_learns_the_digits_untuned(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    task, (rate, updates, least) = digits(0, optimizer=name), LEARNS[name]
    task.advance({"lr": np.full(updates, rate)})
    assert task.evaluate()["accuracy"] >= least
    assert capsys.readouterr().out == ""  # some packages print what they are told of weight decay


@each
@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_run_resumed_in_a_fresh_task_or_rewound_is_bit_identical(name: str, at: int, tmp_path: Path) -> None:
    rates = np.linspace(1.0, 0.1, 9)
    task = small(name)
    task.advance({"lr": rates[:at]})
    kept = task.snapshot()
    losses = task.advance({"lr": rates[at:]})["loss"].tolist()
    digest, measured = task.digest(), task.evaluate()
    assert kept.digest() != digest
    for other in (small(name), task):
        other.restore(through_a_disk(kept, tmp_path))
        assert other.digest() == kept.digest()
        assert other.advance({"lr": rates[at:]})["loss"].tolist() == losses
        assert other.digest() == digest
        assert other.evaluate() == measured


@each
def test_a_layered_run_of_the_convolutional_model_is_resumed_too(name: str) -> None:
    rates = np.full(4, 0.5)
    task = digits(0, model="cnn", optimizer=name, weight_decay=0.1)
    task.advance({"lr": rates[:2]})
    fresh = digits(0, model="cnn", optimizer=name, weight_decay=0.1)
    fresh.restore(task.snapshot())
    for t in (task, fresh):
        t.advance({"lr": rates[2:]})
    assert fresh.digest() == task.digest()


@each
def test_the_schedule_multiplies_and_zero_moves_nothing(name: str) -> None:
    task = small(name, weight_decay=0)
    task.advance({"lr": np.full(3, 0.5)})
    before = [p.clone() for p in task._model.parameters()]
    if name == "dadapt_sgd":
        with pytest.raises(RunError, match=r"must be trained at rates above 0, got 0\. Give the schedule a floor"):
            task.advance({"lr": np.zeros(1)})
        return
    task.advance({"lr": np.zeros(1)})
    moved = max(float((p - b).detach().abs().max()) for p, b in zip(task._model.parameters(), before, strict=True))
    # D-Adaptation's Adam has past rates in its momentum
    assert moved == 0 if name != "dadapt_adam" else moved < 1e-3


def test_momo_is_handed_the_loss_of_its_update() -> None:
    """Twin: the package, driven by hand as its page tells it."""
    task = small("momo")
    model = deepcopy(task._model)
    by_hand = momo.Momo(model.parameters(), lr=1.0, beta=0.9)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    loss_of = task._loss
    task._loss = lambda output, y: (seen.append((task._train[0], y)), loss_of(output, y))[1]
    model.train()
    inputs: list[torch.Tensor] = []
    handle = task._model.register_forward_pre_hook(lambda _m, given: inputs.append(given[0].clone()))
    task.advance({"lr": np.ones(5)})
    handle.remove()
    for x, (_, y) in zip(inputs, seen, strict=True):
        by_hand.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        by_hand.step(loss=loss)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), task._model.parameters(), strict=True))


def test_dog_is_measured_at_the_average_of_its_authors() -> None:
    """Twin: the package's averager, stepped after every update."""
    task = small("dog")
    averager = dog.PolynomialDecayAverager(task._model)
    for _ in range(30):
        task.advance({"lr": np.ones(1)})
        averager.step()
    found = task._measured.model(task._random)
    assert found is not task._model
    for a, b in zip(found.parameters(), averager.averaged_model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert average_for("dog", "none") == "none"
    assert average_for("prodigy", None) == "none"


@pytest.mark.parametrize("name", ["dog", "ldog"])
def test_a_run_of_dog_that_diverges_is_lost_as_any_other_and_does_not_stop_the_study(name: str) -> None:
    task = small(name)
    task.advance({"lr": np.ones(2)})
    with torch.no_grad():
        next(task._model.parameters()).fill_(float("nan"))
    assert np.isnan(task.advance({"lr": np.ones(3)})["loss"]).all()


def test_an_open_peak_starts_from_one() -> None:
    probes = [TaskSource(TaskReference("lrdecay.tasks.digits:digits", {"optimizer": o})) for o in ("dog", "sgd")]
    assert [source.probe(None, None).peak for source in probes] == [1.0, None]
    assert {peak_for(name) for name in ADAPTIVE} == {1.0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"optimizer": "prodigy", "momentum": 0.9}, "must not be given with optimizer='prodigy', got 0.9."),
        ({"optimizer": "dog", "nesterov": True}, "must not be given with optimizer='dog', got True."),
        ({"optimizer": "momo", "momentum": 1.0}, "`digits(momentum=...)` must be a number in [0, 1), got 1.0."),
        ({"optimizer": "momo_adam", "weight_decay": -1}, "`digits(weight_decay=...)` must be a number >= 0, got -1."),
        ({"optimizer": "prodgy"}, "Did you mean `prodigy`?"),
        ({"optimizer": "dog", "average": "polynomial(3, 4)"}, "must be none, ema, lawa or polynomial"),
    ],
)
def test_what_they_do_not_take_is_refused_in_one_line(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        digits(0, **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "package"), [("prodigy", "prodigyopt"), ("dadapt_sgd", "dadaptation"), ("ldog", "dog"), ("momo", "momo")]
)
def test_without_the_package_one_line_says_what_to_install(name: str, package: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"must find {package} installed.*lrdecay\[adaptive\]") as caught:
        make_adaptive("digits", [torch.nn.Parameter(torch.zeros(1))], name)
    assert "\n" not in str(caught.value)
