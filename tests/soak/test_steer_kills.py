"""A run and who steers it, killed with -9 fifty times: every command is answered once, and a replay is the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runs.live.killing import kill_either

KILLS = 50


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["sqlite", "directory"])
def test_fifty_kills_apply_no_command_twice_and_lose_none(tmp_path: Path, kind: str) -> None:
    where = str(tmp_path / "store.db") if kind == "sqlite" else f"dir:{tmp_path / 'store'}"
    counts = kill_either(tmp_path, where, KILLS, steps=20_000, seed=1)
    print(kind, dict(counts))
    assert counts["run killed"] + counts["teller killed"] == KILLS
    assert min(counts["run killed"], counts["teller killed"]) >= KILLS / 4
    assert counts["applied"] >= KILLS / 2
