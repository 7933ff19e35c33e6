"""A fork is compared with the run that was not forked: what agrees is called identical, what forgets is found out."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError, RunError
from lrdecay.runs.fork import ForkCheck, fork_steps, verify_forks
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.seeding import kept_random_state
from lrdecay.runs.spec import RunSpec, Source
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse

EXAMPLE = Path(__file__).parents[2] / "examples" / "script.py"

# Gradient descent with momentum and noise on w^2/2; no framework, so that children start quickly.
DESCENT = """
import json, os, random
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
run = ScriptRun(dict(steps=9), Orders.read(os.environ), lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, 'constant(0.1)')
w, v = 1.0, 0.0

def save(path, t):
    with open(path, 'w') as f:
        json.dump([w, v, t], f)

def load(path):
    global w, v
    with open(path) as f:
        w, v, t = json.load(f)
    return t

for t in run.steps(save=save, load=load):
    loss = w * w / 2
    v = 0.9 * v + w + random.gauss(0, 0.1)
    w -= float(rates[t]) * v
    run.log(loss=loss)
"""


@pytest.fixture(autouse=True)
def _as_in_a_worker() -> Iterator[None]:
    """One thread, and the random state as it was afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with kept_random_state():
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., ScriptSource]:
    def script(old: str = "", new: str = "", metric: str | None = None) -> ScriptSource:
        assert old in DESCENT
        (tmp_path / "train.py").write_text(DESCENT.replace(old, new) if old else DESCENT)
        return ScriptSource(f"'{sys.executable}' '{tmp_path / 'train.py'}'", metric)

    return script


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], TaskSource]:
    monkeypatch.setattr(sys, "path", list(sys.path))

    def task(text: str) -> TaskSource:
        (tmp_path / "t.py").write_text(text)
        return TaskSource(TaskReference(f"{tmp_path / 't.py'}:f"))

    return task


def run_of(source: Source, schedule: str = "cosine(0.1)", steps: int = 9, seed: int = 0) -> RunSpec:
    horizon = Horizon(steps=steps)
    return RunSpec(source, seed, schedule, horizon, parse(schedule).bind(horizon).values(), None, None)


@given(steps=st.integers(2, 300), data=st.data(), seed=st.integers(0, 2**32))
def test_forks_are_at_different_steps_inside_the_run_drawn_from_the_seed(
    steps: int, data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(1, steps - 1))
    drawn = fork_steps(steps, count, seed)
    assert len(set(drawn)) == count
    assert drawn == sorted(drawn) == fork_steps(steps, count, seed)
    assert drawn[0] >= 1
    assert drawn[-1] <= steps - 1


@pytest.mark.parametrize(("steps", "count"), [(5, 5), (1, 1), (5, 0), (5, -1)])
def test_more_forks_than_there_are_steps_or_none_are_refused(steps: int, count: int) -> None:
    with pytest.raises(InputError, match="`--verify-fork` must be"):
        fork_steps(steps, count, 0)


def test_a_built_in_task_forks_bit_for_bit_at_any_step() -> None:
    source = TaskSource(TaskReference("lrdecay.tasks.digits:digits", {"hidden": "16"}, "digits"))
    seed = random.randrange(10**6)
    for schedule in ("cosine(0.1)", "constant(1e5)"):  # the second ends in losses that are not numbers
        checks = verify_forks(run_of(source, schedule, steps=40, seed=seed), 3)
        assert [check.step for check in checks] == fork_steps(40, 3, seed)
        assert [(c.identical, c.loss_difference, c.weight_difference) for c in checks] == [(True, 0.0, 0.0)] * 3


def test_a_task_whose_snapshot_forgets_something_is_found_out(task: Callable[[str], TaskSource]) -> None:
    source = task(
        "import numpy as np\nfrom attrs import evolve\nfrom lrdecay.tasks.quadratic import quadratic\n\n\n"
        "def f(seed):\n"
        "    made = quadratic(seed, momentum=0.9)\n"
        "    whole = made.snapshot\n"
        "    made.snapshot = lambda: evolve(whole(), tensors={**whole().tensors, 'v': np.zeros(20)})\n"
        "    return made\n"
    )
    (check,) = verify_forks(run_of(source), 1)
    assert not check.identical
    assert check.loss_difference > 0
    assert check.weight_difference is not None
    assert check.weight_difference > 0


def test_a_task_that_ends_in_another_state_differs_also_where_its_losses_agree(
    task: Callable[[str], TaskSource],
) -> None:
    source = task(
        "from attrs import evolve\nfrom lrdecay.tasks.quadratic import quadratic\n\n\n"
        "def f(seed):\n"
        "    made = quadratic(seed)\n"
        "    whole, back, calls = made.snapshot, made.restore, []\n"
        "    made.snapshot = lambda: evolve(whole(), state={**whole().state, 'calls': calls.append(1) or len(calls)})\n"
        "    made.restore = lambda s: back(evolve(s, state={k: v for k, v in s.state.items() if k != 'calls'}))\n"
        "    return made\n"
    )
    (check,) = verify_forks(run_of(source), 1)
    assert (check.identical, check.loss_difference, check.weight_difference) == (False, 0.0, 0.0)


def test_a_task_that_holds_infinities_forks_like_any_other(task: Callable[[str], TaskSource]) -> None:
    source = task(
        "import torch\nfrom lrdecay.adapters.torch import TorchTask\n\n\n"
        "def f(seed):\n"
        "    torch.manual_seed(seed)\n"
        "    model = torch.nn.Linear(2, 2)\n"
        "    model.register_buffer('mask', torch.tensor([float('inf'), float('-inf'), float('nan')]))\n"
        "    x, y = torch.randn(8, 2), torch.arange(8) % 2\n"
        "    return TorchTask(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=1.0),\n"
        "                     loss=torch.nn.functional.cross_entropy, train=(x, y), heldout=(x, y),\n"
        "                     batch_size=4, steps=9)\n"
    )
    (check,) = verify_forks(run_of(source), 1)
    assert (check.identical, check.loss_difference, check.weight_difference) == (True, 0.0, 0.0)


def test_a_script_that_saves_everything_forks_bit_for_bit(script: Callable[..., ScriptSource]) -> None:
    checks = verify_forks(run_of(script(), seed=3), 2)
    assert [(c.step, c.identical, c.loss_difference, c.weight_difference) for c in checks] == [
        (step, True, 0.0, None) for step in fork_steps(9, 2, 3)
    ]


def test_a_script_that_measures_its_metric_and_logs_its_loss_only_at_the_end_is_compared_there(
    script: Callable[..., ScriptSource],
) -> None:
    last = "    run.log(w_now=w)\n    if t == 8: run.log(loss=loss, accuracy=w)"
    (check,) = verify_forks(run_of(script("    run.log(loss=loss)", last, "accuracy")), 1)
    assert (check.identical, check.loss_difference) == (True, 0.0)


def test_a_script_whose_load_forgets_the_optimizer_is_reported_as_differing(
    script: Callable[..., ScriptSource],
) -> None:
    (check,) = verify_forks(run_of(script("w, v, t = json.load(f)", "w, _, t = json.load(f)")), 1)
    assert not check.identical
    assert 0 < check.loss_difference < math.inf


def test_a_fork_that_diverges_where_the_run_does_not_differs_without_bounds(
    script: Callable[..., ScriptSource],
) -> None:
    source = script("w, v, t = json.load(f)", "w, v, t = json.load(f)\n    w = float('inf')")
    (check,) = verify_forks(run_of(source), 1)
    assert (check.identical, check.loss_difference) == (False, math.inf)
    assert json.loads(json.dumps(check.to_json(), allow_nan=False))["loss_difference"] == "inf"


def test_a_script_whose_load_says_a_later_step_is_asked_about_it(script: Callable[..., ScriptSource]) -> None:
    source = script("    return t\n", "    return t + 1\n")
    with pytest.raises(InputError, match=r"of \d rows. Does load\(path\) return the step it was saved at\?"):
        verify_forks(run_of(source, seed=1), 1)


def test_a_script_that_dies_while_it_saves_is_an_error_with_its_own_last_line(
    script: Callable[..., ScriptSource],
) -> None:
    with pytest.raises(RunError, match="must exit with 0, got 1: ZeroDivisionError: division by zero"):
        verify_forks(run_of(script("        json.dump([w, v, t], f)", "        1 / 0")), 1)


def test_the_example_script_forked_at_a_random_step_is_the_run_that_was_not_dropout_included() -> None:
    assert "Dropout" in EXAMPLE.read_text()
    source = ScriptSource(f"'{sys.executable}' '{EXAMPLE}'", "accuracy")
    (check,) = verify_forks(run_of(source, "cosine(0.2)", steps=60, seed=random.randrange(10**6)), 1)
    assert (check.identical, check.loss_difference) == (True, 0.0)


def test_a_check_is_json() -> None:
    check = ForkCheck(3, True, 0.0, None)
    assert check.to_json() == {"step": 3, "identical": True, "loss_difference": 0.0, "weight_difference": None}
    assert ForkCheck(3, False, 0.5, math.inf).to_json()["weight_difference"] == "inf"
