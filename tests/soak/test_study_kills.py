"""Studies killed with -9 at a hundred random moments end as one that was left alone, in either store."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.verbs.killing import kill_often

KILLS = 100


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["sqlite", "directory"])
def test_a_study_killed_at_random_moments_ends_the_same_and_trains_no_finished_node_again(
    tmp_path: Path, kind: str
) -> None:
    counts = kill_often(kind, tmp_path, KILLS, seed=1)
    print(kind, counts)
