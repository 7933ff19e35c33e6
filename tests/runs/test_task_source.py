"""Runs of a task function: built from the seed alone, wherever and whenever."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.seeding import kept_random_state
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse

QUADRATIC = TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {"steps": 30}, "quadratic"))


@pytest.fixture(autouse=True)
def _random_state() -> Iterator[None]:
    with kept_random_state():
        yield


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TaskSource]:
    monkeypatch.setattr(sys, "path", list(sys.path))

    def source(body: str, **arguments: Any) -> TaskSource:
        (tmp_path / "t.py").write_text(
            f"import random, sys\nfrom lrdecay.tasks.quadratic import quadratic\n\n\ndef f(seed, **more):\n    {body}\n"
        )
        return TaskSource(TaskReference(f"{tmp_path / 't.py'}:f", arguments))

    return source


def run_of(source: TaskSource, seed: int = 3) -> RunSpec:
    horizon = Horizon(steps=30)
    return RunSpec(source, seed, "cosine(0.3)", horizon, parse("cosine(0.3)").bind(horizon).values(), "loss", "min")


def test_a_run_is_the_task_of_its_seed_driven_along_its_rates() -> None:
    spec = run_of(QUADRATIC)
    result = QUADRATIC.execute(spec, lambda _done, _loss: None)
    by_hand = QUADRATIC.build(3).advance({"lr": spec.rates})["loss"]
    assert result.trace.loss.tobytes() == by_hand.tobytes()
    assert result.identity == spec.identity()
    other = QUADRATIC.execute(run_of(QUADRATIC, seed=4), lambda _done, _loss: None)
    assert other.trace.loss.tobytes() != by_hand.tobytes()


def test_a_task_that_forgets_to_seed_is_still_the_same_for_the_same_seed(source: Callable[..., TaskSource]) -> None:
    forgetful = source("return quadratic(seed, sigma=random.random())")
    random.seed(1)
    first = forgetful.build(5).constants  # type: ignore[attr-defined]
    random.seed(2)
    assert forgetful.build(5).constants == first  # type: ignore[attr-defined]
    assert forgetful.build(6).constants != first  # type: ignore[attr-defined]


def test_a_task_says_its_own_length_and_another_one_may_be_asked_for() -> None:
    probe = QUADRATIC.probe(None, None)
    assert (probe.name, probe.horizon, probe.metric, probe.goal, probe.schedule) == (
        "quadratic",
        Horizon(steps=30),
        "loss",
        "min",
        None,
    )
    assert QUADRATIC.probe(7, None).horizon.steps == 7
    with pytest.raises(InputError, match="must not both be given"):
        QUADRATIC.probe(7, 2.0)
    with pytest.raises(InputError, match="must come with the length of an epoch"):
        QUADRATIC.probe(None, 2.0)


def test_arguments_reach_the_function(source: Callable[..., TaskSource]) -> None:
    assert source("return quadratic(seed, **more)", steps=12).probe(None, None).horizon.steps == 12


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "must return a Trainable, got NoneType"),
        ("return (1, 2)", "must return a Trainable, got tuple"),
        ("return quadratic", "must return a Trainable, got function"),
        ("1 / 0", "must make a task, got ZeroDivisionError: division by zero"),
        ("raise RuntimeError('two\\nlines')", "must make a task, got RuntimeError: two lines"),
        ("raise OSError", "must make a task, got OSError: no message"),
        ("sys.exit(0)", "must make a task, got SystemExit: 0"),
        ("return quadratic(seed, sigma=-1.0)", r"`Quadratic\(sigma=...\)` must be"),
    ],
    ids=["none", "tuple", "function", "raises", "lines", "silent", "exit", "own error"],
)
def test_a_function_that_fails_or_returns_something_else_is_bad_input_in_one_line(
    source: Callable[..., TaskSource], body: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        source(body).probe(None, None)
    assert "\n" not in str(caught.value)


def test_building_changes_nothing_of_the_arguments_and_can_be_done_again(source: Callable[..., TaskSource]) -> None:
    s = source("return quadratic(seed, steps=more.pop('steps'))", steps=9)
    assert [s.build(0).horizon.steps, s.build(0).horizon.steps] == [9, 9]
    a, b = s.build(0), s.build(0)
    a.advance({"lr": np.full(3, 0.1)})
    assert b.step == 0
