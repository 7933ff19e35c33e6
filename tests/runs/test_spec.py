"""Two runs are one exactly when everything that decides their bits is equal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec, Source, final_score
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse

TASK = (
    "from lrdecay.tasks.quadratic import quadratic\n\n\ndef tiny(seed, **more):\n    return quadratic(seed, **more)\n"
)


def run_of(source: Source, schedule: str = "cosine(0.1)", steps: int = 40, seed: int = 0, **more: Any) -> RunSpec:
    horizon = Horizon(steps=steps, steps_per_epoch=10)
    rates = parse(schedule).bind(horizon).values()
    return RunSpec(source, seed, schedule, horizon, rates, "loss", "min", **more)


def quadratic(**arguments: Any) -> TaskSource:
    return TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", arguments, "quadratic"))


def file_task(folder: Path, text: str = TASK, name: str = "t.py", function: str = "tiny") -> TaskSource:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return TaskSource(TaskReference(f"{folder / name}:{function}", {}, ""))


def script(folder: Path, text: str = "pass\n", words: str = "", **more: Any) -> ScriptSource:
    (folder / "train.py").write_text(text)
    return ScriptSource(f"python '{folder / 'train.py'}' {words}", **more)


def test_equal_numbers_are_one_run_however_they_are_spelled() -> None:
    spelled = [
        "step(0.1, factor=0.5, every=10)",
        "multi_step(0.1, factor=0.5, at=[10, 20, 30])",
        'step(0.1, factor=0.5, every="1ep")',
    ]
    assert len({run_of(quadratic(), s).identity() for s in spelled}) == 1
    spec = run_of(quadratic())
    again = evolve(spec, schedule="another spelling", rates=spec.rates.astype(">f8")[::1].copy())
    strided = evolve(spec, rates=np.repeat(spec.rates, 2)[::2])
    assert spec.identity() == again.identity() == strided.identity() == run_of(quadratic()).identity()


@given(index=st.integers(0, 39), up=st.booleans())
def test_one_rate_that_differs_in_its_last_bit_is_another_run(index: int, up: bool) -> None:
    spec = run_of(quadratic())
    rates = spec.rates.copy()
    rates[index] = np.nextafter(rates[index], np.inf if up else -np.inf)
    assert evolve(spec, rates=rates).identity() != spec.identity()


@pytest.mark.parametrize(
    "change",
    [
        lambda s: evolve(s, seed=1),
        lambda s: evolve(s, horizon=Horizon(steps=40, steps_per_epoch=20)),
        lambda s: evolve(s, rates=s.rates[:-1]),
        lambda s: evolve(s, rates=s.rates[::-1]),
        lambda s: evolve(s, evaluations=5),
        lambda s: evolve(s, metric="accuracy"),
        lambda s: evolve(s, values={"weight_decay": np.zeros(40)}),
        lambda s: evolve(s, source=quadratic(sigma=0.2)),
        lambda s: evolve(s, source=quadratic(sigma=0.1)),
        lambda s: evolve(s, source=TaskSource(TaskReference("lrdecay.tasks.digits:digits"))),
    ],
    ids=["seed", "horizon", "shorter", "order", "evaluations", "metric", "column", "argument", "default said", "task"],
)
def test_whatever_else_decides_the_bits_makes_another_run(change: Callable[[RunSpec], RunSpec]) -> None:
    spec = run_of(quadratic())
    assert change(spec).identity() != spec.identity()


def test_a_column_is_part_of_a_run_by_its_name_and_its_bits_and_no_column_is_none() -> None:
    spec = run_of(quadratic())
    decays = [("weight_decay", 0.1), ("weight_decay", np.nextafter(0.1, 1.0)), ("momentum", 0.1)]
    known = {evolve(spec, values={name: np.full(40, value)}).identity() for name, value in decays}
    assert len(known | {spec.identity()}) == 4
    assert evolve(spec, values={}).identity() == spec.identity()


def test_a_table_holds_the_rates_and_every_column_from_one_update_to_another() -> None:
    spec = evolve(run_of(quadratic()), values={"weight_decay": np.arange(40.0)})
    cut = spec.table(10, 13)
    assert cut["lr"].tolist() == spec.rates[10:13].tolist()
    assert cut["weight_decay"].tolist() == [10, 11, 12]
    assert [len(column) for column in spec.table(38).values()] == [2, 2]


def test_the_order_of_arguments_and_the_name_that_was_typed_do_not_matter() -> None:
    target = "lrdecay.tasks.quadratic:quadratic"
    a = TaskSource(TaskReference(target, {"sigma": 0.2, "steps": 30}, "quadratic"))
    b = TaskSource(TaskReference(target, {"steps": 30, "sigma": 0.2}, target))
    assert run_of(a).identity() == run_of(b).identity()


def test_a_task_file_is_known_by_its_content_and_its_function_not_by_its_place(tmp_path: Path) -> None:
    first = run_of(file_task(tmp_path / "a")).identity()
    moved = run_of(file_task(tmp_path / "b", name="moved.py")).identity()
    assert moved == first
    changed = run_of(file_task(tmp_path / "a", TASK + "\n")).identity()
    other = TASK.replace("tiny", "other") + TASK
    assert (
        run_of(file_task(tmp_path / "c", other)).identity()
        != run_of(file_task(tmp_path / "c", other, function="other")).identity()
    )
    assert changed != first


def test_a_script_is_known_by_its_words_its_metric_and_the_files_it_names(tmp_path: Path) -> None:
    config = tmp_path / "my config.json"
    config.write_text("{}")
    words = f"--config '{config}' --lr 0.1"
    specs = [run_of(script(tmp_path, words=words))]
    first = specs[0].identity()
    assert run_of(script(tmp_path, words=words.replace("--lr 0.1", "  --lr   '0.1'"))).identity() == first
    assert run_of(script(tmp_path, words=words, patience=5.0)).identity() == first
    different = {
        run_of(script(tmp_path, words=words, metric="accuracy")).identity(),
        run_of(script(tmp_path, words=words.replace("0.1", "0.2"))).identity(),
        run_of(script(tmp_path, "pass\n\n", words=words)).identity(),
    }
    config.write_text("{ }")
    different.add(run_of(script(tmp_path, words=words)).identity())
    assert len(different | {first}) == 5


def test_a_word_too_long_to_be_a_file_is_a_word() -> None:
    long = f"bash -c '{'true; ' * 2000}'"
    assert run_of(ScriptSource(long)).identity() != run_of(ScriptSource(long + " x")).identity()


@given(steps=st.integers(1, 500), evaluations=st.integers(1, 40))
def test_the_metrics_are_measured_at_even_distances_and_last_at_the_end(steps: int, evaluations: int) -> None:
    marks = run_of(quadratic(), steps=steps, evaluations=evaluations).evaluation_steps()
    gaps = np.diff([0, *marks])
    assert len(marks) == min(steps, evaluations)
    assert marks[-1] == steps
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_the_score_is_the_metric_at_the_end_and_must_have_been_measured() -> None:
    assert final_score({"accuracy": 0.5, "loss": 1.0}, "accuracy", "digits") == 0.5
    with pytest.raises(InputError, match=r"`metric='f1'` must be measured by digits, got \['accuracy', 'loss'\]."):
        final_score({"loss": 1.0, "accuracy": 0.5}, "f1", "digits")
    with pytest.raises(InputError, match="got no metric"):
        final_score({}, "f1", "digits")
