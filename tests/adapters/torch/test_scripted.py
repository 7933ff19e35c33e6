"""A plain torch loop in a user's script: a fork at a random step is the run, dropout and weights and all."""

from __future__ import annotations

import random
from pathlib import Path

from tests.adapters.played import EXAMPLES, assert_forks_are_the_run

SCRIPT = EXAMPLES / "script.py"


def test_the_example_forked_at_a_random_step_is_the_run_weights_and_all(tmp_path: Path) -> None:
    assert "Dropout" in SCRIPT.read_text()
    forks = sorted(random.sample(range(1, 60), 3))
    assert_forks_are_the_run(SCRIPT, tmp_path, "cosine(0.2)", 60, forks, lambda names: names["model"])
