"""A transformers trainer in a user's script: it obeys a study, and a fork between accumulations is the run."""

from __future__ import annotations

import random
import shlex
import sys
from pathlib import Path

import pytest
from tests.adapters.played import EXAMPLES, assert_forks_are_the_run, play

from lrdecay.cli.main import run as cli
from lrdecay.errors import InputError

SCRIPT = EXAMPLES / "script_transformers.py"


def test_the_example_forked_at_a_random_step_is_the_run_weights_and_all(tmp_path: Path) -> None:
    assert "gradient_accumulation_steps=2" in SCRIPT.read_text()
    assert "Dropout" in SCRIPT.read_text()
    forks = [random.randrange(1, 23), 23, random.randrange(24, 30)]
    assert_forks_are_the_run(SCRIPT, tmp_path, "cosine(0.2)", 30, forks, lambda names: names["trainer"].model)


def broken(tmp_path: Path, old: str, new: str) -> Path:
    text = SCRIPT.read_text()
    assert old in text
    path = tmp_path / "broken.py"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "orders", "said"),
    [
        ("max_steps=run.horizon.steps", "max_steps=STEPS", {}, r"must be a trainer of 6 steps, got 60. Say max_steps"),
        ("seed=run.seed,", "", {"seed": 3}, "must be a trainer with seed=run.seed, 3, got 42"),
        (
            "resume_from_checkpoint=run.checkpoint",
            "",
            {"load": "c"},
            r"resume_from_checkpoint=...\)` must be run.check",
        ),
        ('save_strategy="no"', 'save_strategy="best"', {"save": "c", "stop": 2}, "can save a whole checkpoint"),
        (
            "seed=run.seed",
            "seed=run.seed, save_only_model=True",
            {"save": "c", "stop": 2},
            "can save a whole checkpoint",
        ),
    ],
    ids=["length", "seed", "checkpoint", "best", "model-only"],
)
def test_a_trainer_that_would_not_make_the_run_is_refused(
    tmp_path: Path, old: str, new: str, orders: dict[str, object], said: str
) -> None:
    if "best" in new:
        new += ', eval_strategy="steps", metric_for_best_model="loss"'
    paths = {name: tmp_path / str(value) for name, value in orders.items() if name in ("load", "save")}
    with pytest.raises(InputError, match=said):
        play(broken(tmp_path, old, new), tmp_path, **{"steps": 6, **orders, **paths})


def test_a_checkpoint_that_the_trainer_saves_anyway_is_left_where_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own"
    text = SCRIPT.read_text().replace('save_strategy="no"', 'save_strategy="steps", save_steps=2')
    script = tmp_path / "saving.py"
    script.write_text(text.replace("output_dir=folder", f"output_dir={str(own)!r}"))
    play(script, tmp_path, steps=6, stop=4, save=tmp_path / "c", seed=1)
    assert sorted(path.name for path in own.iterdir()) == ["checkpoint-2", "checkpoint-4"]
    assert (tmp_path / "c" / "trainer_state.json").read_text() == (own / "checkpoint-4/trainer_state.json").read_text()
    play(script, tmp_path, steps=6, stop=3, save=tmp_path / "d", seed=1)
    assert not (own / "checkpoint-3").exists()
    assert (tmp_path / "d" / "scheduler.pt").exists()


@pytest.mark.soak
def test_the_command_line_verifies_forks_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))}"
    assert cli(["train", "--script", command, "-s", 'wsd(0.2, warmup=3, cooldown="20%")', "--verify-fork", "2"]) == 0
    assert capsys.readouterr().out.count(": identical") == 2
