"""Scripts started by a launcher: its words first, its files where both ends see them, its second attempts alone."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve

from lrdecay.errors import InputError
from lrdecay.runs.launching import launched, rank, remove_checkpoint
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon, parse

SCRIPT = """
import os, sys, time
from pathlib import Path
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_run import ScriptRun
orders = Orders.read(os.environ)
run = ScriptRun(dict(steps=8), orders, lambda optimizer, bound, rates: rates, 0)
rates = run.attach(None, "constant(0.1)")
here = Path(__file__).parent
first = not (here / "tried").exists()
(here / "tried").touch()
w = [1.0]
def save(path, t):
    os.mkdir(path)
    Path(path, "w").write_text(f"{w[0]!r} {t}")
def load(path):
    value, t = Path(path, "w").read_text().split()
    w[0] = float(value)
    return int(t)
for t in run.steps(save=save, load=load):
    w[0] -= float(rates[t]) * w[0]
    run.log(loss=w[0] if not (first and FIRST) else 99.0, seen=1.0)
    if first and FIRST and t == 5:
        if orders.save:
            os.mkdir(orders.save)
        os.write(run._events.fileno(), b'{"event": "row", "st')
        os.kill(os.getpid(), 9)
"""
SBATCH = """#!/bin/sh
# stands in for sbatch --wait: runs the job elsewhere, again where it was killed, and ends as the job does
test "$1" = --wait && shift
job=$1; shift
echo "Submitted batch job 1"
setsid --wait sh "$job" "$@" >/dev/null 2>&1
code=$?
if [ $code -eq 137 ]; then setsid --wait sh "$job" "$@" >/dev/null 2>&1; code=$?; fi
exit $code
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder with a fake sbatch in it, first in PATH, and a job script."""
    (tmp_path / "sbatch").write_text(SBATCH)
    (tmp_path / "sbatch").chmod(0o755)
    (tmp_path / "job.sh").write_text('"$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def source_in(folder: Path, killed: bool, script: str = SCRIPT) -> ScriptSource:
    (folder / "train.py").write_text(script.replace("FIRST", str(killed)))
    command = f"'{sys.executable}' '{folder / 'train.py'}'"
    launcher = f"sbatch --wait '{folder / 'job.sh'}'"
    return ScriptSource(command, "seen:max", launcher=launcher, exchange=folder / "study")


def spec_of(source: ScriptSource) -> RunSpec:
    horizon = Horizon(steps=8)
    return RunSpec(source, 0, "constant(0.5)", horizon, parse("constant(0.5)").bind(horizon).values(), None, None)


def quiet(_done, _loss):
    pass


def test_a_job_gets_the_command_as_its_arguments_and_the_orders_through_the_environment(slurm):
    source = source_in(slurm, killed=False)
    probe = source.probe(None, None)
    result = source.execute(spec_of(source), quiet)

    assert probe.horizon.steps == 8
    assert result.failure is None
    assert result.trace.loss.tolist() == [0.5 ** (t + 1) for t in range(8)]
    assert list((slurm / "study").iterdir()) == []


def test_what_a_job_that_was_killed_and_started_again_had_said_is_forgotten(slurm):
    source = source_in(slurm, killed=True)
    result = source.execute(spec_of(source), quiet)

    assert (slurm / "tried").exists()
    assert result.failure is None
    assert result.trace.loss.tolist() == [0.5 ** (t + 1) for t in range(8)]  # no 99 of the first attempt


def test_a_job_started_again_begins_from_the_checkpoint_it_was_given_and_saves_over_what_was_cut_short(slurm):
    source = source_in(slurm, killed=True)
    spec = spec_of(source)
    (slurm / "tried").touch()
    source.hear(spec, Orders(stop=4, save=slurm / "four"), quiet)
    (slurm / "tried").unlink()
    heard = source.hear(spec, Orders(load=slurm / "four", stop=7, save=slurm / "seven"), quiet)

    assert (slurm / "seven" / "w").read_text() == f"{0.5**7!r} 7"
    assert heard.loaded == 4
    assert {t: row["loss"] for t, row in heard.rows.items()} == {t: 0.5 ** (t + 1) for t in (4, 5, 6)}


def test_the_exit_code_of_a_job_is_the_runs(slurm):
    source = source_in(slurm, killed=False, script=SCRIPT + "sys.exit(3)\n")
    result = source.execute(spec_of(source), quiet)

    assert "must exit with 0, got 3: Submitted batch job 1" in result.failure


def test_a_job_whose_study_has_gone_ends_by_itself(slurm):
    slow = SCRIPT.replace("    w[0] -=", "    (here / 'beat').write_text(str(t))\n    time.sleep(0.4)\n    w[0] -=")
    source = source_in(slurm, killed=False, script=slow.replace("steps=8", "steps=2000"))
    spec = evolve(
        spec_of(source), horizon=Horizon(steps=2000), rates=parse("constant(0.5)").bind(Horizon(steps=2000)).values()
    )

    def leaves(done, _loss):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.execute(spec, leaves)
    reached = -1
    for _ in range(40):
        time.sleep(1.0)
        before, reached = reached, int((slurm / "beat").read_text())
        if before == reached:
            break
    assert reached == before < 60


def test_a_line_that_breaks_off_in_the_middle_of_an_attempt_is_an_error(slurm):
    broken = SCRIPT.replace("    w[0] -=", "    os.write(run._events.fileno(), b'{\"ev\\n')\n    w[0] -=")
    source = source_in(slurm, killed=False, script=broken)

    with pytest.raises(Exception, match="must write its events alone"):
        source.execute(spec_of(source), quiet)


@pytest.mark.parametrize(
    ("launcher", "command", "words"),
    [
        (None, ["python", "a.py"], ["python", "a.py"]),
        ("torchrun --nproc-per-node 2", ["python", "a.py"], ["torchrun", "--nproc-per-node", "2", "a.py"]),
        ("torchrun", ["/usr/bin/python3.11", "-m", "mine"], ["torchrun", "-m", "mine"]),
        ("torchrun --no-python", ["python", "-u", "a.py"], ["torchrun", "--no-python", "python", "-u", "a.py"]),
        ("srun torchrun", ["python3", "a.py"], ["srun", "torchrun", "a.py"]),
        ("python -m torch.distributed.run", ["python", "a"], ["python", "-m", "torch.distributed.run", "a"]),
        ("mpirun -n 2", ["python", "a.py"], ["mpirun", "-n", "2", "python", "a.py"]),
        ("sbatch --wait job.sh", ["python", "a.py"], ["sbatch", "--wait", "job.sh", "python", "a.py"]),
    ],
)
def test_the_launchers_words_come_first_and_torchrun_starts_python_itself(launcher, command, words):
    assert launched(launcher, command) == words


@pytest.mark.parametrize(
    ("launcher", "command", "message"),
    [
        ("sbatch job.sh", "python a.py", "must wait for the job"),
        ("", "python a.py", "must be a command"),
        ("torchrun 'x", "python a.py", "No closing quotation"),
        ("torchrun", "python -u a.py", "must give python no options"),
    ],
)
def test_a_launcher_that_cannot_work_is_refused_before_anything_starts(launcher, command, message):
    with pytest.raises(InputError, match=message):
        ScriptSource(command, launcher=launcher)


def test_a_launcher_and_what_its_job_script_says_are_part_of_what_a_run_is_known_by(slurm):
    source = source_in(slurm, killed=False)
    before = source.identity()
    (slurm / "job.sh").write_text('exec "$@"\n')

    assert json.dumps(source.identity()) != json.dumps(before)
    assert evolve(source, exchange=slurm).identity() == source.identity()
    assert "launcher" not in evolve(source, launcher=None).identity()


def test_the_first_word_of_a_launcher_on_the_rank_counts(monkeypatch):
    for name in ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert rank() == "0"
    monkeypatch.setenv("PMI_RANK", "4")
    assert rank() == "4"
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert rank() == "0"
    monkeypatch.setenv("RANK", "3")
    assert rank() == "3"


def test_a_checkpoint_is_removed_with_the_random_states_beside_it_and_nothing_else(tmp_path):
    (tmp_path / "ckpt").mkdir()
    for name in ("ckpt/w", "ckpt.random.npz", "ckpt.random.1.npz", "ckpt2", "manifest.json"):
        (tmp_path / name).touch()
    remove_checkpoint(tmp_path / "ckpt")

    assert sorted(p.name for p in tmp_path.iterdir()) == ["ckpt2", "manifest.json"]
