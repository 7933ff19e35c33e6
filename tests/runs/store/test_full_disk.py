"""A disk that is full is one clear line; what was kept before is whole, and with room made the store goes on."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import RunError
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Store
from lrdecay.runs.trace import Trace

MEGABYTE = 2**20


def a_trace(n: int) -> Trace:
    column = np.random.default_rng(0).random(n)
    return Trace(np.arange(n), column, column, column)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a small filesystem")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(store: Store, trace: Trace) -> tuple[int, str]:
    """Put nodes until there is no more room: how many, and what was said then."""
    for kept in range(100):
        try:
            store.put_node(f"node{kept}", {"i": kept}, trace)
        except RunError as problem:
            return kept, str(problem)
    pytest.fail("it never got full")


@pytest.mark.parametrize("place", ["{}/store.db", "dir:{}/store"])
def test_a_full_disk_is_one_line_and_with_room_made_the_store_goes_on(small_disk: Path, place: str) -> None:
    ballast = small_disk / "somebody-elses"
    ballast.write_bytes(b"x" * MEGABYTE)
    where, trace = place.format(small_disk), a_trace(1000)
    with open_store(where) as store:
        kept, problem = fill(store, trace)
        assert "\n" not in problem
        assert "Make room on its disk and go on: what was kept before is safe." in problem
        assert kept > 2
        ballast.unlink()
        store.put_node(f"node{kept}", {"i": kept}, trace)
    with open_store(where) as again:
        for i in range(kept + 1):
            found = again.node(f"node{i}")
            assert found is not None
            assert np.array_equal(found[1].loss, trace.loss)
        assert again.check() == []


@pytest.mark.parametrize("place", ["{}/store.db", "dir:{}/store"])
def test_a_file_that_may_not_grow_further_is_the_same(tmp_path: Path, place: str) -> None:
    where = place.format(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_store(where) as store:
        store.put_node("small", {}, a_trace(10))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE // 4, hard))
        try:
            with pytest.raises(RunError, match="Make room on its disk and go on"):
                store.put_node("large", {}, a_trace(6_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert store.node("large") is None
        store.put_node("large", {}, a_trace(6_000))
        assert store.check() == []
    with open_store(where) as again:
        assert again.node("small") is not None
        assert again.node("large") is not None
        assert again.check() == []
