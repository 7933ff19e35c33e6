"""Keras takes one backend per process: all of these tests once more, on torch, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_what_holds_on_jax_holds_on_torch() -> None:
    files = [str(p) for p in sorted(HERE.glob("test_*.py")) if p.name not in {Path(__file__).name, "test_extra.py"}]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *files]
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=HERE.parents[2], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout.splitlines()[-1]
