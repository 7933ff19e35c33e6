"""A Lightning trainer in a user's script: it obeys a study, and a fork in the middle of an epoch is the run."""

from __future__ import annotations

import random
import shlex
import sys
from pathlib import Path

import pytest
from tests.adapters.played import EXAMPLES, assert_forks_are_the_run, play

from lrdecay.cli.main import run as cli
from lrdecay.errors import InputError
from lrdecay.runs.seeding import kept_random_state

pytestmark = pytest.mark.filterwarnings(
    "ignore::lightning.fabric.utilities.warnings.PossibleUserWarning",
    "ignore:.*treespec, LeafSpec.*",
)

SCRIPT = EXAMPLES / "script_lightning.py"

ACCUMULATING = """
from tests.adapters.lightning.small import Net, shuffled, trainer
import lrdecay
run = lrdecay.script(steps=12)
made = trainer(max_steps=run.horizon.steps, accumulate_grad_batches=3)
run.attach(made, "cosine(0.1)")
net = Net()
made.fit(net, shuffled(), ckpt_path=run.checkpoint)
"""


def test_the_example_forked_at_a_random_step_is_the_run_weights_and_all(tmp_path: Path) -> None:
    assert "shuffle=True" in SCRIPT.read_text()
    assert "Dropout" in SCRIPT.read_text()
    forks = [random.randrange(1, 23), 23, random.randrange(24, 46)]
    assert_forks_are_the_run(
        SCRIPT, tmp_path, "cosine(0.2)", 50, forks, lambda names: names["trainer"].lightning_module
    )


def test_a_validation_that_is_due_where_the_run_stops_is_made_there_and_not_again(tmp_path: Path) -> None:
    accuracy = []
    for orders in ({}, {"stop": 23, "save": tmp_path / "c"}, {"load": tmp_path / "c"}):
        _, _, said = play(SCRIPT, tmp_path, steps=46, seed=7, **orders)
        accuracy.append([(e["step"], e["values"]) for e in said if "accuracy" in e.get("values", {})])
    assert accuracy[0] == accuracy[1] + accuracy[2]
    assert [step for step, _ in accuracy[0]] == [22, 45]


def test_the_loss_of_an_update_is_the_mean_of_its_batches(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        ACCUMULATING.replace(
            "made.fit(",
            "losses = []; step = net.training_step\n"
            "net.training_step = lambda *a: (loss := step(*a), losses.append(float(loss.detach())))[0]\nmade.fit(",
        )
    )
    heard, names, _ = play(script, tmp_path, steps=12, seed=3)
    parts = names["losses"]
    epochs = [parts[i : i + 11] for i in range(0, 33, 11)]
    sums = [sum(epoch[i : i + 3]) / 3 for epoch in epochs for i in (0, 3, 6, 9)]
    assert list(heard.values()) == pytest.approx(sums, rel=1e-6)
    assert_forks_are_the_run(script, tmp_path, "cosine(0.2)", 12, [2, 4, 7], lambda names: names["net"])


def test_by_hand_it_is_an_ordinary_run(capsys: pytest.CaptureFixture[str]) -> None:
    import runpy

    with kept_random_state():
        names = runpy.run_path(str(SCRIPT))
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["step 23", "step 46"]
    assert names["trainer"].global_step == 60


def test_a_probe_hears_the_schedule_and_trains_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        play(SCRIPT, tmp_path, probe=True)
    assert '"attached", "schedule": "cosine(0.1)"' in (tmp_path / "events.jsonl").read_text()


def broken(tmp_path: Path, old: str, new: str) -> Path:
    text = SCRIPT.read_text()
    assert old in text
    path = tmp_path / "broken.py"
    path.write_text(text.replace(old, new))
    return path


def test_a_trainer_of_another_length_is_refused(tmp_path: Path) -> None:
    script = broken(tmp_path, "max_steps=run.horizon.steps", "max_steps=STEPS")
    with pytest.raises(InputError, match=r"must be a trainer of 12 steps, got 60. Say max_steps=run.horizon.steps"):
        play(script, tmp_path, steps=12)


def test_a_checkpoint_that_is_not_loaded_is_noticed(tmp_path: Path) -> None:
    play(SCRIPT, tmp_path, steps=12, stop=5, save=tmp_path / "c", seed=1)
    script = broken(tmp_path, ", ckpt_path=run.checkpoint", "")
    with pytest.raises(InputError, match=r"`trainer.fit\(ckpt_path=...\)` must be run.checkpoint, '.*', got 'a start"):
        play(script, tmp_path, steps=12, load=tmp_path / "c", seed=1)


def test_a_trainer_with_a_schedule_of_its_own_is_refused(tmp_path: Path) -> None:
    script = broken(
        tmp_path, "run.attach(", "trainer.callbacks.append(lrdecay.lightning.LRDecay('cosine(1)'))\nrun.attach("
    )
    with pytest.raises(InputError, match="must be a trainer without LRDecay"):
        play(script, tmp_path, steps=12)


@pytest.mark.soak
def test_the_command_line_verifies_forks_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))}"
    assert cli(["train", "--script", command, "-s", 'wsd(0.2, warmup=3, cooldown="20%")', "--verify-fork", "2"]) == 0
    assert capsys.readouterr().out.count(": identical") == 2
