"""A study killed with -9 at random moments, over and over, ends as one that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from lrdecay.runs.store.opening import open_store

KILLS = 20
STUDY = """
import lrdecay
if __name__ == "__main__":
    lrdecay.compare("quadratic", ["constant(0.2)", "linear(0.2)", "cosine(0.2)"], seeds=6, pilots=3,
                    arguments={"sigma": 1.0, "dimension": 50, "steps": 4000}, out="report", workers=2)
"""


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_killed_at_random_moments_the_study_ends_the_same_and_repeats_nothing_it_finished(tmp_path):
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for folder in (alone, killed):
        folder.mkdir()
        (folder / "study.py").write_text(STUDY)
    began = time.monotonic()
    subprocess.run([sys.executable, "study.py"], cwd=alone, check=True)
    whole = time.monotonic() - began

    moments = random.Random(0)
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "study.py"], cwd=killed, start_new_session=True)
        time.sleep(moments.uniform(0.1, whole / 3))
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    subprocess.run([sys.executable, "study.py"], cwd=killed, check=True)

    rows = [json.loads((folder / "report/result.json").read_text())["rows"] for folder in (alone, killed)]
    assert rows[0] == rows[1]
    with open_store(killed / "report") as store:
        assert store.check() == []
