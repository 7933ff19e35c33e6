"""Stores whose writers are killed with -9 at a hundred random moments each lose nothing and hold nothing broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runs.store.killing import kill_often

KILLS = 100


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "directory"])
def test_a_hundred_kills_lose_nothing_that_was_said_to_be_kept(tmp_path: Path, kind: str) -> None:
    where = str(tmp_path / "store.db") if kind == "sqlite" else f"dir:{tmp_path / 'store'}"
    counts = kill_often(where, KILLS, seed=1)
    assert min(counts.values()) >= KILLS / 2, counts
    print(kind, counts)
