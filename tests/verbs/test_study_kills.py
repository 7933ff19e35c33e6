"""A study killed twice ends as one that was left alone; `make soak` kills a hundred times."""

from __future__ import annotations

from pathlib import Path

from tests.verbs.killing import kill_often


def test_a_study_killed_at_random_moments_ends_the_same_and_trains_no_finished_node_again(tmp_path: Path) -> None:
    assert kill_often("sqlite", tmp_path, kills=2, seed=0)["kills"] == 2
