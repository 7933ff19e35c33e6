"""Two ranks that are steered: a command that one process sends holds from the same update on both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import lrdecay
from lrdecay.adapters.torch.announcing import announcer

ROOT = Path(__file__).parents[3]


def test_one_process_alone_has_nobody_to_tell() -> None:
    assert announcer() is None


def test_two_gloo_ranks_apply_a_command_at_the_same_step(tmp_path: Path) -> None:
    script, store = str(Path(__file__).with_name("two_steered.py")), str(tmp_path / "runs.db")
    started = [
        subprocess.Popen(
            [sys.executable, script, str(rank), str(tmp_path / "meeting"), store],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        ended = [process.communicate(timeout=120) for process in started]
    finally:
        for process in started:
            process.kill()
    for process, (_, errors) in zip(started, ended, strict=True):
        assert process.returncode == 0, errors
    first, second = (json.loads(output) for output, _ in ended)
    assert len(first["journal"]) == 1
    assert first["edits"] == second["edits"]
    assert first["rates"] == second["rates"]
    assert first["weights"] == second["weights"]
    assert first["journal"] == second["journal"]
    s = first["journal"][0]["step"]
    assert s > 150
    assert first["rates"][s] < 0.2 * first["rates"][s - 1]
    standing = lrdecay.live("two", store=store)[0]
    assert standing.state == "finished"
    assert standing.journal == tuple(first["journal"])
