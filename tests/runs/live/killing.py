"""Kill -9 at random moments: the run, or who steers it; then see that what was told was done once, and can be replayed.

`kill_either` is called with a few kills by the tests and with fifty by the soak test.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lrdecay.errors import InputError
from lrdecay.runs.live.names import LIVES, claimed
from lrdecay.runs.store.opening import open_store
from lrdecay.verbs.steer import live

__all__ = ["kill_either", "started"]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    """One of the scripts here, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_either(folder: Path, where: str, kills: int, steps: int, seed: int) -> Counter[str]:
    """Steer a run of so many updates, kill one of the two so often, and check what is left.

    Returns:
        How often each was killed, how many commands were applied and refused, and how often the run began anew.
    """
    draw, counts = random.Random(seed), Counter[str]()
    weights, checkpoint, notes = folder / "weights.json", folder / "run.pt", folder / "notes"
    length = ("--steps", str(steps))
    steady = ("--store", where, *length, "--pace", "0.002", "--pause", "0.02", "--checkpoint", str(checkpoint))
    run, teller = started("steered.py", str(weights), *steady), started("telling.py", where, str(notes), str(seed))
    try:
        for k in range(kills):
            _until_live(where, run)
            time.sleep(draw.uniform(0.0, 0.8))
            side = draw.choice(["run", "teller"])
            counts[f"{side} killed"] += 1
            victim = run if side == "run" else teller
            assert victim.poll() is None, victim.communicate()[1]
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            if side == "run":
                run = started("steered.py", str(weights), *steady)
            else:
                teller = started("telling.py", where, str(notes), str(seed + k + 1))
        _, said = run.communicate(timeout=900)
        assert run.returncode == 0, said
    finally:
        for process in (run, teller):
            process.kill()
            process.wait()
    ended = json.loads(weights.read_text())
    counts += _checked(where, ended, notes)
    _replayed(folder, ended, length)
    return counts


def _until_live(where: str, run: subprocess.Popen[str]) -> None:
    """Until the process that runs now has said how it stands."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and run.poll() is None:
        try:
            found = live("small", store=where)[0]
            if found.state == "running" and found.who.split()[1] == str(run.pid):
                return
        except InputError:  # no store yet
            pass
        time.sleep(0.02)
    run.kill()
    raise AssertionError(run.communicate()[1])


def _checked(where: str, ended: dict[str, Any], notes: Path) -> Counter[str]:
    """Every command has one answer, and those that this life applied are in the journal as they were answered."""
    with open_store(where) as store:
        told = store.commands("small")
        life = claimed(store, "small").record["life"]
        lives = {claim.record["life"] for claim in store.commands("small" + LIVES)}
        assert store.check() == []
    assert all(command.outcome is not None for command in told)
    applied = [c.outcome["applied"] for c in told if "applied" in c.outcome and c.outcome["life"] == life]
    assert ended["journal"] == applied
    assert len({edit["sequence"] for edit in applied}) == len(applied)
    answers = {c.sequence: c.outcome.get("applied") for c in told}
    for line in notes.read_text().splitlines():
        try:
            noted = json.loads(line)
        except ValueError:  # cut off by the kill
            continue
        assert noted["edit"] is None or noted["edit"] == answers[noted["sequence"]]
    refused = sum("refused" in c.outcome for c in told)
    return Counter({"applied": len(applied), "refused": refused, "lives": len(lives), "told": len(told)})


def _replayed(folder: Path, ended: dict[str, Any], length: tuple[str, ...]) -> None:
    """A run that nobody kills or steers, with the journal: the same rates and weights, bit for bit."""
    journal, weights = folder / "journal.json", folder / "replayed.json"
    journal.write_text(json.dumps(ended["journal"]))
    replay = started("steered.py", str(weights), "--unsteered", "--journal", str(journal), *length)
    _, said = replay.communicate(timeout=600)
    assert replay.returncode == 0, said
    again = json.loads(weights.read_text())
    assert again["rates"] == ended["rates"]
    assert again["weights"] == ended["weights"]
