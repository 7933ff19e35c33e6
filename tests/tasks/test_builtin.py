"""The list of built-in tasks, and what holds for each of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError, MissingExtraError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.seeding import random_state, seed_everything
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import Trainable, check_trainable
from lrdecay.tasks import BUILTIN
from lrdecay.tasks.fashion_files import DEBIAN, SHA256, cache_directory
from lrdecay.tasks.optimizers import OPTIMIZERS

RATES = np.array([0.05, 0.1, 0.02])
HAS_FASHION = any(all((d / name).is_file() for name in SHA256) for d in (DEBIAN, cache_directory()))
needs_fashion = pytest.mark.skipif(not HAS_FASHION, reason="Fashion-MNIST is not here: install dataset-fashion-mnist")

SMALL: dict[str, dict[str, Any]] = {
    "digits": {"hidden": 8},
    "mnist1d": {"hidden": "8-8"},
    "fashion": {"images": 300, "heldout": 50},
    "chars": {"context": 8, "width": 8, "depth": 1, "batch_size": 4, "heldout": 3},
    "quadratic": {"dimension": 3, "momentum": 0.5},
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *SMALL.items(),
    ("digits", {"model": "cnn", "optimizer": "adamw"}),
    ("mnist1d", {"model": "cnn", "nesterov": True}),
    ("fashion", {"images": 300, "heldout": 50, "model": "mlp", "optimizer": "adamw", "weight_decay": 0}),
    ("chars", {**SMALL["chars"], "model": "gru", "optimizer": "sgd"}),
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def novel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "novel.txt"
    path.write_text("It is a truth universally acknowledged, that a smaller rate is wanted in the end. " * 60)
    return path


@pytest.fixture
def build(novel: Path) -> Callable[..., Trainable]:
    def built(name: str, seed: int, arguments: dict[str, Any]) -> Trainable:
        given = {"text": str(novel), **arguments} if name == "chars" else arguments
        return TaskSource(TaskReference(BUILTIN[name].target, given, name)).build(seed)

    return built


each_variant = pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param(name, arguments, marks=[needs_fashion] if name == "fashion" else [], id=f"{name}-{i}")
        for i, (name, arguments) in enumerate(VARIANTS)
    ],
)


def test_every_entry_is_complete_and_named_as_it_is_listed() -> None:
    assert set(BUILTIN) == {"digits", "mnist1d", "fashion", "chars", "quadratic"}
    for name, task in BUILTIN.items():
        assert task.name == name
        assert all((task.description, task.data, task.licence))
        assert "\n" not in task.description
        assert 0 < task.seconds < 180
        assert callable(TaskReference(task.target).function())


def test_listing_the_tasks_imports_no_framework() -> None:
    code = (
        "import sys, lrdecay.tasks; assert lrdecay.tasks.BUILTIN;"
        "assert not {'torch', 'sklearn', 'mnist1d', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_quadratic_needs_no_framework() -> None:
    code = (
        "import sys; from lrdecay.tasks.quadratic import quadratic; import numpy as np;"
        "quadratic(0).advance({'lr': np.full(3, 0.1)});"
        "assert not {'torch', 'sklearn', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@each_variant
def test_a_task_is_resumed_at_any_step_without_a_bit_of_difference(
    name: str, arguments: dict[str, Any], build: Callable[..., Trainable]
) -> None:
    task = build(name, 0, arguments)
    assert check_trainable(task, name) is task
    digests, snapshots, losses = [task.digest()], [task.snapshot()], []
    for i in range(len(RATES)):
        losses.append(float(task.advance({"lr": RATES[i : i + 1]})["loss"][0]))
        digests.append(task.digest())
        snapshots.append(task.snapshot())
    assert len(set(digests)) == 4
    assert np.isfinite(losses).all()
    for at in range(4):
        fresh = build(name, 0, arguments)
        assert fresh.digest() == digests[0]
        fresh.restore(snapshots[at])
        assert fresh.advance({"lr": RATES[at:]})["loss"].tolist() == losses[at:]
        assert fresh.digest() == digests[-1]


@each_variant
def test_the_seed_and_only_the_seed_decides(
    name: str, arguments: dict[str, Any], build: Callable[..., Trainable], novel: Path
) -> None:
    function = TaskReference(BUILTIN[name].target).function()
    first, other = build(name, 0, arguments), build(name, 1, arguments)
    given = arguments | ({"text": str(novel)} if name == "chars" else {})
    seed_everything(123)
    process = random_state()
    again = function(0, **given)
    again.evaluate()
    for array, before in zip(random_state().tensors.values(), process.tensors.values(), strict=True):
        assert np.array_equal(array, before)
    assert again.digest() == first.digest()
    for task in (first, other, again):
        task.advance({"lr": RATES})
    assert again.digest() == first.digest()
    assert other.digest() != first.digest()


@each_variant
def test_evaluating_measures_the_metric_and_changes_nothing(
    name: str, arguments: dict[str, Any], build: Callable[..., Trainable]
) -> None:
    task = build(name, 0, arguments)
    task.advance({"lr": RATES})
    before = task.digest()
    measured = task.evaluate()
    assert task.metric in measured
    assert task.goal == ("min" if task.metric == "loss" else "max")
    assert task.evaluate() == measured
    assert set(task.evaluate("train")) == set(measured)
    assert task.digest() == before


BAD: list[tuple[str, dict[str, Any], str]] = [
    *[(name, {"seed": -1}, f"`{name}(seed=...)` must be an integer from 0 to 2**63 - 1, got -1.") for name in BUILTIN],
    *[
        (
            name,
            {"optimizer": "adam"},
            f"`{name}(optimizer=...)` must be one of {', '.join(OPTIMIZERS)}, got 'adam'. Did you mean `adamw`?",
        )
        for name in ("digits", "mnist1d", "fashion", "chars")
    ],
    *[
        (name, {"batch_size": 0.5}, f"`{name}(batch_size=...)` must be a positive integer, got 0.5.")
        for name in ("digits", "mnist1d", "fashion", "chars")
    ],
    *[
        (name, {"epochs": 0}, f"`{name}(epochs=...)` must be a positive number, got 0.")
        for name in ("digits", "mnist1d", "fashion")
    ],
    *[(name, {"model": "cnm"}, "Did you mean `cnn`?") for name in ("digits", "mnist1d", "fashion")],
    *[
        (name, {"model": "mlp", "hidden": "100,x"}, f"`{name}(hidden=...)` must be positive sizes joined by dashes")
        for name in ("digits", "mnist1d", "fashion")
    ],
    *[
        (name, {"model": "cnn", "hidden": 8}, f"`{name}(hidden=...)` must not be given with model='cnn', got 8.")
        for name in ("digits", "mnist1d", "fashion")
    ],
    ("digits", {"hidden": 0}, "must be positive sizes"),
    ("digits", {"hidden": ""}, "must be positive sizes"),
    ("digits", {"hidden": True}, "must be positive sizes"),
    ("digits", {"model": 3}, "must be one of mlp, cnn, got 3."),
    ("digits", {"model": ["mlp"]}, "must be one of mlp, cnn, got ['mlp']."),
    ("digits", {"batch_size": 5000}, "must be at most the 1437 samples, got 5000."),
    ("digits", {"momentum": 1.0}, "`digits(momentum=...)` must be a number in [0, 1), got 1.0."),
    ("digits", {"momentum": "high"}, "`digits(momentum=...)` must be a number in [0, 1), got 'high'."),
    ("digits", {"momentum": 0, "nesterov": True}, "must come with a momentum above 0"),
    ("digits", {"nesterov": 1}, "`digits(nesterov=...)` must be True or False, got 1."),
    ("digits", {"weight_decay": -0.1}, "`digits(weight_decay=...)` must be a number >= 0, got -0.1."),
    ("digits", {"optimizer": "adamw", "momentum": 0.9}, "must not be given with optimizer='adamw', got 0.9."),
    ("digits", {"colour": 1}, "It takes: model, hidden, optimizer"),
    ("fashion", {"images": 60_001}, "`fashion(images=...)` must be an integer from 1 to 60000, got 60001."),
    ("fashion", {"heldout": 0}, "`fashion(heldout=...)` must be an integer from 1 to 10000, got 0."),
    ("fashion", {"data": "/nowhere/at/all"}, "`fashion(data=...)` must be a directory that holds train-images"),
    ("fashion", {"data": 5}, "`fashion(data=...)` must be a directory that holds"),
    ("chars", {"context": 0}, "`chars(context=...)` must be a positive integer, got 0."),
    ("chars", {"steps": "many"}, "`chars(steps=...)` must be a positive integer, got 'many'."),
    ("chars", {"width": 6}, "`chars(width=...)` must be a multiple of the transformer's 4 heads, got 6."),
    ("chars", {"model": "lstm"}, "`chars(model=...)` must be one of transformer, gru, got 'lstm'."),
    ("chars", {"text": None}, "`chars(text=...)` must be the path of a text file, got None. Give --with text=PATH."),
    ("chars", {"text": "/nowhere.txt"}, "must be the path of a text file that exists, got '/nowhere.txt'."),
    ("chars", {"context": 5000}, "Give a longer text or a smaller context."),
    ("chars", {"batch_size": 5000}, "windows of the text, got 5000."),
    ("quadratic", {"dimension": 0}, "`Quadratic(dimension=...)` must be a positive integer, got 0."),
    ("quadratic", {"condition": 0.5}, "`Quadratic(condition=...)` must be a number >= 1, got 0.5."),
    ("quadratic", {"curvature_scale": -1}, "`Quadratic(curvature_scale=...)` must be a positive number, got -1."),
    ("quadratic", {"sigma": float("nan")}, "`Quadratic(sigma=...)` must be a number >= 0, got nan."),
    ("quadratic", {"momentum": 1}, "`Quadratic(momentum=...)` must be a number in [0, 1), got 1."),
    ("quadratic", {"steps": 0}, "`quadratic(steps=...)` must be a positive integer, got 0."),
]


@pytest.mark.parametrize(("name", "arguments", "words"), BAD, ids=[f"{b[0]}-{'-'.join(b[1])}" for b in BAD])
def test_a_bad_argument_is_refused_in_one_line(
    name: str, arguments: dict[str, Any], words: str, build: Callable[..., Trainable]
) -> None:
    arguments = dict(arguments)
    with pytest.raises(InputError) as caught:
        build(name, arguments.pop("seed", 0), arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("digits", "sklearn", "tasks"),
        ("mnist1d", "mnist1d", "tasks"),
        ("digits", "torch", "tasks"),
        ("mnist1d", "torch", "tasks"),
        ("fashion", "torch", "torch"),
        ("chars", "torch", "torch"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m == package or m.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"lrdecay.tasks.{name}", raising=False)
    with pytest.raises(MissingExtraError) as caught:
        TaskReference(BUILTIN[name].target).function()
    words = f"`{name}` must find {package} installed, got no such package. Run: pip install 'lrdecay[{extra}]'"
    assert str(caught.value) == words
    assert BUILTIN[name].extra == extra


def test_a_missing_package_is_named_in_a_process_that_truly_lacks_it() -> None:
    code = """
import sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Lacking())
from lrdecay.errors import MissingExtraError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.task_source import TaskSource
try:
    TaskSource(TaskReference("lrdecay.tasks.digits:digits")).build(0)
except MissingExtraError as problem:
    print(problem)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("Run: pip install 'lrdecay[tasks]'\n")
    assert done.stdout.count("\n") == 1
