"""Bad input on the command line: one clear line, exit 2, nothing left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lrdecay.cli.main import run

WRONG_TASKS = """
def returns_a_number(seed):
    return 3

def raises(seed):
    raise OSError("no data\\nhere")

def no_seed():
    return None
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory with one file of broken tasks outside it."""
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "wrong.py").write_text(WRONG_TASKS)
    (tmp_path / "broken.py").write_text("import no_such_module_anywhere\n")
    (tmp_path / "silent.py").write_text("print('trained without lrdecay')\n")
    monkeypatch.chdir(work)
    return tmp_path


def refused(arguments, capsys, folder, *words, code=2):
    """Run, and check the form of the refusal."""
    got = run([str(a) for a in arguments])
    out, err = capsys.readouterr()
    assert got == code, err
    assert out == ""
    assert err.startswith("lrdecay: ")
    assert err.count("\n") == 1, err
    for word in words:
        assert word in err
    assert list((folder / "work").iterdir()) == []


SHOW = [
    (["show", "cosin(0.1)", "--steps", "9"], ["cosin", "Did you mean `cosine`?"]),
    (["show", "cosine(0.1, flor=0.01)", "--steps", "9"], ["flor", "Did you mean `floor`?"]),
    (["show", "cosine(-0.1)", "--steps", "9"], ["cosine(peak=...)", "positive", "-0.1"]),
    (["show", "step(0.1, factor=0.5, every=0)", "--steps", "9"], ["step(every=...)", "positive duration", "got 0"]),
    (["show", 'step(0.1, factor=0.5, every="0ep")', "--steps", "9"], ["positive duration", "0ep"]),
    (["show", "multi_step(0.1, factor=0.5, at=[60, 30])", "--steps", "99"], ["rising order", "60", "30"]),
    (["show", "cosine(0.1)"], ["cosine(0.1)", "--steps"]),
    (["show", "cosine(0.1)", "--steps", "0"], ["Horizon(steps=...)", "positive integer", "got 0"]),
    (["show", "cosine(0.1)", "--steps", "-3"], ["positive integer", "-3"]),
    (["show", "cosine(0.1)", "--epochs", "2"], ["epochs", "steps_per_epoch"]),
    (["show", 'cosine(0.1, over="2ep")', "--steps", "9"], ["epoch", "steps_per_epoch"]),
    (["show", "cosine(peak)", "--steps", "9"], ["stated peak"]),
    (["show", "cosine(0.1", "--steps", "9"], ["must be given a schedule"]),
    (["show", "cosine(0.1)", "--stepz", "9"], ["--stepz"]),
    (["show", "cosine(0.1)", "--steps", "ten"], ["--steps"]),
    (["show", "cosine(0.1)", "--steps", "9", "--plot", "x.bmp"], ["bmp"]),
    (["show", "linear({})", "--steps", "9"], ["values between its braces", "character 8"]),
    (["show", "linear({0.1, 0.2"], ["never closed", "character 8"]),
    (["show", "@none.json"], ["--schedules", "No such file", "none.json"]),
    (["show", "linear({peak}, floor={0})", "--steps", "9"], ["stated peak"]),
    (["shwo", "cosine(0.1)"], ["shwo", "show"]),
]


@pytest.mark.parametrize(("arguments", "words"), SHOW, ids=[" ".join(a) for a, _ in SHOW])
def test_show_refuses_in_one_line(arguments, words, capsys, folder):
    refused(arguments, capsys, folder, *words)


CONVERT = [
    (["convert", "torch.StepLR(30)"], ["convert(lr=...)", "--lr"]),
    (["convert", "torch.StepLR(30)", "--lr", "-1"], ["convert(lr=...)", "positive", "-1"]),
    (["convert", "torch.StepLR(30)", "--lr", "0.1", "--json"], ["--steps"]),
    (["convert", "torch.StepLR(30)", "--lr", "0.1", "--to", "jax", "--steps", "9"], ["keras", "jax"]),
    (["convert", "torch.StepRL(30)", "--lr", "0.1"], ["torch.StepRL", "Did you mean `torch.StepLR`?"]),
    (["convert", "StepRL(30)", "--lr", "0.1"], ["StepRL", "Did you mean `StepLR`?"]),
    (["convert", "torch.StepLR(30, gama=1)", "--lr", "0.1"], ["gama", "step_size, gamma"]),
    (["convert", "torch.StepLR()", "--lr", "0.1"], ["missing", "step_size"]),
    (["convert", "torch.StepLR(lambda t: t)", "--lr", "0.1"], ["plain values", "lambda"]),
    (["convert", "torch.StepLR('a')", "--lr", "0.1"], ["StepLR", "'a'"]),
    (["convert", "__import__('os').system('ls')", "--lr", "0.1"], ["convert(...)"]),
    (["convert", "sonnet.StepLR(30)", "--lr", "0.1"], ["known library", "sonnet"]),
    (["convert", "composer.StepScheduler('0.3dur')", "--lr", "0.1"], ["convert(steps=...)", "--steps"]),
    (["convert", "cosine(0.1)", "--steps", "9"], ["--to"]),
    (["convert", "cosine(0.1)", "--to", "torch"], ["--steps"]),
    (["convert", "cosin(0.1) @ 9", "--to", "torch"], ["the call of a scheduler"]),
    (["convert", "cosine(peak) @ 9", "--to", "torch"], ["stated peak"]),
    (["convert", "cosine(1e-300) @ 9", "--to", "optax"], ["float32", "optax"]),
]


@pytest.mark.parametrize(("arguments", "words"), CONVERT, ids=[" ".join(a) for a, _ in CONVERT])
def test_convert_refuses_in_one_line(arguments, words, capsys, folder):
    refused(arguments, capsys, folder, *words)


WORK = [
    (["compare", "quadratic"], ["at least one schedule"]),
    (["compare", "quadratic", "-s", "cosine(0.1)", "--seeds", "0"], ["seeds", "positive integer"]),
    (["compare", "quadratic", "-s", "cosine(0.1)", "-s", "cosine(0.2)"], ["more than the peak"]),
    (["compare", "quadratic", "-s", "cosine(peak)", "--fixed-peak"], ["--fixed-peak", "stated peaks"]),
    (["compare", "quadratc", "-s", "cosine(0.1)"], ["quadratc", "quadratic"]),
    (["compare", "-s", "cosine(0.1)"], ["TASK, --script CMD", "neither"]),
    (["compare", "quadratic", "--script", "true", "-s", "cosine(0.1)"], ["one of the two", "both"]),
    (["compare", "nowhere.py:f", "-s", "cosine(0.1)"], ["nowhere.py", "exists"]),
    (["compare", "quadratic", "--schedules", "grid.toml"], ["--schedules", "grid.toml", ".yaml"]),
    (["compare", "quadratic", "-s", "cosine(0.1)", "--vary", "sigma"], ["--vary", "sigma"]),
    (["compare", "quadratic", "-s", "cosine(0.1)", "--budget", "8weeks"], ["--budget", "8weeks"]),
    (
        ["compare", "quadratic", "-s", "cosine(0.1)", "-s", "linear(0.1)", "--race", "2", "--seeds", "5"],
        ["--race", "below 0.5", "got 2.0"],
    ),
    (
        ["compare", "quadratic", "-s", "cosine(0.1)", "-s", "linear(0.1)", "--race", "0.05", "--seeds", "1"],
        ["--race", "--seeds 4 or more", "got 1"],
    ),
    (
        ["compare", "quadratic", "-s", "cosine(0.1)", "-s", "linear(0.1)", "--race", "0.05", "--seeds", "2"],
        ["--race", "--seeds 4 or more", "got 2"],
    ),
    (
        [
            "compare",
            "quadratic",
            "-s",
            "cosine(0.1)",
            "-s",
            "linear(0.1)",
            "--race",
            "0.05",
            "--race-after",
            "1",
            "--seeds",
            "5",
        ],
        ["--race-after", ">= 2", "got 1"],
    ),
    (["compare", "quadratic", "-s", "cosine(0.1)", "--race", "0.05", "--seeds", "5"], ["--race", "two schedules"]),
    (["compare", "quadratic", "-s", "cosine(0.1)", "--race-after", "2"], ["--race-after", "with --race"]),
    (["compare", "quadratic", "-s", "cosine(0.1)", "--evaluations", "0"], ["evaluations", "positive", "got 0"]),
    (["compare", "--script", "true", "-s", "cosine(0.1)", "--evaluations", "20"], ["evaluations", "script", "got 20"]),
    (["train", "quadratic", "-s", "cosine(0.1)", "--evaluations", "0"], ["evaluations", "positive", "got 0"]),
    (["train", "--script", "true", "-s", "cosine(0.1)", "--evaluations", "20"], ["evaluations", "script", "got 20"]),
    (["compare", "--resume", "r", "--evaluations", "20"], ["--evaluations", "--resume", "got 20"]),
    (["compare", "quadratic", "-s", "cosine(0.1) * plateu()"], ["plateu", "Did you mean `plateau`?"]),
    (["compare", "quadratic", "-s", "cosine(0.1) * sasa()"], ["sasa()", "stationarity", "TorchTask"]),
    (["compare", "quadratic", "-s", "plateau()"], ["one schedule times rules", "cosine(0.1) * plateau"]),
    (["compare", "--script", "true", "-s", "cosine(0.1) * plateau()"], ["must call lrdecay.script()", "never does"]),
    (["train", "quadratic", "-s", "cosine(0.1) * plateau(factr=0.5)"], ["factr", "Did you mean `factor`?"]),
    (["train", "quadratic", "-s", "cosine(0.1) * plateau(factor=2)"], ["plateau(factor=...)", "got 2"]),
    (["train", "quadratic", "-s", "cosine(0.1) * plateau(factor=0.5) @ 10%"], ["not a share", "10%"]),
    (["train", "quadratic", "-s", "cosine(0.1) * plateau(every='1ep')"], ["1ep", "one epoch"]),
    (["train", "quadratic", "-s", "cosine(0.1) * plateau(metric='accuracy')"], ["accuracy", "loss, train_loss"]),
    (["train", "quadratic", "-s", "cosine(peak) * plateau()"], ["stated peak"]),
    (["find", "quadratic", "--schedule", "cosine(peak) * plateau()"], ["without a rule", "Leave plateau() out"]),
    (["show", "cosine(0.1) * plateau()", "--steps", "9"], ["without a rule", "Leave plateau() out"]),
    (["cooldown", "quadratic", "--at", "9", "--schedule", "cosine(0.1) * plateau()"], ["without a rule"]),
    (["extend", "quadratic", "--at", "9", "-s", "cosine(0.1) * plateau() @ 10", "--steps", "50"], ["without a rule"]),
    (["train", "quadratic"], ["--schedule"]),
    (["train", "quadratic", "-s", "cosine(peak)"], ["stated peak"]),
    (["train", "quadratic", "-s", "cosine(0.1)", "--with", "colour"], ["--with", "colour"]),
    (["train", "quadratic", "-s", "cosine(0.1)", "--seed", "-1"], ["seed", "-1"]),
    (["find", "quadratic", "--low", "1", "--high", "0.1"], ["find(high=...)", "0.1"]),
    (["find", "quadratic", "--points", "3"], ["at least 10"]),
    (["find", "quadratic", "--plot", "curve.bmp"], ["--plot", "bmp"]),
    (["find", "quadratic", "--repeats", "0"], ["repeats"]),
    (["find", "--script", "'unbalanced"], ["--script"]),
    (["cooldown", "quadratic", "--at", "9", "--rate", "0.1", "--lengths", "0%"], ["--lengths", "0%"]),
    (["cooldown", "quadratic", "--at", "9", "--rate", "0.1", "--lengths", "100%"], ["--lengths", "100%"]),
    (["cooldown", "quadratic", "--at", "9", "--rate", "0.1", "--shapes", "liner"], ["--shapes", "`linear`"]),
    (["cooldown", "quadratic", "--rate", "0.1"], ["checkpoint", "neither"]),
    (["cooldown", "quadratic", "--at", "9"], ["--rate", "neither"]),
    (["cooldown", "quadratic", "--at", "0", "--rate", "0.1"], ["--at STEP", "positive integer"]),
    (["cooldown", "--script", "true", "--from", "none", "--rate", "0.1"], ["--from CHECKPOINT", "must be there"]),
    (["cooldown", "quadratic", "--from", "none", "--rate", "0.1"], ["--from CHECKPOINT", "--script"]),
    (["cooldown", "quadratic", "--at", "9", "--rate", "0.1", "--total", "9"], ["--total", "more than"]),
    (["extend", "quadratic", "--at", "100", "-s", "cosine(0.1) @ 100", "--steps", "200"], ["--rewarm", "finished"]),
    (["extend", "quadratic", "--at", "9", "-s", "cosine(0.1) @ 100", "--steps", "50"], ["--steps", "more than 100"]),
]


@pytest.mark.parametrize(("arguments", "words"), WORK, ids=[" ".join(a) for a, _ in WORK])
def test_work_is_refused_in_one_line_before_anything_starts(arguments, words, capsys, folder):
    refused(arguments, capsys, folder, *words)


IN_WORKER = [
    (["broken.py:f"], ["import", "no_such_module_anywhere"]),
    (["wrong.py:returns_a_number"], ["Trainable", "int"]),
    (["wrong.py:raises"], ["OSError", "no data here"]),
    (["wrong.py:no_seed"], ["seed"]),
    (["wrong.py:return_a_number"], ["returns_a_number"]),
    (["quadratic", "--steps", "0"], ["positive integer"]),
    (["quadratic", "--steps", "5", "--epochs", "5"], ["not both"]),
    (["quadratic", "--with", "colour=3"], ["colour"]),
]


@pytest.mark.parametrize(("arguments", "words"), IN_WORKER, ids=[" ".join(a) for a, _ in IN_WORKER])
def test_a_task_that_cannot_be_made_is_refused_in_one_line(arguments, words, capsys, folder):
    first, *rest = arguments
    task = str(folder / first) if ".py" in first else first
    refused(["train", task, "-s", "cosine(0.01)", *rest], capsys, folder, *words)


def test_a_script_that_never_calls_lrdecay_is_refused_in_one_line(capsys, folder):
    command = f"{sys.executable} {folder / 'silent.py'}"
    refused(["compare", "--script", command, "-s", "cosine(0.1)"], capsys, folder, "lrdecay.script()")


def test_a_loss_that_is_not_finite_is_said_with_its_step_and_rate_and_keeps_the_trace(capsys, folder):
    (folder / "nan.py").write_text(
        "import torch\n"
        "from lrdecay.adapters.torch import TorchTask\n"
        "def task(seed):\n"
        "    model = torch.nn.Linear(2, 1)\n"
        "    opt = torch.optim.SGD(model.parameters(), lr=1.0)\n"
        "    data = (torch.ones(8, 2), torch.zeros(8, 1))\n"
        "    calls = []\n"
        "    def loss(a, b):\n"
        "        calls.append(1)\n"
        "        return ((a - b) ** 2).mean() * (float('nan') if len(calls) > 1 else 1.0)\n"
        "    return TorchTask(model=model, optimizer=opt, loss=loss, train=data, heldout=data, batch_size=4,\n"
        "                     steps=9, metric='loss')\n"
    )
    out = folder / "kept"

    code = run(["train", f"{folder / 'nan.py'}:task", "-s", "constant(0.25)", "--out", str(out)])

    _, err = capsys.readouterr()
    assert code == 1
    assert err.count("\n") == 1
    assert "nan at step 1 (rate 0.25)" in err
    assert (out / "trace.csv").read_text().splitlines()[0].startswith("step,epoch,rate,loss")
    assert len((out / "trace.csv").read_text().splitlines()) == 3


def test_help_costs_no_framework():
    """The command line is imported in every shell completion and every typo: it must not load torch."""
    import subprocess

    code = (
        "import sys, lrdecay.cli.main; print([m for m in ('torch', 'scipy', 'matplotlib', 'jax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home())
    assert done.stdout.strip() == "[]"


def test_without_a_verb_the_help_is_printed(capsys):
    assert run([]) == 0
    assert "compare" in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("lrdecay 0.")


def test_a_folder_that_cannot_be_made_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert (
        run(["train", "quadratic", "-s", "linear(0.1)", "--steps", "5", "--out", str(tmp_path / "file" / "run")]) == 1
    )

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "file" in err
