"""kill -9 loses nothing that was said to be kept; `make soak` does it a hundred times."""

from __future__ import annotations

from tests.runs.store.killing import kill_often


def test_a_writer_killed_at_random_moments_loses_nothing_that_it_said_was_kept(where: str) -> None:
    counts = kill_often(where, kills=15, seed=0, longest=0.3)
    assert set(counts) == {"node", "result", "member", "event", "status", "command", "answer"}
